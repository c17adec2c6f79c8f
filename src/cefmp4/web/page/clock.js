/**
 * What time it is where the daemon runs, and the distances to it that the page shows.
 *
 * They walk on by themselves once a second; while the connection is lost they stand, as
 * all that is shown does.
 */

import { el, setText } from './dom.js';
import { absolute, ago, inWords, seconds } from './format.js';

const WORDINGS = { ago, for: (n) => `for ${inWords(n)}`, age: seconds };
let ahead_seconds = 0;
let stopped_at = null;

const here = () => Date.now() / 1000;

/** The daemon's time, by its last word. */
export const now = () => stopped_at ?? here() + ahead_seconds;

/** The daemon said what time it is. */
export function setNow(at) {
  ahead_seconds = at - here();
  stopped_at = null;
}

/** Time stands still until the daemon is heard again. */
export function stop() {
  stopped_at ??= now();
}

/** When the oldest byte of a row came that is not in the store; null when all are there. */
export function riskBegan({ at_risk_seconds: age, at_risk_since: at = null }) {
  if (!age) return null;
  return at ?? now() - age;
}

/** A distance to `at` that keeps itself true; the absolute time is in its title. */
export function when(at, wording = 'ago') {
  const node = el('time', {
    datetime: new Date(at * 1000).toISOString(), title: absolute(at),
    'data-at': at, 'data-wording': wording,
  });
  told(node);
  return node;
}

function told(node) {
  setText(node, WORDINGS[node.dataset.wording](now() - Number(node.dataset.at)));
}

/** Brings every shown distance up to date. */
export function tick() {
  for (const node of document.querySelectorAll('time[data-wording]')) told(node);
}
