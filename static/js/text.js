/** Everything the pages say: the table of i18n.js in the chosen language, and dates and numbers in it. */
import table from '../i18n.js';

/** Languages in the order of the table's columns. */
export const languages = ['pt-BR', 'en', 'es'];
const KEY = 'showroom.language';

let column = 1;
let fixed = false; // chosen by the person or the address, so a conference's language does not change it

/** The language of now. */
export const language = () => languages[column];

/**
 * The text of a key with {name} places filled in.
 * @param {string} key
 * @param {Record<string, string|number>} [values]
 */
export function t(key, values = {}) {
  const row = /** @type {Record<string, string[]>} */ (table)[key];
  if (!row) return key;
  return row[column].replace(/\{(\w+)\}/g, (all, name) => String(values[name] ?? all));
}

/** The text of a key, or of another one when the table has none. @param {string} key @param {string} other */
export const tOr = (key, other) => (key in table ? t(key) : t(other));

/** @param {string} tag a BCP 47 tag @returns {number} the nearest column, or -1 */
function nearest(tag) {
  const exact = languages.findIndex((l) => l.toLowerCase() === tag.toLowerCase());
  return exact >= 0 ? exact : languages.findIndex((l) => l.slice(0, 2) === tag.slice(0, 2).toLowerCase());
}

/** Chooses by ?lang=, then by what was chosen before, then by the browser; and fills the page. */
export function begin() {
  const asked = new URLSearchParams(location.search).get('lang') ?? remembered();
  fixed = asked ? nearest(asked) >= 0 : false;
  const candidates = [asked ?? '', ...(navigator.languages ?? [])].map(nearest);
  use(languages[candidates.find((c) => c >= 0) ?? 1]);
}

function remembered() {
  try { return sessionStorage.getItem(KEY); } catch { return null; }
}

/** The conference's language, unless the person chose one. @param {string} [tag] */
export function suggest(tag) {
  if (!fixed && tag && nearest(tag) >= 0) use(tag);
}

/** The person's own choice. @param {string} tag */
export function choose(tag) {
  fixed = true;
  try { sessionStorage.setItem(KEY, tag); } catch { /* private mode */ }
  use(tag);
}

function use(tag) {
  column = Math.max(0, nearest(tag));
  document.documentElement.lang = languages[column];
  fill(document);
  document.dispatchEvent(new CustomEvent('languagechange'));
}

/**
 * Fills data-t (text), data-t-label (aria-label and title) and data-t-placeholder.
 * @param {ParentNode} root
 */
export function fill(root) {
  for (const e of root.querySelectorAll('[data-t]')) e.textContent = t(e.getAttribute('data-t'));
  for (const e of root.querySelectorAll('[data-t-label]')) {
    const text = t(e.getAttribute('data-t-label'));
    e.setAttribute('aria-label', text);
    e.setAttribute('title', text);
  }
  for (const e of root.querySelectorAll('[data-t-placeholder]')) e.setAttribute('placeholder', t(e.getAttribute('data-t-placeholder')));
}

/** Sets the text of an element so that it follows the language. @param {Element} e @param {string} key */
export function put(e, key) {
  e.setAttribute('data-t', key);
  e.textContent = t(key);
}

/** The same for its label. @param {Element} e @param {string} key */
export function label(e, key) {
  e.setAttribute('data-t-label', key);
  e.setAttribute('aria-label', t(key));
  e.setAttribute('title', t(key));
}

/** Fills a language switch. @param {HTMLSelectElement} select */
export function languageSwitch(select) {
  for (const [i, name] of ['Português', 'English', 'Español'].entries()) {
    const option = document.createElement('option');
    option.value = languages[i];
    option.textContent = name;
    option.lang = languages[i];
    select.append(option);
  }
  select.value = language();
  select.addEventListener('change', () => choose(select.value));
  document.addEventListener('languagechange', () => { select.value = language(); });
}

/** @param {string|Date} at @param {Intl.DateTimeFormatOptions} [options] */
export const date = (at, options = { dateStyle: 'full' }) => new Intl.DateTimeFormat(language(), options).format(new Date(at));

/** @param {string|Date} at */
export const time = (at) => date(at, { timeStyle: 'short' });

/** @param {string|Date} at */
export const dateTime = (at) => date(at, { dateStyle: 'medium', timeStyle: 'short' });

/** @param {number} n @param {Intl.NumberFormatOptions} [options] */
export const number = (n, options) => new Intl.NumberFormat(language(), options).format(n);

/** 4:05 or 1:02:03. @param {number} seconds */
export function clock(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  const two = (n) => String(n).padStart(2, '0');
  const h = Math.floor(s / 3600);
  return h ? `${h}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}` : `${Math.floor(s / 60)}:${two(s % 60)}`;
}

/** "1 hr, 5 min" in words of the language, for minutes and more. @param {number} seconds */
export function span(seconds) {
  const minutes = Math.ceil(Math.max(0, seconds) / 60);
  const unit = (n, u) => number(n, { style: 'unit', unit: u, unitDisplay: 'short' });
  const [d, h, m] = [Math.floor(minutes / 1440), Math.floor(minutes / 60) % 24, minutes % 60];
  const parts = d ? [unit(d, 'day'), h && unit(h, 'hour')] : [h && unit(h, 'hour'), (m || !h) && unit(m, 'minute')];
  return parts.filter(Boolean).join(' ');
}

/** Bytes in words. @param {number} n */
export function size(n) {
  const [value, unit] = n >= 1e9 ? [n / 1e9, 'gigabyte'] : n >= 1e6 ? [n / 1e6, 'megabyte'] : [n / 1e3, 'kilobyte'];
  return number(value, { style: 'unit', unit, maximumFractionDigits: value < 10 ? 1 : 0 });
}
