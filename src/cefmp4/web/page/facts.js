/**
 * What is known of one stream, as names and values: plain data first, so that it can be
 * told whether it changed, then nodes.
 */

import { riskBegan, when } from './clock.js';
import { el } from './dom.js';
import { absolute, bytes, count, counted, momentOf, short } from './format.js';
import { nameNode, shortened, visible } from './names.js';

const WHOLE = 1200; // letters: a key has at most 1,024 bytes

/** How its bytes stand. */
export function sizeFacts({ row, part_bytes: part }) {
  const again = row.resent ? `, ${count(row.resent)} of them more than once` : '';
  const gone = row.verdict === 'given_up' ? 'no file of its own' : 'the file is not there';
  const left = row.unsent_bytes || Math.max((row.disk_bytes ?? 0) - row.sent_bytes, 0);
  return known([
    ['On disk', row.disk_bytes === null ? gone : bytes(row.disk_bytes)],
    ['In the store', row.sent_bytes ? `${bytes(row.sent_bytes)} in ${counted(row.parts, 'part')}${again}` : 'nothing'],
    ['Not in the store', left ? bytes(left) : 'nothing'],
    ['The oldest of it', riskBegan(row), 'age'],
    ['Length of part 1', bytes(part)],
  ]);
}

/** The recording and its object. */
export function objectFacts({ row, bucket, upload_id: upload, etag, checksum, seal_reason: seal }) {
  return known([
    ['File', row.path, 'code'],
    ['Begun', row.started_at, 'time'],
    ['Ended', row.ended_at, 'time'],
    ['Taken as ended', seal],
    ['Bucket', bucket, 'code'],
    ['Key', row.key, 'copied'],
    ['Upload id', upload, 'code'],
    ['ETag', etag, 'code'],
    ['CRC-64/NVME', checksum, 'code'],
    ['Stream id', row.stream_id, 'copied'],
  ]);
}

/** What the probe told; says so when it told nothing yet. */
export function mediaFacts(media) {
  if (!media) return [['Not probed yet', 'it is looked at when the object stands']];
  return known([
    ['Problem', media.problem],
    ['Plays', yesNo(media.playable)],
    ['Length', isNumber(media.duration_seconds) && short(media.duration_seconds)],
    ['Video', media.video ? videoWords(media.video) : 'none'],
    ['Audio', media.audio ? audioWords(media.audio) : 'none'],
    ['Probed by', media.prober],
  ]);
}

const videoWords = ({ codec, width, height, frame_rate: frames, bit_rate: bits }) =>
  joined(codec, width && `${width} × ${height}`, frames && `${Number(frames.toFixed(2))} frames/s`, bitWords(bits));

const audioWords = ({ codec, sample_rate: samples, channels, bit_rate: bits }) =>
  joined(codec, samples && `${samples / 1000} kHz`, channels && `${channels} channels`, bitWords(bits));

const bitWords = (bits) => bits && `${count(Math.round(bits / 1000))} kbit/s`;
const joined = (...values) => values.filter(Boolean).join(', ');
const isNumber = (value) => typeof value === 'number';
const yesNo = (flag) => (typeof flag === 'boolean' ? (flag ? 'yes' : 'no') : 'not known');
const known = (pairs) => pairs.filter(([, value]) => Boolean(value));

const DRAWN = {
  text: (text) => shortened(text, 400),
  code: (text) => code(text),
  copied: (text) => copied(text),
  age: (at) => el('span', {}, when(at, 'age'), ' old'),
  time: (at) => el('span', {}, absolute(at), ' (', when(at), ')'),
};

/** The facts as the inside of a `dl`. */
export const factNodes = (pairs) =>
  pairs.flatMap(([name, value, kind = 'text']) => [el('dt', {}, name), el('dd', {}, DRAWN[kind](value))]);

/** What happened, the latest first. */
export function timeline(history) {
  if (!history.length) return el('p', { class: 'small' }, 'Nothing was decided yet.');
  return el('ol', { class: 'timeline', reversed: '' }, ...[...history].reverse().map(happened));
}

function happened({ at, what, why }) {
  const time = el('time', { datetime: new Date(at * 1000).toISOString(), title: absolute(at) }, momentOf(at));
  const reason = why ? el('span', { class: 'small' }, ' ', shortened(why, 400)) : null;
  return el('li', {}, time, el('span', {}, el('b', {}, visible(what)), reason), when(at));
}

const code = (text) => el('code', {}, nameNode(text, { longest: WHOLE }));

/** A value with a button that copies it as it is; where the browser forbids that, it is selected. */
export function copied(text) {
  const shown = code(text);
  const said = el('span', { class: 'small', role: 'status' });
  const copy = async () => {
    const done = await navigator.clipboard?.writeText(text).then(() => true, () => false);
    if (!done) getSelection().selectAllChildren(shown);
    said.textContent = done ? 'copied' : 'selected: copy it with the keyboard';
  };
  const label = `Copy ${shortened(text, 80)}`;
  const button = el('button', { type: 'button', class: 'quiet', 'aria-label': label, on: { click: copy } }, 'Copy');
  return el('span', { class: 'copied' }, shown, button, said);
}
