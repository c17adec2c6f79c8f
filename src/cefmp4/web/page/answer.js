/**
 * The first thing a person wants to know: is everything safe, and if not, which recording
 * is not, and why. Said in words, with a tone; spoken aloud only when it changes.
 */

import { when } from './clock.js';
import { byId, el, redrawn, setAttribute, setText } from './dom.js';
import { bytes, count, counted, seconds } from './format.js';
import { nameNode, shortened } from './names.js';
import { linkTo } from './view.js';
import { componentWord, shape } from './words.js';

const NAMED = 3;
const UNSAFE = new Set(['at_risk', 'not_stored']);

/** How many recordings are not safe. */
export const unsafeCount = (summary) => summary.at_risk + summary.failed;

/** How many of the worst ones are worth being asked for. */
export const WORST_QUERY = `sort=urgency&page=1&per_page=${NAMED}`;

/** Tells what the summary and the worst rows say. */
export function tellAnswer(summary, worstRows) {
  const unsafe = unsafeCount(summary);
  const worst = unsafe ? worstRows.filter((row) => UNSAFE.has(row.verdict)) : [];
  const answer = worded(summary, unsafe);
  setAttribute(byId('answer'), 'data-tone', answer.tone);
  redrawn(byId('verdict'), answer, (node) =>
    node.replaceChildren(shape(SHAPE_OF[answer.tone]), answer.title));
  setText(byId('verdict-more'), answer.more);
  const left = unsafe - worst.length;
  redrawn(byId('worst'), [worst.map(told), left], (list) => drawWorst(list, worst, left));
  redrawn(byId('problems'), summary.problems, (list) => drawProblems(list, summary.problems));
  setText(byId('announcer'), spoken(answer, worst[0], summary));
  document.title = unsafe
    ? `(${count(unsafe)}) not safe – ${shortened(summary.host, 40)}`
    : `${answer.title.replace(/\.$/, '')} – ${shortened(summary.host, 40)}`;
}

const UNKNOWN = 'It has not looked at any recording since it was started; none is sent before it has.';
const TRIED = 'The daemon goes on trying by itself, for as long as it takes; nothing is given up.';
const TRIED_OF_SOME = 'What is at risk is tried again by itself, for as long as it takes, and not given up; what is not stored waits for a person.';
const WAITED_OUT = new Set(['store', 'redis', 'watch_dir', 'watcher', 'claim']); // and asked again, without an end
const SHAPE_OF = { bad: 'not_stored', warn: 'at_risk', good: 'stored' };

function worded(summary, unsafe) {
  if (summary.starting) {
    return { tone: 'warn', title: 'Not known yet: the daemon has not begun to work.', more: UNKNOWN };
  }
  if (unsafe) {
    const title = `${counted(unsafe, 'recording is', 'recordings are')} not safe.`;
    return { tone: summary.failed ? 'bad' : 'warn', title, more: goesOn(summary) };
  }
  if (summary.problems.length) {
    return { tone: 'warn', title: 'No recording is known to be in danger, but something is wrong.', more: goesOn(summary) };
  }
  if (!summary.gone_through) {
    return { tone: 'warn', title: 'Not known yet: the watched directory is still being gone through.', more: '' };
  }
  return { tone: 'good', title: 'Everything is safe.', more: calm(summary) };
}

/** What needs no person, where that is so: not for what failed, and not while the daemon stops. */
function goesOn({ at_risk: atRisk, failed, problems }) {
  const whats = problems.map(({ what }) => what);
  if (whats.includes('stopping')) return '';
  if (atRisk) return failed ? TRIED_OF_SOME : TRIED;
  return !failed && whats.some((what) => WAITED_OUT.has(what)) ? TRIED : '';
}

function calm({ active, unsent_bytes: unsent, at_risk_seconds: age }) {
  if (!active) return 'No recording is being written right now.';
  const way = `${counted(active, 'recording is', 'recordings are')} on the way to the store`;
  if (!unsent) return `${way}, every byte of it sent.`;
  return `${way}; the last ${bytes(unsent)} are to follow, the oldest of them ${seconds(age)} old.`;
}

/** What of a row the answer tells: it is drawn anew only when this changes. */
const told = (row) => [row.stream_id, row.name, row.verdict, row.why, row.since, row.hint];

function drawWorst(list, worst, left) {
  list.hidden = !worst.length;
  list.replaceChildren(...worst.map(worstItem));
  if (worst.length && left > 0) {
    list.append(el('li', { class: 'rest' }, `and ${count(left)} more, below`));
  }
}

function worstItem(row, index, worst) {
  const withHint = row.hint && row.hint !== worst[index + 1]?.hint; // said once for neighbours
  const name = el('a', { href: linkTo(row.stream_id) }, nameNode(row.name, { longest: 100 }));
  const why = el('span', { class: 'why' }, shortened(row.why, 400));
  return el('li', {}, el('p', {}, name, ': ', why, lasting(row.since)), withHint ? hint(row.hint) : null);
}

function drawProblems(list, problems) {
  list.hidden = !problems.length;
  list.replaceChildren(...problems.map(problemItem));
}

function problemItem({ what, why, hint: todo, since }) {
  const name = el('strong', {}, componentWord(what));
  return el('li', {}, el('p', {}, name, ': ', shortened(why, 400), lasting(since)), todo ? hint(todo) : null);
}

/** How long it is so already. */
export const lasting = (since) => el('span', { class: 'lasting' }, ' · ', when(since, 'for'));

/** What a person can do. */
export const hint = (text) =>
  el('p', { class: 'hint' }, el('b', {}, 'What to do: '), shortened(text, 600));

/** For a screen reader: without the figures that change every second. */
function spoken(answer, worst, summary) {
  const first = worst ? ` ${shortened(worst.name, 80)}: ${shortened(worst.why, 200)}.` : '';
  const problems = summary.problems.map((p) => ` ${componentWord(p.what)}: ${shortened(p.why, 200)}.`);
  return answer.title + first + problems.join('');
}
