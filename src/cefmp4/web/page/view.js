/** What is looked at: which recordings, in which order, which page, which one in detail. */

export const PER_PAGE = 50;

export const SORTS = {
  urgency: 'Worst first',
  name: 'Name',
  status: 'Status',
  since: 'Since',
  at_risk_seconds: 'Unsent for',
  disk_bytes: 'Size on disk',
  sent_bytes: 'Bytes sent',
  started_at: 'Begin of recording',
};

export const FIRST_VIEW = Object.freeze({
  search: '', verdict: '', sort: 'urgency', order: 'asc', page: 1, detail: '',
});

const LINK = /^#stream=([\w-]{1,64})$/;

/** The query of a view, as `/api/live` and `/api/streams` take it. */
export function queryOf(view) {
  const query = new URLSearchParams({ sort: view.sort, page: view.page, per_page: PER_PAGE });
  if (view.sort !== 'urgency') query.set('order', view.order);
  for (const name of ['search', 'verdict', 'detail']) if (view[name]) query.set(name, view[name]);
  return query;
}

/** Whether the view leaves any recording out. */
export const isFiltered = (view) => Boolean(view.search || view.verdict);

/** The way a column is read first: names from A, all else from the most or latest. */
export const firstOrder = (sort) => (sort === 'name' || sort === 'status' ? 'asc' : 'desc');

/** The stream a link points to, '' for none. */
export const linked = (hash) => LINK.exec(hash)?.[1] ?? '';

export const linkTo = (streamId) => `#stream=${streamId}`;

export const pagesOf = (total) => Math.max(1, Math.ceil(total / PER_PAGE));
