/** Sellers: list, one with the minutes used, new, edit. */
import { el, icon } from '../dom.js';
import { language, number, t } from '../text.js';
import { once } from './api.js';
import { devices } from './devices.js';
import { noticeBody, noticeFields } from './notices.js';
import { failure, field, form, head, languageOptions, say } from './parts.js';
import { bar } from './usage.js';

/** @param {import('./parts.js').Place} place */
export async function sellers({ api, show, signal }) {
  const data = await api.all('/sellers');
  if (signal.aborted) return;
  const create = () => api.may('POST /sellers') && el('a', { class: 'button primary', href: '#/sellers/new', testid: 'new-seller' }, icon('plus'), t('console.newSeller'));
  show(head(t('console.sellers'), { action: create() }), data.length
    ? el('ul', { class: 'rows people' }, ...data.map((s) => el('li', {}, el('a', { href: `#/sellers/${s.id}`, testid: 'seller', data: { id: s.id } },
      el('span', {}, el('strong', {}, s.name), el('span', { class: 'muted' }, s.email ?? '')),
      el('span', { class: 'muted' }, t('console.perMonth', { n: number(s.monthly_minutes) }))))))
    : el('div', { class: 'empty' }, el('p', {}, t('console.noSellers'))));
}

function fields(s) {
  const zones = Intl.supportedValuesOf?.('timeZone') ?? [];
  const zone = s?.time_zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone ?? 'UTC';
  const all = [...new Set(['UTC', zone, ...zones])];
  return [
    field('name', t('console.name'), { required: true, maxLength: 200, value: s?.name ?? '', autocomplete: 'off' }),
    field('email', t('console.email'), { type: 'email', value: s?.email ?? '', autocomplete: 'off' }),
    field('monthly_minutes', t('console.monthlyMinutes'), { type: 'number', min: '0', required: true, value: String(s?.monthly_minutes ?? 600) }),
    field('conference_minutes', t('console.conferenceMinutes'), { type: 'number', min: '0', max: '1440', required: true, value: String(s?.conference_minutes ?? 0) }),
    field('language', t('language'), { options: languageOptions(), value: s?.language ?? language() }),
    field('time_zone', t('console.timeZone'), { options: all.map((z) => [z, z]), value: zone }),
    field('retention_days', t('console.retentionDays'), { type: 'number', min: '0', max: '36500', required: true, value: String(s?.retention_days ?? 0) }),
    field('without_consent', t('console.withoutConsent'), { options: [['unrecorded', t('console.unrecorded')], ['no_call', t('console.noCall')]], value: s?.without_consent ?? 'unrecorded' }),
    field('reference', t('console.reference'), { maxLength: 200, value: s?.reference ?? '', autocomplete: 'off' }),
    ...noticeFields(s),
  ];
}

/** What the API wants; on creation empty optional fields are left out. */
function body(v, keepEmpty) {
  const b = { ...noticeBody(v, keepEmpty), name: v.name, monthly_minutes: Number(v.monthly_minutes), conference_minutes: Number(v.conference_minutes), language: v.language, time_zone: v.time_zone,
    retention_days: Number(v.retention_days), without_consent: v.without_consent };
  if (v.email || keepEmpty) b.email = v.email;
  if (v.reference || keepEmpty) b.reference = v.reference;
  return b;
}

/** @param {import('./parts.js').Place} place */
export async function newSeller({ api, show }) {
  let key = once();
  show(head(t('console.newSeller'), { back: '#/sellers', backText: t('console.sellers') }), form({
    testid: 'seller-form', submit: t('console.create'), fields: fields(null),
    async send(v) {
      try {
        location.hash = `#/sellers/${(await api.post('/sellers', body(v, false), key)).id}`;
      } catch (err) {
        if (err.status) key = once(); // answered: the next try is another one
        throw err;
      }
    },
  }));
}

/** @param {import('./parts.js').Place} place @param {string} id */
export async function seller(place, id) {
  const { api, show, signal } = place;
  const path = `/sellers/${encodeURIComponent(id)}`;
  const s = await api.get(path);
  if (signal.aborted) return;
  const usage = el('section', { class: 'card form', testid: 'usage' }, el('span', { class: 'spinner' }));
  const saved = el('p', { class: 'ok', role: 'status' });
  const title = head(s.name, api.me?.seller ? {} : { back: '#/sellers', backText: t('console.sellers') });
  const edit = () => [el('h2', {}, t('console.edit')), form({
    testid: 'seller-form', submit: t('console.save'), fields: fields(s),
    async send(v) {
      saved.textContent = '';
      const now = await api.patch(path, body(v, true));
      saved.textContent = t('console.saved');
      say(t('console.saved'));
      document.querySelector('h1').textContent = now.name;
      await used();
    },
  }), saved];
  show(title, usage, devices(place, path), ...(api.may('PATCH /sellers/{id}') ? edit() : []));

  async function used() {
    try {
      const u = await api.get(`${path}/usage`);
      usage.replaceChildren(el('header', {}, el('h2', {}, t('console.usage')), el('span', { class: 'muted' }, u.month)), ...bar(u),
        el('p', {}, el('a', { href: `#/sellers/${id}/usage`, testid: 'usage-link' }, t('usage.open'))));
    } catch (err) {
      usage.replaceChildren(failure(err, used));
    }
  }
  await used();
}
