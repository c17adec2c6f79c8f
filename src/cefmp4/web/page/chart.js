/** Bytes sent per second over the last ten minutes: a drawing, and the same in words. */

import { byId, el, setAttribute, setText, svg } from './dom.js';
import { clockTime, momentOf, rate, short } from './format.js';

const SPAN_SECONDS = 600;
const WIDTH = 600;
const HEIGHT = 100;

/** Makes the chart once. */
export function makeChart() {
  const parts = drawing();
  const state = { points: [], limit: 0 };
  byId('throughput-chart').replaceChildren(parts.drawn, parts.top, parts.from, parts.to, parts.readout);
  parts.drawn.addEventListener('pointermove', (event) => point(parts, state, event));
  parts.drawn.addEventListener('pointerleave', () => setAttribute(parts.readout, 'hidden', ''));
  return {
    /** The history, once at the beginning of each connection. */
    begin: ({ points }) => {
      state.points = points.slice(-SPAN_SECONDS);
      draw(parts, state);
    },
    /** One more second. */
    add: ({ now, bytes_per_second: sent, rate_limit_bytes_per_second: limit }) => {
      state.points = [...state.points, [now, sent]].filter(([at]) => at > now - SPAN_SECONDS);
      state.limit = limit;
      draw(parts, state);
    },
  };
}

function drawing() {
  const area = svg('path', { class: 'area' });
  const line = svg('path', { class: 'line' });
  const limit = svg('path', { class: 'limit' });
  const grid = svg('path', { class: 'grid', d: `M0 1H${WIDTH}M0 50H${WIDTH}` });
  const shape = svg(
    'svg',
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', role: 'img', 'aria-labelledby': 'throughput-words' },
    grid, area, limit, line,
  );
  const label = (name) => el('span', { class: `axis ${name}`, 'aria-hidden': 'true' });
  const readout = el('span', { class: 'readout', hidden: '', 'aria-hidden': 'true' });
  return { drawn: shape, area, line, limit, top: label('top'), from: label('from'), to: label('to'), readout };
}

function draw(parts, { points, limit }) {
  const last = points.at(-1);
  if (!last) return;
  const peak = points.reduce((highest, [, sent]) => Math.max(highest, sent), 0);
  const top = niceTop(Math.max(peak, limit && limit < 3 * peak ? limit : 0));
  const begin = last[0] - SPAN_SECONDS;
  const path = points.map(([at, sent]) => `${x(at, begin)} ${y(sent, top)}`).join('L');
  setAttribute(parts.line, 'd', `M${path}`);
  setAttribute(parts.area, 'd', `M${x(points[0][0], begin)} ${HEIGHT}L${path}V${HEIGHT}Z`);
  setAttribute(parts.limit, 'd', limit && limit <= top ? `M0 ${y(limit, top)}H${WIDTH}` : null);
  setText(parts.top, rate(top));
  setText(parts.from, clockTime(begin));
  setText(parts.to, clockTime(last[0]));
  setText(byId('throughput-words'), words(last, peak, points, limit));
}

function words(last, peak, points, limit) {
  const span = short(last[0] - points[0][0] + 1);
  const most = peak ? `most in the last ${span}: ${rate(peak)}` : `nothing in the last ${span}`;
  return `Now ${rate(last[1])}, ${most}${limit ? `, limited to ${rate(limit)}` : ''}.`;
}

const x = (at, begin) => (((at - begin) / SPAN_SECONDS) * WIDTH).toFixed(1);
const y = (sent, top) => (HEIGHT - (sent / top) * (HEIGHT - 2)).toFixed(1);

/** The next round figure in binary units: 1, 2, 5, 10 … of them. */
function niceTop(peak) {
  if (peak <= 1024) return 1024;
  const unit = 1024 ** Math.floor(Math.log2(peak) / 10);
  const steps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1024];
  return unit * steps.find((step) => step * unit >= peak);
}

function point({ drawn, readout }, { points }, event) {
  const last = points.at(-1);
  if (!last) return;
  const box = drawn.getBoundingClientRect();
  const share = (event.clientX - box.left) / box.width;
  const at = last[0] - SPAN_SECONDS * (1 - share);
  const near = points.reduce((best, one) => (Math.abs(one[0] - at) < Math.abs(best[0] - at) ? one : best));
  setText(readout, `${momentOf(near[0])}  ${rate(near[1])}`);
  readout.hidden = false;
  readout.style.left = `${Math.min(80, Math.max(12, share * 100))}%`;
}
