/**
 * Text from outside, made fit to be looked at: names of files may hold anything.
 *
 * What cannot be seen is made visible, so that no name can pretend to be another: a line
 * break, a mark that turns the direction of writing, a space of no width.
 */

import { el } from './dom.js';

const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u;
const PICTURE = /[\ufe00-\ufe0f]/u; // how a picture character is drawn: harmless
const SHORT = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };
const LONGEST = 160;
const TAIL = 40;

/** A name as a person may read it, on one line. */
export const visible = (text) => shownOf(lettersOf(text));

/** The same, cut in the middle so that its ending stays. */
export const shortened = (text, longest = LONGEST) => shownOf(cut(lettersOf(text), longest));

const shownOf = (letters) => letters.map(({ shown }) => shown).join('');

/**
 * A name as nodes: isolated from its neighbours, unseen characters marked, the whole of it
 * in the title. `folded` makes the folders fainter than the file.
 */
export function nameNode(text, { longest = LONGEST, folded = false } = {}) {
  const letters = lettersOf(text);
  const shown = cut(letters, longest);
  const slash = folded ? shown.findLastIndex(({ shown: letter }) => letter === '/') + 1 : 0;
  const name = el('bdi', { class: 'name', dir: 'ltr', title: shownOf(letters) });
  if (slash) name.append(el('span', { class: 'folder' }, ...nodes(shown.slice(0, slash))));
  name.append(el('span', { class: 'file' }, ...nodes(shown.slice(slash))));
  return name;
}

function nodes(letters) {
  const made = [];
  for (const { shown, code } of letters) {
    if (code) made.push(el('span', { class: 'mark', title: code }, shown));
    else if (typeof made.at(-1) === 'string') made.push(made.pop() + shown);
    else made.push(shown);
  }
  return made;
}

/** Every letter with how it is shown; `code` is set where it could not be seen. */
function lettersOf(text) {
  const letters = Array.from(String(text));
  const begin = letters.findIndex((letter) => letter !== ' ');
  const end = letters.findLastIndex((letter) => letter !== ' ');
  return letters.map((letter, index) => {
    const atEdge = index < begin || index > end; // a space nobody would see
    return atEdge || isUnseen(letter) ? standIn(letter) : { shown: letter, code: '' };
  });
}

const isUnseen = (letter) => UNSEEN.test(letter) && !PICTURE.test(letter);

/** As the command line shows it: `\n`, `\x07`, `\u202e`. */
function standIn(letter) {
  const hex = letter.codePointAt(0).toString(16);
  const code = `U+${hex.toUpperCase().padStart(4, '0')}`;
  if (letter in SHORT) return { shown: SHORT[letter], code };
  if (hex.length <= 2) return { shown: `\\x${hex.padStart(2, '0')}`, code };
  return { shown: hex.length > 4 ? `\\U${hex.padStart(8, '0')}` : `\\u${hex.padStart(4, '0')}`, code };
}

/** Cut in the middle to a width, counted in what is shown. */
function cut(letters, longest) {
  if (widthOf(letters) <= longest) return letters;
  const head = fitting(letters, longest - TAIL);
  const tail = fitting([...letters].reverse(), TAIL - 1).reverse();
  return [...head, { shown: '…', code: '' }, ...tail];
}

const widthOf = (letters) => letters.reduce((width, { shown }) => width + shown.length, 0);

function fitting(letters, longest) {
  let width = 0;
  const end = letters.findIndex(({ shown }) => (width += shown.length) > longest);
  return end < 0 ? letters : letters.slice(0, end);
}
