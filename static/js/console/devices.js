/** The devices of a seller, and whether this browser is one of them. */
import { toggle } from '../push/toggle.js';
import { el } from '../dom.js';
import { dateTime, t } from '../text.js';
import { failure } from './parts.js';

/** @param {import('./parts.js').Place} place @param {string} seller its path in the API */
export function devices({ api, signal }, seller) {
  const path = `${seller}/devices`;
  const list = el('ul', { class: 'rows', testid: 'devices' });
  const none = el('p', { class: 'muted', testid: 'no-devices', hidden: true }, t('devices.none'));
  const here = el('div', {});
  const card = el('section', { class: 'card form', testid: 'devices-card' }, el('h2', {}, t('devices.title')), el('p', { class: 'hint' }, t('devices.hint')), list, none, here);

  async function refresh() {
    const { data } = await api.get(path);
    if (signal.aborted) return;
    none.hidden = data.length > 0;
    list.hidden = !data.length;
    list.replaceChildren(...data.map((d) => el('li', { testid: 'device', data: { id: d.id } }, el('span', { class: 'row' },
      el('span', {}, el('strong', {}, d.app || t(`devices.${d.platform}`)), el('span', { class: 'muted' }, `${t(`devices.${d.platform}`)} · ${t('devices.seen', { at: dateTime(d.seen_at) })}`)),
      api.may('DELETE /sellers/{id}/devices/{device}') && el('button', { class: 'plain small', testid: 'remove-device', 'aria-label': t('devices.removeOne', { name: d.app || t(`devices.${d.platform}`) }), on: { click: () => remove(d.id) } }, t('devices.remove'))))));
  }

  async function remove(id) {
    try {
      await api.delete(`${path}/${encodeURIComponent(id)}`);
      await start();
    } catch (err) {
      list.append(el('li', {}, failure(err, start)));
    }
  }

  async function start() {
    try {
      const { webpush_key: key = '' } = await api.get('/push');
      await refresh();
      if (!api.may('POST /sellers/{id}/devices')) return;
      here.replaceChildren(toggle('console', { key, list: async () => (await api.get(path)).data, add: (d) => api.post(path, d), remove: (id) => api.delete(`${path}/${encodeURIComponent(id)}`) }, refresh));
    } catch (err) {
      if (!signal.aborted) here.replaceChildren(failure(err, start));
    }
  }
  start();
  return card;
}
