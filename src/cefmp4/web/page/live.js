/**
 * The line to the daemon: one EventSource per view, opened again whenever it breaks.
 *
 * A hidden page holds no connection. A line on which nothing was heard for a while is
 * taken as lost, even if nobody closed it: the daemon says something every second.
 */

const EVENTS = ['throughput', 'summary', 'rows', 'detail'];
const SILENCE_MS = 7000;
const FIRST_DELAY_MS = 1000;
const LONGEST_DELAY_MS = 15000;

export class Live {
  #source = null;
  #query = '';
  #heardAt = 0;
  #delay = FIRST_DELAY_MS;
  #timer = 0;
  #lost = false;

  /** `hear(event, data)` for all that comes; `lost(refused)` and `found()` as the line breaks and stands. */
  constructor({ hear, lost, found }) {
    this.hear = hear;
    this.whenLost = lost;
    this.whenFound = found;
    document.addEventListener('visibilitychange', () => this.#open());
    window.addEventListener('pagehide', () => this.#close());
    window.addEventListener('pageshow', (event) => event.persisted && this.#open());
    setInterval(() => this.#listenForSilence(), 1000);
  }

  /** Follow this view from now on. */
  follow(query) {
    this.#query = String(query);
    this.#open();
  }

  /** Anew; not while the page is hidden. */
  #open() {
    this.#close();
    if (document.hidden) return;
    this.#heardAt = performance.now();
    const source = new EventSource(`/api/live?${this.#query}`);
    for (const name of EVENTS) source.addEventListener(name, (event) => this.#heard(name, event));
    source.onerror = () => this.#broken();
    this.#source = source;
  }

  #close() {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
  }

  #heard(name, event) {
    this.#heardAt = performance.now();
    this.#delay = FIRST_DELAY_MS;
    if (this.#lost) {
      this.#lost = false;
      this.whenFound();
    }
    this.hear(name, JSON.parse(event.data));
  }

  #broken() {
    const refused = this.#source?.readyState === EventSource.CLOSED; // an answer, but not the events
    this.#lose(refused);
    if (refused) this.#openLater();
  }

  #openLater() {
    this.#close();
    this.#timer = setTimeout(() => this.#open(), this.#delay);
    this.#delay = Math.min(2 * this.#delay, LONGEST_DELAY_MS);
  }

  #listenForSilence() {
    if (!this.#source || performance.now() - this.#heardAt < SILENCE_MS) return;
    this.#lose(false);
    this.#heardAt = performance.now();
    this.#openLater();
  }

  #lose(refused) {
    this.#lost = true;
    this.whenLost(refused);
  }
}
