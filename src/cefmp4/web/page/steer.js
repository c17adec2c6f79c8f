/**
 * Retry and Abort: what a person may tell the daemon to do.
 *
 * The token is asked for once, is kept in this module's memory only, and leaves it in
 * nothing but an Authorization header to the page's own origin.
 */

import { byId, el } from './dom.js';
import { nameNode, visible } from './names.js';

let token = '';

const WISHES = {
  retry: { title: 'Retry', button: 'Retry', says: 'It is taken up where it was: what the store has is not sent again.' },
  abort: {
    title: 'Abort', button: 'Abort the upload', confirm: true,
    says: 'What the store has of it is thrown away, and it is left alone until somebody retries it. The file on the disk is not touched.',
  },
};

export const wishTitle = (wish) => WISHES[wish].title;

/** Asks what has to be asked, tells the daemon, and `tell`s what it answered. */
export async function steer(wish, row, tell) {
  if (WISHES[wish].confirm || !token) {
    const given = await ask(wish, row);
    if (given === null) return;
    token ||= given;
  }
  tell(`${WISHES[wish].title}: asking the daemon …`);
  tell(await sent(wish, row));
}

async function sent(wish, row) {
  try {
    const answer = await fetch(`/api/streams/${encodeURIComponent(row.stream_id)}/${wish}`, {
      method: 'POST', headers: { Authorization: `Bearer ${token}` }, credentials: 'same-origin', redirect: 'error',
    });
    if (answer.status === 401) token = '';
    return await worded(answer, wish);
  } catch {
    return `${WISHES[wish].title}: the daemon could not be reached. Nothing may have happened; try again.`;
  }
}

async function worded(answer, wish) {
  const title = WISHES[wish].title;
  const text = await answer.text();
  if (answer.status === 401) return `${title}: that is not the token. Nothing was done.`;
  return `${title}: ${visible(toldIn(text) || `the daemon answered ${answer.status}`)}`;
}

function toldIn(text) {
  try {
    return String(JSON.parse(text).told ?? '');
  } catch {
    return text.trim();
  }
}

/** A question over the page; gives the token typed ('' when none was needed), or null: let it be. */
function ask(wish, row) {
  const dialog = byId('ask');
  const { title, says, button } = WISHES[wish];
  const field = token ? null : el('input', {
    type: 'password', id: 'token', autocomplete: 'off', spellcheck: 'false', required: '', autofocus: '',
  });
  const form = el(
    'form', { method: 'dialog' },
    el('h2', { id: 'ask-title' }, `${title} `, nameNode(row.name, { longest: 80 })),
    el('p', {}, says),
    field && el('label', { for: 'token' }, 'WEB_TOKEN of the daemon', field),
    field && el('p', { class: 'small' }, 'Kept in the memory of this tab only, until it is closed.'),
    el('p', { class: 'buttons' },
      el('button', { type: 'submit', class: wish === 'abort' ? 'danger' : 'primary' }, button),
      el('button', { type: 'button', class: 'quiet', autofocus: field ? null : '', on: { click: () => dialog.close() } }, 'Leave it')),
  );
  dialog.replaceChildren(form);
  return answered(dialog, form, field);
}

function answered(dialog, form, field) {
  return new Promise((resolve) => {
    let given = null;
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      given = field ? field.value : '';
      dialog.close();
    });
    dialog.addEventListener('close', () => {
      dialog.replaceChildren();
      resolve(given);
    }, { once: true });
    dialog.showModal();
  });
}
