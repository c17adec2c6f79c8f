/** Four figures; each is a button that shows only what it counts. */

import { byId, el, setAttribute, setText } from './dom.js';
import { bytes, count, seconds } from './format.js';
import { shape } from './words.js';

const TILES = [
  { verdict: 'active', figure: 'active', label: 'Active', say: unsent },
  { verdict: 'at_risk', figure: 'at_risk', label: 'At risk', say: risk },
  { verdict: 'stored', figure: 'stored_today', label: 'Stored today', say: () => 'verified in the store' },
  { verdict: 'not_stored', figure: 'failed', label: 'Failed', say: failed },
];

/** While the watched directory is away, what was seen last: there may be more by now. */
function unsent({ active, unsent_bytes: n, problems }) {
  const away = problems.some(({ what }) => what === 'watch_dir');
  if (!active) return away ? 'the directory is away' : 'nothing is being written';
  if (away) return n ? `at least ${bytes(n)} to send` : 'all of it that was seen is sent';
  return n ? `${bytes(n)} to send` : 'all of it sent';
}

function risk({ at_risk: n, at_risk_seconds: age }) {
  return n ? `oldest unsent byte ${seconds(age)} old` : 'nothing is in the way';
}

function failed({ failed: n }) {
  return n ? 'waiting for a person' : 'none';
}

/** Makes the tiles once; `choose(verdict)` is called when one is pressed. */
export function makeTiles(choose) {
  const made = TILES.map((tile) => ({ ...tile, ...button(tile, choose) }));
  byId('tiles').replaceChildren(...made.map((tile) => tile.node));
  return {
    tell: (summary) => made.forEach((tile) => tellTile(tile, summary)),
    press: (verdict) =>
      made.forEach((tile) => setAttribute(tile.node, 'aria-pressed', String(tile.verdict === verdict))),
  };
}

function button({ verdict, label }, choose) {
  const number = el('span', { class: 'number' }, '–');
  const more = el('span', { class: 'small' });
  const name = el('span', { class: 'label' }, shape(verdict), label);
  const node = el(
    'button',
    { type: 'button', class: 'tile', 'data-verdict': verdict, 'aria-pressed': 'false', on: { click: () => choose(verdict) } },
    name, number, more,
  );
  return { node, number, more };
}

function tellTile({ node, number, more, figure, say }, summary) {
  const known = summary.gone_through || summary[figure] > 0; // before, 0 would be a claim
  setText(number, known ? count(summary[figure]) : '–');
  setAttribute(node, 'data-none', !known || summary[figure] === 0 ? '' : null);
  setText(more, known ? say(summary) : 'not known yet');
}
