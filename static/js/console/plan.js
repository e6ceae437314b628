/** The plan of a conference in a form: for a new one, and to reschedule one. */
import { el } from '../dom.js';
import { language, t } from '../text.js';
import { field, form, head, languageOptions, say } from './parts.js';

/** A time as datetime-local wants it, in this browser's zone. @param {Date} d */
const local = (d) => new Date(d.getTime() - d.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);

/** The next full quarter of an hour. */
const soon = () => new Date(Math.ceil(Date.now() / 900_000) * 900_000);

/** @param {any} [c] a conference @param {string} [tongue] its language if it is new @returns {Node[]} */
export function planFields(c, tongue) {
  const vehicle = c?.vehicle ?? {};
  return [
    field('starts_at', t('console.startsAt'), { type: 'datetime-local', required: true, value: local(c ? new Date(c.starts_at) : soon()) }),
    field('duration_minutes', t('console.duration'), { type: 'number', min: '1', max: '480', required: true, value: String(c?.duration_minutes ?? 30) }),
    field('language', t('language'), { options: languageOptions(), value: c?.language ?? tongue ?? language() }),
    field('recording', t('consent.title'), { options: [['on', t('console.recordOn')], ['off', t('console.recordOff')]], value: c?.recording ?? 'on' }),
    field('vehicle.title', t('vehicle.title'), { maxLength: 200, full: true, value: vehicle.title ?? '', autocomplete: 'off', placeholder: t('vehicle.example') }),
    field('vehicle.photo', t('vehicle.photo'), { type: 'url', maxLength: 2000, value: vehicle.photo ?? '', autocomplete: 'off', placeholder: 'https://' }),
    field('vehicle.link', t('vehicle.link'), { type: 'url', maxLength: 2000, value: vehicle.link ?? '', autocomplete: 'off', placeholder: 'https://' }),
    el('label', { class: 'check full' }, el('input', { type: 'checkbox', name: 'allow_overlap', testid: 'allow_overlap' }), el('span', {}, t('plan.overlap'))),
  ];
}

/** What the API wants. @param {Record<string, string>} v */
export const planBody = (v) => ({
  subject: v.subject, starts_at: new Date(v.starts_at).toISOString(), duration_minutes: Number(v.duration_minutes), language: v.language, recording: v.recording,
  vehicle: { title: v['vehicle.title'], photo: v['vehicle.photo'], link: v['vehicle.link'] }, allow_overlap: v.allow_overlap === 'on',
});

/** @param {import('./parts.js').Place} place @param {string} id */
export async function reschedule({ api, show, signal }, id) {
  const path = `/conferences/${encodeURIComponent(id)}`;
  const c = await api.get(path);
  if (signal.aborted) return;
  show(head(t('plan.reschedule'), { back: `#/conferences/${id}`, backText: c.subject || t('console.noSubject') }), el('p', { class: 'hint' }, t('plan.hint')), form({
    testid: 'plan-form', submit: t('console.save'),
    fields: [field('subject', t('console.subject'), { required: true, maxLength: 200, full: true, value: c.subject }), ...planFields(c)],
    async send(v) {
      await api.patch(path, planBody(v));
      say(t('console.saved'));
      location.hash = `#/conferences/${id}`;
    },
  }));
}
