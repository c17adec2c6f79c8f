/** The table: its columns, its rows in the daemon's order, its pages, and what stands there when there are none. */

import { arrange, byId, el, redrawn, setAttribute, setText } from './dom.js';
import { count, counted } from './format.js';
import { visible } from './names.js';
import { makeRow } from './row.js';
import { PER_PAGE, isFiltered, pagesOf } from './view.js';

const COLUMNS = [
  { name: 'verdict', label: 'State', sort: 'urgency' },
  { name: 'recording', label: 'Recording', sort: 'name' },
  { name: 'progress', label: 'Progress', sort: 'disk_bytes' },
  { name: 'risk', label: 'Unsent for', sort: 'at_risk_seconds', title: 'How old the oldest byte is that is not in the store' },
  { name: 'why', label: 'Why' },
  { name: 'since', label: 'Since', sort: 'since' },
];

/** Makes the table once. `acts` holds open(id), retry(row), sortBy(sort), turnTo(page), clear(). */
export function makeTable(acts) {
  const headings = COLUMNS.map((column) => heading(column, acts));
  byId('columns').replaceChildren(...headings.map(({ node }) => node));
  const state = { made: new Map(), rows: new Map(), total: null, pager: makePager(acts), acts };
  return {
    tell: (change, view, summary) => tell(state, change, view, summary),
    waiting: () => setAttribute(byId('table'), 'aria-busy', 'true'),
    mark: (view) => headings.forEach((one) => markSort(one, view)),
    row: (id) => state.rows.get(id),
    empty: (view, summary) => drawEmpty(state, view, summary),
  };
}

function heading({ name, label, sort, title = null }, { sortBy }) {
  const inside = sort ? el('button', { type: 'button', on: { click: () => sortBy(sort) } }, label) : label;
  const node = el('th', { role: 'columnheader', scope: 'col', class: name, title }, inside);
  return { node, sort };
}

function markSort({ node, sort }, view) {
  const worstFirst = sort === 'urgency' ? 'descending' : null;
  const chosen = view.order === 'desc' ? 'descending' : 'ascending';
  setAttribute(node, 'aria-sort', sort && sort === view.sort ? (worstFirst ?? chosen) : null);
}

/** Takes in what changed: only the rows that came are drawn. */
function tell(state, { total, order, rows }, view, summary) {
  for (const row of rows) state.rows.set(row.stream_id, row);
  const shown = order.filter((id) => state.rows.has(id));
  const there = new Set(shown);
  for (const id of state.rows.keys()) if (!there.has(id)) state.rows.delete(id);
  for (const id of state.made.keys()) if (!there.has(id)) state.made.delete(id);
  for (const { stream_id: id } of rows) if (there.has(id)) made(state, id).update(state.rows.get(id));
  arrange(byId('rows'), shown.map((id) => made(state, id).node));
  state.total = total;
  setText(byId('total'), count(total));
  setAttribute(byId('table'), 'aria-busy', 'false');
  state.pager.tell(total, view.page);
  drawEmpty(state, view, summary);
}

function made(state, id) {
  if (!state.made.has(id)) {
    const row = makeRow(id, state.acts);
    row.update(state.rows.get(id));
    state.made.set(id, row);
  }
  return state.made.get(id);
}

function drawEmpty({ total, acts }, view, summary) {
  const none = total === 0;
  byId('empty').hidden = !none;
  byId('table').hidden = none;
  if (none) redrawn(byId('empty'), [isFiltered(view), summary?.watch_dir, summary?.gone_through], (box) =>
    box.replaceChildren(...inPlaceOfRows(acts, view, summary)));
}

function inPlaceOfRows(acts, view, summary) {
  if (summary && !summary.gone_through) return notLooked(summary);
  return isFiltered(view) ? noMatch(acts) : nothingYet(summary);
}

function notLooked({ watch_dir: where }) {
  return [
    el('p', { class: 'headline' }, 'Nothing has been seen yet.'),
    el('p', {}, 'What is in ', el('code', {}, visible(where)), ' shows up here once the daemon has gone through it.'),
  ];
}

function noMatch({ clear }) {
  return [
    el('p', { class: 'headline' }, 'No recording matches.'),
    el('p', {}, el('button', { type: 'button', class: 'quiet', on: { click: clear } }, 'Show all recordings')),
  ];
}

function nothingYet(summary) {
  const where = summary ? el('code', {}, visible(summary.watch_dir)) : 'the watched directory';
  return [
    el('p', { class: 'headline' }, 'No recordings yet.'),
    el('p', {}, 'Put an MP4 into ', where, ', or let a recorder write one there: it shows up here while it grows.'),
  ];
}

function makePager({ turnTo }) {
  const words = el('span', { class: 'words' });
  const state = { page: 1, pages: 1 };
  const button = (label, to) =>
    el('button', { type: 'button', class: 'quiet', on: { click: () => turnTo(to(state)) } }, label);
  const back = [button('First', () => 1), button('Previous', ({ page }) => page - 1)];
  const on = [button('Next', ({ page }) => page + 1), button('Last', ({ pages }) => pages)];
  byId('pager').replaceChildren(...back, words, ...on);
  return { tell: (total, page) => tellPager({ state, words, back, on, turnTo }, total, page) };
}

function tellPager({ state, words, back, on, turnTo }, total, page) {
  Object.assign(state, { page, pages: pagesOf(total) });
  byId('pager').hidden = state.pages === 1 && page === 1;
  const first = (page - 1) * PER_PAGE + 1;
  const last = Math.min(total, page * PER_PAGE);
  setText(words, `${count(first)}–${count(last)} of ${counted(total, 'recording')}`);
  for (const button of back) setAttribute(button, 'aria-disabled', page <= 1 ? 'true' : null);
  for (const button of on) setAttribute(button, 'aria-disabled', page >= state.pages ? 'true' : null);
  if (page > state.pages) turnTo(state.pages);
}
