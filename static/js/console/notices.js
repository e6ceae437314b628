/** The part of a seller's form that says when and by whom people are told. */
import { t } from '../text.js';
import { el } from '../dom.js';
import { field } from './parts.js';

/** @param {any} s the seller, or null for a new one */
export const noticeFields = (s) => [
  field('reminder_minutes', t('notices.reminders'), { value: (s?.reminder_minutes ?? []).join(', ') || (s?.reminder_minutes ? '0' : ''), autocomplete: 'off', inputMode: 'numeric', pattern: '[0-9]+([ ,]+[0-9]+)*', 'aria-describedby': 'reminders-hint' }),
  field('colleague_name', t('notices.colleague'), { maxLength: 200, value: s?.colleague_name ?? '', autocomplete: 'off' }),
  field('colleague_email', t('notices.colleagueEmail'), { type: 'email', maxLength: 200, value: s?.colleague_email ?? '', autocomplete: 'off' }),
  el('p', { class: 'hint full', id: 'reminders-hint' }, t('notices.hint')),
];

/** What the API wants of it. @param {Record<string, string>} v @param {boolean} keepEmpty whether to say what is empty */
export function noticeBody(v, keepEmpty) {
  const minutes = (v.reminder_minutes ?? '').split(/[\s,]+/).filter(Boolean).map(Number);
  const b = {};
  if (minutes.length) b.reminder_minutes = minutes.filter((m) => m > 0);
  else if (keepEmpty) b.reminder_minutes = null;
  for (const name of ['colleague_name', 'colleague_email']) if (v[name] || keepEmpty) b[name] = v[name];
  return b;
}
