/** Puts the page together: what is looked at, what is heard, and who draws it. */

import { WORST_QUERY, tellAnswer, unsafeCount } from './answer.js';
import { makeChart } from './chart.js';
import { setNow, stop, tick } from './clock.js';
import { makeDetail } from './detail.js';
import { byId } from './dom.js';
import { makeFilters } from './filters.js';
import { Live } from './live.js';
import { tellFooter, tellLine, tellPlace } from './margins.js';
import { steer } from './steer.js';
import { makeTable } from './table.js';
import { makeTiles } from './tiles.js';
import { FIRST_VIEW, firstOrder, linkTo, linked, queryOf } from './view.js';

const WORST_EVERY_SECONDS = 5;

let view = { ...FIRST_VIEW, detail: linked(location.hash) };
let summary = null;
let worst = { rows: [], of: '', at: 0 };

const chart = makeChart();
const tiles = makeTiles((verdict) => look({ verdict: view.verdict === verdict ? '' : verdict }));
const filters = makeFilters(look);
const table = makeTable({
  open: (id) => { location.hash = linkTo(id); },
  retry: (row) => retry(row),
  sortBy: (sort) => look({ sort, order: sort === view.sort ? turned(view.order) : firstOrder(sort) }),
  turnTo: (page) => look({ page }),
  clear: () => look({ search: '', verdict: '' }),
});
const detail = makeDetail({ closed: () => closeDetail() });
const live = new Live({ hear, lost, found });

const turned = (order) => (order === 'asc' ? 'desc' : 'asc');

/** Look at something else: another filter or order begins at its first page. */
function look(change) {
  const page = 'detail' in change ? view.page : 1;
  const next = { ...view, page, ...change };
  if (JSON.stringify(next) === JSON.stringify(view)) return;
  view = next;
  byId('told').replaceChildren(); // what was answered belongs to what was looked at
  if (!('detail' in change)) table.waiting();
  show();
}

function show() {
  tiles.press(view.verdict);
  filters.tell(view);
  table.mark(view);
  live.follow(queryOf(view));
}

function hear(event, data) {
  if (event === 'throughput') chart.begin(data);
  if (event === 'summary') hearSummary(data);
  if (event === 'rows') table.tell(data, view, summary);
  if (event === 'detail') detail.tell(data);
}

function hearSummary(data) {
  const other = summary?.gone_through !== data.gone_through; // also the very first
  summary = data;
  setNow(data.now);
  tellLine('live');
  tiles.tell(data);
  chart.add(data);
  tellPlace(data);
  tellFooter(data);
  detail.allow(data.can_steer);
  tellAnswer(data, worst.rows);
  askForTheWorst();
  if (other) table.empty(view, data);
}

/** The worst recordings, whatever the table shows; asked for only while any is not safe. */
async function askForTheWorst() {
  const of = `${summary.at_risk} ${summary.failed}`;
  const due = of !== worst.of || summary.now - worst.at >= WORST_EVERY_SECONDS;
  if (!unsafeCount(summary)) worst = { rows: [], of: '', at: 0 };
  if (!unsafeCount(summary) || !due) return;
  worst = { rows: worst.rows, of, at: summary.now };
  const rows = await fetch(`/api/streams?${WORST_QUERY}`)
    .then((answer) => (answer.ok ? answer.json() : { rows: [] }))
    .then((page) => page.rows, () => worst.rows);
  if (!unsafeCount(summary)) return;
  worst.rows = rows;
  tellAnswer(summary, rows);
}

function lost(refused) {
  stop();
  document.body.dataset.lost = '';
  tellLine('lost', summary?.now, refused);
}

function found() {
  delete document.body.dataset.lost;
  tellLine('live');
}

async function retry(row) {
  if (!summary?.can_steer) {
    location.hash = linkTo(row.stream_id);
    return;
  }
  await steer('retry', row, (text) => byId('told').replaceChildren(text));
}

function followLink() {
  const id = linked(location.hash);
  if (id) detail.open(table.row(id));
  else if (detail.isOpen()) detail.close();
  look({ detail: id });
}

/** By hand. The event comes late: Back and Forward may have shut and opened it meanwhile. */
function closeDetail() {
  if (detail.isOpen() || !view.detail) return;
  if (linked(location.hash)) history.replaceState(null, '', location.pathname);
  look({ detail: '' });
}

addEventListener('hashchange', followLink);
setInterval(tick, 1000);
show();
if (view.detail) detail.open(null);
