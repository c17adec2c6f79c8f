/**
 * Text from outside, made fit to be looked at: names of files may hold anything.
 *
 * What cannot be seen is made visible, so that no name can pretend to be another: a line
 * break, a mark that turns the direction of writing, a space of no width.
 */

import { el } from './dom.js';

const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u;
const PICTURE = /[\ufe00-\ufe0f]/u; // how a picture character is drawn: harmless
const EDGE_SPACE = /^ +| +$/g;
const LONGEST = 160;
const TAIL = 40;

/** A name as a person may read it, on one line. */
export const visible = (text) => pieces(text).map((piece) => piece.text).join('');

/** The same, cut in the middle so that its ending stays. */
export const shortened = (text, longest = LONGEST) => visible(cut(text, longest));

/** A name as nodes: isolated from its neighbours, unseen characters marked, the whole in its title. */
export function nameNode(text, { longest = LONGEST, folded = false } = {}) {
  const shown = cut(text, longest);
  const slash = folded ? shown.lastIndexOf('/') + 1 : 0;
  const name = el('bdi', { class: 'name', dir: 'ltr', title: visible(text) });
  if (slash) name.append(el('span', { class: 'folder' }, ...nodes(shown.slice(0, slash))));
  name.append(el('span', { class: 'file' }, ...nodes(shown.slice(slash))));
  return name;
}

function nodes(text) {
  return pieces(text).map(({ text: shown, code }) =>
    code ? el('span', { class: 'mark', title: code }, shown) : shown,
  );
}

/** Runs of plain text, and unseen characters each as what stands for it. */
function pieces(text) {
  const found = [];
  let plain = '';
  for (const letter of spacesAtTheEdges(String(text))) {
    if (!isUnseen(letter)) {
      plain += letter;
      continue;
    }
    if (plain) found.push({ text: plain, code: '' });
    plain = '';
    found.push({ text: standIn(letter), code: codeOf(letter) });
  }
  if (plain) found.push({ text: plain, code: '' });
  return found;
}

const isUnseen = (letter) => UNSEEN.test(letter) && !PICTURE.test(letter);
const spacesAtTheEdges = (text) => text.replace(EDGE_SPACE, (run) => '␠'.repeat(run.length));

function standIn(letter) {
  const code = letter.codePointAt(0);
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  if (code === 0x7f) return '␡';
  const hex = code.toString(16);
  return code > 0xffff ? `\\u{${hex}}` : `\\u${hex.padStart(4, '0')}`;
}

const codeOf = (letter) =>
  `U+${letter.codePointAt(0).toString(16).toUpperCase().padStart(4, '0')}`;

function cut(text, longest) {
  const letters = Array.from(String(text));
  if (letters.length <= longest) return String(text);
  const head = letters.slice(0, longest - TAIL).join('');
  return `${head}…${letters.slice(-TAIL).join('')}`;
}
