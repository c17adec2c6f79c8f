/** The words of the contract, as people read them, and a shape for each verdict. */

import { el, svg } from './dom.js';
import { visible } from './names.js';

export const VERDICTS = {
  at_risk: 'At risk',
  not_stored: 'Not stored',
  on_its_way: 'On its way',
  stored: 'Stored',
  given_up: 'Given up',
};

const STATUSES = {
  active: 'being written',
  pending_completion: 'being finished',
  s3_completed: 'metadata to come',
  completed_with_meta: 'with its metadata',
  completed: 'complete',
  failed: 'failed',
  failed_finalization: 'could not be finished',
  deleted_locally: 'gone before it was stored',
  aborted: 'aborted by a person',
  stalled: 'nothing moves',
};

const COMPONENTS = {
  store: 'The store',
  redis: 'The state server',
  watch_dir: 'The watched directory',
  watcher: 'The watched directory',
  closed_places: 'The watched directory',
  redis_persistence: 'The state server',
  claim: 'The claim of this instance',
  upload_slots: 'Sending',
  stopping: 'The daemon',
};

const SHAPES = {
  at_risk: 'M8 1.5 15.2 14H.8ZM8 6v4M8 11.9v.3',
  not_stored: 'M5.2 1.2h5.6l4 4v5.6l-4 4H5.2l-4-4V5.2ZM5.6 5.6l4.8 4.8m0-4.8-4.8 4.8',
  on_its_way: 'M8 14V2.5M3.2 7.2 8 2.4l4.8 4.8',
  stored: 'M2.2 8.6l3.8 3.8 7.8-8.4',
  given_up: 'M2.5 8h11',
};

const verdictWord = (verdict) => VERDICTS[verdict] ?? visible(verdict);

/** How a status is said; its own name is in the title. */
export const statusNode = (status) =>
  el('span', { class: 'small', title: visible(status) }, STATUSES[status] ?? visible(status));


export const componentWord = (what) => COMPONENTS[what] ?? visible(what);

/** The verdict's shape; the word always stands beside it. */
export function shape(verdict) {
  const path = svg('path', { d: SHAPES[verdict] ?? SHAPES.on_its_way });
  return svg('svg', { class: 'shape', viewBox: '0 0 16 16', 'aria-hidden': 'true' }, path);
}

/** Shape and word. */
export function pill(verdict) {
  return el('span', { class: 'pill', 'data-verdict': verdict }, shape(verdict), verdictWord(verdict));
}
