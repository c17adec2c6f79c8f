/** The parts of one stream, drawn as a strip of runs: told apart by height and pattern as well as by colour. */

import { el, svg } from './dom.js';
import { count, counted } from './format.js';

const WIDTH = 1000;
const HEIGHT = 30;
const LEAST = 3; // so that one part of ten thousand is still seen
const FEW = 120; // up to so many parts, each is drawn on its own

const KINDS = {
  stored: { label: 'stored', height: 1 },
  resent: { label: 'stored, sent more than once', height: 1 },
  in_flight: { label: 'being sent', height: 0.75 },
  due: { label: 'on disk, to be sent', height: 0.5 },
  growing: { label: 'still filling', height: 0.3 },
};
const ORDER = Object.keys(KINDS);

/** The strip and its legend. */
export function strip(runs) {
  const total = runs.reduce((most, [, , last]) => Math.max(most, last), 0);
  if (!total) return [el('p', { class: 'small' }, 'No part of it is in the store.')];
  const counts = countsOf(runs);
  return [drawn(runs, total, wordsOf(counts, total)), legend(counts)];
}

function countsOf(runs) {
  const counts = Object.fromEntries(ORDER.map((kind) => [kind, 0]));
  for (const [kind, first, last] of runs) counts[kind] = (counts[kind] ?? 0) + last - first + 1;
  return counts;
}

const there = (counts) => ORDER.filter((kind) => counts[kind]);

function wordsOf(counts, total) {
  const each = there(counts).map((kind) => `${count(counts[kind])} ${KINDS[kind].label}`);
  return `${counted(total, 'part')}: ${each.join('; ')}`;
}

function drawn(runs, total, words) {
  const layers = ORDER.map((kind) => svg('g', { class: kind }));
  for (const [kind, first, last] of runs) layers[ORDER.indexOf(kind)]?.append(...boxes(kind, first, last, total));
  const shape = svg(
    'svg',
    { class: 'strip', viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', role: 'img', 'aria-label': words },
    ...layers,
  );
  return shape;
}

function boxes(kind, first, last, total) {
  if (total > FEW) return [box(kind, first, last, total, 0)];
  const numbers = Array.from({ length: last - first + 1 }, (_, index) => first + index);
  return numbers.map((number) => box(kind, number, number, total, 1.5));
}

function box(kind, first, last, total, gap) {
  const { height, label } = KINDS[kind];
  const each = WIDTH / total;
  const width = Math.max(LEAST, (last - first + 1) * each - gap);
  const left = Math.min((first - 1) * each, WIDTH - width);
  const numbers = first === last ? `part ${count(first)}` : `parts ${count(first)}–${count(last)}`;
  return svg(
    'rect',
    { x: left.toFixed(2), width: width.toFixed(2), y: HEIGHT * (1 - height), height: HEIGHT * height },
    svg('title', {}, `${numbers}: ${label}`),
  );
}

function legend(counts) {
  const items = there(counts).map((kind) =>
    el('li', {}, el('span', { class: `swatch ${kind}`, 'aria-hidden': 'true' }), `${count(counts[kind])} ${KINDS[kind].label}`));
  return el('ul', { class: 'legend' }, ...items);
}
