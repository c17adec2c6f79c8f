/** Figures for people: binary units as the command line has them, times as distances. */

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
const counting = new Intl.NumberFormat('en');
const dating = new Intl.DateTimeFormat('en-CA', {
  year: 'numeric', month: '2-digit', day: '2-digit',
  hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false, timeZoneName: 'short',
});
const naming = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });
const exactly = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const clocking = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });

export const count = (n) => counting.format(n);

/** "1 recording", "5,000 recordings". */
export const counted = (n, one, many = `${one}s`) => `${count(n)} ${n === 1 ? one : many}`;

/** "9.5 MiB"; null is a dash. */
export function bytes(n) {
  if (n === null || n === undefined) return '–';
  const power = n < 1024 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(n) / 10));
  const value = n / 1024 ** power;
  return `${value.toFixed(power === 0 || value >= 100 ? 0 : 1)} ${UNITS[power]}`;
}

export const rate = (n) => `${bytes(Math.round(n))}/s`;

/** "4.2 s", "2 min", "1 h 5 min", "3 d 4 h". */
export function seconds(n) {
  if (n < 10) return `${Math.max(0, n).toFixed(1)} s`;
  return short(n);
}

/** The same in whole seconds. */
export function short(n) {
  const whole = Math.max(0, Math.floor(n));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min`;
  if (whole < 86400) return both(whole, 3600, 'h', 60, 'min');
  return both(whole, 86400, 'd', 3600, 'h');
}

function both(n, big, bigName, small, smallName) {
  const rest = Math.floor((n % big) / small);
  return `${Math.floor(n / big)} ${bigName}${rest ? ` ${rest} ${smallName}` : ''}`;
}

/** "2 minutes", "1 hour": for a sentence. */
export function inWords(n) {
  const whole = Math.max(0, Math.floor(n));
  if (whole < 60) return counted(whole, 'second');
  if (whole < 3600) return counted(Math.floor(whole / 60), 'minute');
  if (whole < 86400) return counted(Math.floor(whole / 3600), 'hour');
  return counted(Math.floor(whole / 86400), 'day');
}

/** "25 s ago", "19 h ago": one unit, the exact time is in the title. */
export function ago(n) {
  if (n < 1) return 'now';
  if (n < 3600) return `${short(n)} ago`;
  return n < 86400 ? `${Math.floor(n / 3600)} h ago` : `${Math.floor(n / 86400)} d ago`;
}

/** "2026-11-25, 18:32:12 UTC", in the reader's time zone. */
export const absolute = (at) => dating.format(new Date(at * 1000));

export const clockTime = (at) => clocking.format(new Date(at * 1000));

/** "18:32:05"; of another day with its date, without the seconds. */
export function momentOf(at) {
  const date = new Date(at * 1000);
  const today = date.toDateString() === new Date().toDateString();
  return today ? exactly.format(date) : `${naming.format(date)}, ${clocking.format(date)}`;
}
