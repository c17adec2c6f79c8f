/** Around the answer: where this daemon is, whether it is heard, and how busy it is. */

import { byId, el, redrawn, setAttribute, setText } from './dom.js';
import { absolute, counted, rate } from './format.js';
import { nameNode, shortened, visible } from './names.js';

const WORDS = { live: 'live', lost: 'connection lost', connecting: 'connecting' };

/** Which daemon this is. */
export function tellPlace({ host, watch_dir: directory }) {
  redrawn(byId('place'), [host, directory], (node) =>
    node.replaceChildren(nameNode(host, { longest: 60 }), ' · ', nameNode(directory, { longest: 80 })));
}

/** Whether the daemon is heard; `since` is when it was heard last, null for never. */
export function tellLine(state, since = null, refused = false) {
  setAttribute(byId('connection'), 'data-state', state);
  setText(byId('connection'), WORDS[state]);
  const banner = byId('banner');
  if (state === 'lost') redrawn(banner, [since, refused], () => drawBanner(banner, since, refused));
  banner.hidden = state !== 'lost';
}

function drawBanner(banner, since, refused) {
  const title = refused ? 'The daemon takes no more pages right now. ' : 'Connection lost. ';
  const old = since === null ? '' : `It was heard last at ${absolute(since)}: what is shown is as of then. `;
  banner.replaceChildren(el('strong', {}, title), old, 'It is tried again all the time.');
}

/** Version, instance, and how much of the allowed work is going on. */
export function tellFooter(summary) {
  const { version, instance, slots_used: used, slots_limit: most, rate_limit_bytes_per_second: limit } = summary;
  redrawn(byId('footer'), [version, instance, used, most, limit], (node) =>
    node.replaceChildren(
      el('span', {}, `CefMP4 ${visible(version)}`),
      el('span', {}, `instance ${shortened(instance, 60)}`),
      el('span', {}, `${used} of ${counted(most, 'upload slot')} in use`),
      el('span', {}, limit ? `limited to ${rate(limit)}` : 'no rate limit')));
}
