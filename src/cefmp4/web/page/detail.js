/** One recording in full: a panel over the page, with its parts, its facts and its past. */

import { hint, lasting } from './answer.js';
import { byId, el, redrawn, setAttribute } from './dom.js';
import { copied, factNodes, mediaFacts, objectFacts, sizeFacts, timeline } from './facts.js';
import { nameNode, shortened } from './names.js';
import { makeProgress, tellProgress, troubleOf } from './row.js';
import { steer, wishTitle } from './steer.js';
import { strip } from './strip.js';
import { pill, statusNode } from './words.js';

/** Makes the panel once; `closed()` is called when it was shut. */
export function makeDetail({ closed }) {
  const dialog = byId('detail');
  const parts = panel(dialog);
  dialog.addEventListener('close', closed);
  dialog.addEventListener('click', (event) => event.target === dialog && dialog.close());
  return {
    open: (row) => open(dialog, parts, row),
    /** What is known of it now. */
    tell: (detail) => tell(parts, detail),
    /** Whether the daemon takes orders. */
    allow: (canSteer) => {
      parts.canSteer = canSteer;
      if (parts.row) tellActs(parts);
    },
    close: () => dialog.close(),
    isOpen: () => dialog.open,
  };
}

function panel(dialog) {
  const part = (tag, name, ...inside) => el(tag, { class: name }, ...inside);
  const close = el('button', { type: 'button', class: 'quiet close', on: { click: () => dialog.close() } }, 'Close');
  const parts = {
    name: el('h2', { id: 'detail-name', tabindex: '-1', autofocus: '' }),
    state: part('div', 'state'), progress: makeProgress(), acts: part('div', 'acts'), told: el('output', { class: 'told' }),
    poster: part('div', 'poster'), strip: part('div', 'parts'), media: part('dl', 'facts'),
    history: part('div', 'history'), sizes: part('dl', 'facts'), facts: part('dl', 'facts'),
  };
  parts.body = part('div', 'body', parts.state, parts.progress, parts.acts, parts.told, parts.poster,
    section('Parts', parts.strip, parts.sizes), section('What happened', parts.history),
    section('Media', parts.media), section('Recording and object', parts.facts));
  parts.missing = el('p', { class: 'missing', hidden: '' });
  dialog.replaceChildren(part('header', 'bar-top', parts.name, close), parts.missing, parts.body);
  return parts;
}

const section = (title, ...inside) => el('section', {}, el('h3', {}, title), ...inside);

/** Shows the panel; its name stands there at once if the table knows it. */
function open(dialog, parts, row) {
  parts.told.replaceChildren();
  parts.row = null;
  parts.body.hidden = true;
  parts.missing.hidden = false;
  parts.missing.replaceChildren('Loading …');
  parts.name.replaceChildren(row ? nameNode(row.name) : 'Recording');
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
}

function tell(parts, detail) {
  parts.body.hidden = Boolean(detail.gone);
  parts.missing.hidden = !detail.gone;
  if (detail.gone) parts.missing.replaceChildren('There is no such recording: the link may be old, or it was forgotten.');
  else draw(parts, detail);
}

function draw(parts, detail) {
  const { row } = detail;
  parts.row = row;
  redrawn(parts.name, row.name, (node) => node.replaceChildren(nameNode(row.name)));
  redrawn(parts.state, [row.verdict, row.status, row.why, row.since, row.hint, row.trouble], (node) => drawState(node, row));
  tellProgress(parts.progress, row);
  tellActs(parts);
  redrawn(parts.poster, detail.poster, (node) => drawPoster(node, detail.poster));
  redrawn(parts.strip, detail.strip, (node) => node.replaceChildren(...strip(detail.strip)));
  redrawnList(parts.media, mediaFacts(detail.media));
  redrawn(parts.history, detail.history, (node) => node.replaceChildren(timeline(detail.history)));
  redrawnList(parts.sizes, sizeFacts(detail));
  redrawnList(parts.facts, objectFacts(detail));
}

/** Only when a value is another: else a selection in it would be lost every second. */
function redrawnList(node, pairs) {
  redrawn(node, pairs, () => node.replaceChildren(...factNodes(pairs)));
}

function drawState(node, row) {
  setAttribute(node, 'data-verdict', row.verdict);
  const why = el('p', { class: 'reason' }, shortened(row.why, 600), lasting(row.since));
  node.replaceChildren(el('p', { class: 'line' }, pill(row.verdict), statusNode(row.status)), why);
  const trouble = troubleOf(row);
  if (trouble) node.append(el('p', { class: 'small' }, trouble));
  if (row.hint) node.append(hint(row.hint));
}

function tellActs(parts) {
  const { row, canSteer, acts } = parts;
  redrawn(acts, [row.stream_id, row.can, canSteer], () =>
    acts.replaceChildren(...(canSteer ? row.can.map((wish) => button(wish, row, parts)) : howElse(row))));
}

function button(wish, row, parts) {
  const act = () => steer(wish, row, (text) => parts.told.replaceChildren(text));
  return el('button', { type: 'button', class: wish === 'abort' ? 'danger' : 'primary', on: { click: act } }, wishTitle(wish));
}

function howElse({ can, stream_id: id }) {
  if (!can.length) return [];
  const says = `To ${can.join(' or ')} it from here, set WEB_TOKEN. On the command line:`;
  return [el('p', { class: 'small' }, says), ...can.map((wish) => copied(`cefmp4 ${wish} ${id}`))];
}

function drawPoster(node, source) {
  if (!source?.startsWith('/api/')) return node.replaceChildren();
  const image = el('img', { src: source, alt: 'A frame of the recording', decoding: 'async' });
  image.addEventListener('error', () => node.replaceChildren());
  return node.replaceChildren(image);
}
