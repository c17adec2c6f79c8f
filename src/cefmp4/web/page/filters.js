/** The row of controls above the table. */

import { byId, el, setAttribute, setText } from './dom.js';
import { SORTS, firstOrder } from './view.js';
import { VERDICTS } from './words.js';

const TYPING_MS = 250;

/** Makes the controls once; `look(change)` is called with what a person chose. */
export function makeFilters(look) {
  const [search, show, sort, order] = ['search', 'show', 'sort', 'order'].map(byId);
  show.replaceChildren(...options({ '': 'All', active: 'Active', ...VERDICTS }));
  sort.replaceChildren(...options(SORTS));
  search.addEventListener('input', later(() => look({ search: search.value.trim() })));
  show.addEventListener('change', () => look({ verdict: show.value }));
  sort.addEventListener('change', () => look({ sort: sort.value, order: firstOrder(sort.value) }));
  order.addEventListener('click', () => look({ order: order.dataset.next }));
  byId('filters').addEventListener('submit', (event) => event.preventDefault());
  return { tell: (view) => tell({ search, show, sort, order }, view) };
}

const options = (words) =>
  Object.entries(words).map(([value, word]) => el('option', { value }, word));

function tell({ search, show, sort, order }, view) {
  if (document.activeElement !== search) search.value = view.search;
  show.value = view.verdict;
  sort.value = view.sort;
  order.hidden = view.sort === 'urgency';
  order.dataset.next = view.order === 'asc' ? 'desc' : 'asc';
  setText(order, view.order === 'asc' ? '↑' : '↓');
  const way = view.order === 'asc' ? 'Ascending' : 'Descending';
  setAttribute(order, 'aria-label', `${way}: turn the order round`);
  setAttribute(order, 'title', way);
}

/** Called once when there was no typing for a moment. */
function later(call) {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(call, TYPING_MS);
  };
}
