/** The event log of a conference, as it is stored, newest first. */
import { el } from '../dom.js';
import { date, t } from '../text.js';

/** @param {any[]} events @returns {Node[]} */
export function log(events) {
  const lines = [...events].reverse().map((e) => el('li', { testid: 'event', data: { type: e.type } },
    el('time', { dateTime: e.at, title: e.at }, date(e.at, { timeStyle: 'medium' })),
    el('span', {}, el('code', {}, e.type), e.actor ? ` ${words(e.actor)}` : ''),
    brief(e.data) && el('small', {}, brief(e.data))));
  return [el('header', {}, el('h2', {}, t('console.log')), el('span', { class: 'muted' }, String(events.length))),
    lines.length ? el('ol', { class: 'log', tabIndex: 0, 'aria-label': t('console.log') }, ...lines) : el('p', { class: 'muted' }, t('console.noEvents'))];
}

const words = (v) => (typeof v === 'object' ? v.name ?? v.id ?? '' : String(v));

/** The plain values of an event's data in one line. @param {any} data */
function brief(data) {
  if (!data || typeof data !== 'object') return '';
  const parts = Object.entries(data).filter(([, v]) => v !== '' && typeof v !== 'object').map(([k, v]) => `${k}: ${v}`);
  const text = parts.join(', ');
  return text.length > 220 ? `${text.slice(0, 220)}…` : text;
}
