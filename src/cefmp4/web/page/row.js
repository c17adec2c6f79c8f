/** One recording in the table. A cell is touched only when what it shows has changed. */

import { riskBegan, when } from './clock.js';
import { el, redrawn, setAttribute, setText } from './dom.js';
import { bytes } from './format.js';
import { nameNode, shortened } from './names.js';
import { linkTo } from './view.js';
import { pill, statusNode } from './words.js';

const CELLS = ['verdict', 'recording', 'progress', 'risk', 'why', 'since'];
const LABELS = { progress: 'Progress', risk: 'Unsent for', since: 'Since' };

/** Makes the row of one stream; `open(id)` shows it in detail, `retry(row)` takes it up again. */
export function makeRow(streamId, { open, retry }) {
  const cells = Object.fromEntries(CELLS.map((name) => [name, cell(name)]));
  const node = el(
    'tr',
    { role: 'row', 'data-id': streamId, on: { click: (event) => onClick(event, streamId, open) } },
    ...Object.values(cells),
  );
  return { node, update: (row) => update(node, cells, row, retry) };
}

function cell(name) {
  const tag = name === 'recording' ? 'th' : 'td';
  const role = tag === 'th' ? 'rowheader' : 'cell';
  return el(tag, { role, class: name, scope: tag === 'th' ? 'row' : null, 'data-label': LABELS[name] ?? null });
}

/** A click anywhere opens it, but for where a click means something else. */
function onClick(event, streamId, open) {
  const taken = event.target.closest('a, button') || getSelection().toString();
  if (!taken) open(streamId);
}

function update(node, cells, row, retry) {
  setAttribute(node, 'data-verdict', row.verdict);
  redrawn(cells.verdict, [row.verdict, row.status], (td) => drawVerdict(td, row));
  redrawn(cells.recording, row.name, (td) => drawName(td, row));
  redrawn(cells.progress, 'made', (td) => td.append(makeProgress()));
  tellProgress(cells.progress.firstChild, row);
  redrawn(cells.risk, riskBegan(row), (td) => drawRisk(td, riskBegan(row)));
  redrawn(cells.why, [row.why, row.hint, row.trouble, row.can], (td) => drawWhy(td, row, retry));
  redrawn(cells.since, row.since, (td) => td.replaceChildren(when(row.since)));
}

function drawVerdict(td, { verdict, status }) {
  td.replaceChildren(pill(verdict), statusNode(status));
}

function drawRisk(td, at) {
  setAttribute(td, 'data-none', at === null ? '' : null);
  td.replaceChildren(at === null ? '–' : when(at, 'age'));
}

function drawName(td, { stream_id: id, name }) {
  td.replaceChildren(el('a', { href: linkTo(id) }, nameNode(name, { longest: 90, folded: true })));
}

/** A bar in two tones: what is on the disk, and over it what the store has of it. */
export function makeProgress() {
  const bar = el('div', {
    class: 'bar', role: 'progressbar', 'aria-label': 'sent to the store', 'aria-valuemin': 0, 'aria-valuemax': 100,
  }, el('span', { class: 'sent' }));
  return el('div', { class: 'progress' }, bar, el('span', { class: 'small' }));
}

export function tellProgress(node, row) {
  const [bar, words] = node.children;
  const whole = Math.max(row.disk_bytes ?? row.sent_bytes + row.unsent_bytes, row.sent_bytes);
  const percent = whole ? Math.floor((100 * row.sent_bytes) / whole) : 0;
  bar.firstChild.style.width = `${percent}%`;
  setAttribute(bar, 'aria-valuenow', percent);
  setAttribute(bar, 'data-verdict', row.verdict);
  const text = progressWords(row);
  setAttribute(bar, 'aria-valuetext', text);
  setText(words, text);
}

function progressWords({ verdict, disk_bytes: disk, sent_bytes: sent, unsent_bytes: unsent }) {
  if (disk === null && verdict === 'at_risk') return `${bytes(sent)} of at least ${bytes(sent + unsent)} sent`;
  if (disk === null) return sent ? `${bytes(sent)} sent, not on disk` : 'nothing of it is stored';
  if (!unsent && sent >= disk) return `all ${bytes(disk)} sent`;
  return `${bytes(sent)} of ${bytes(disk)} sent`;
}

function drawWhy(td, row, retry) {
  td.replaceChildren(el('p', { class: 'reason' }, shortened(row.why, 300)));
  const more = troubleOf(row);
  if (more) td.append(el('p', { class: 'small' }, more));
  if (row.hint) td.append(el('p', { class: 'small todo' }, '→ ', shortened(row.hint, 300)));
  if (row.can.includes('retry')) td.append(retryButton(row, retry));
}

/** What the trouble adds to the reason. */
export function troubleOf({ why, trouble }) {
  if (!trouble) return '';
  const times = trouble.failures > 1 ? `failed ${trouble.failures} times in a row` : '';
  const error = why.includes(trouble.error) ? '' : shortened(trouble.error, 300);
  return [error, times].filter(Boolean).join('; ');
}

function retryButton(row, retry) {
  const label = `Retry ${shortened(row.name, 80)}`;
  return el('button', { type: 'button', class: 'quiet', 'aria-label': label, on: { click: () => retry(row) } }, 'Retry');
}
