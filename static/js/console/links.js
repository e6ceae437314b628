/** Access links of a conference: create, copy, revoke. A link's address is shown only once, when it is made. */
import { copy, el, icon } from '../dom.js';
import { dateTime, t } from '../text.js';
import { failure, say, sure, words } from './parts.js';

/** @param {{api: import('./api.js').API, path: string, card: HTMLElement, signal: AbortSignal}} o */
export function links({ api, path, card, signal }) {
  /** Addresses made in this view, by link id. @type {Map<string, string>} */
  const fresh = new Map();
  const list = el('div', { testid: 'link-list' });
  const error = el('p', { class: 'error', role: 'alert', hidden: true });
  const name = el('input', { testid: 'guest-name', maxLength: 200, placeholder: t('console.guestName'), 'aria-label': t('console.guestName') });
  const button = (role) => el('button', { class: 'plain small', testid: `link-${role}`, on: { click: (e) => create(role, e.currentTarget) } }, icon('plus'), t(`role.${role}`));
  card.append(el('header', {}, el('h2', {}, t('console.links'))), el('p', { class: 'hint' }, t('console.linksHint')),
    ...(api.may('POST /conferences/{conference}/links') ? [el('div', { class: 'actions' }, button('seller'), button('buyer')),
      el('details', {}, el('summary', {}, t('console.guest')), el('div', { class: 'url actions' }, name, button('guest')))] : []), error, list);

  async function create(role, b) {
    error.hidden = true;
    b.disabled = true;
    try {
      const made = await api.post(`${path}/links`, role === 'guest' ? { role, name: name.value.trim() } : { role });
      fresh.set(made.id, made.url);
      name.value = '';
      await load();
      list.querySelector(`[data-id="${CSS.escape(made.id)}"] input`)?.focus();
    } catch (err) {
      error.textContent = words(err);
      error.hidden = false;
    } finally {
      b.disabled = false;
    }
  }

  function line(l) {
    const url = fresh.get(l.id);
    const over = l.revoked_at || new Date(l.expires_at) < new Date();
    const note = l.revoked_at ? t('console.revokedAt', { at: dateTime(l.revoked_at) }) : t('console.validUntil', { at: dateTime(l.expires_at) });
    return el('div', { class: 'link', testid: 'link', data: { id: l.id, role: l.role } },
      el('span', {}, el('strong', {}, l.name ? `${l.name} (${t(`role.${l.role}`)})` : t(`role.${l.role}`)), ' ', el('span', { class: 'muted' }, note)),
      !over && api.may('DELETE /conferences/{conference}/links/{link}') && el('button', { class: 'text', testid: 'revoke', on: { click: (e) => revoke(l, e.currentTarget) } }, t('console.revoke')),
      url && !over && el('div', { class: 'url' }, el('input', { readOnly: true, value: url, testid: 'link-url', 'aria-label': t('console.address'), on: { focus: (e) => e.target.select() } }), copyButton(url)));
  }

  async function revoke(l, b) {
    if (!sure(b)) return;
    b.disabled = true;
    try { await api.delete(`${path}/links/${encodeURIComponent(l.id)}`); await load(); } catch (err) { b.disabled = false; b.textContent = words(err); }
  }

  async function load() {
    try {
      const { data } = await api.get(`${path}/links`);
      if (!signal.aborted) list.replaceChildren(...data.map(line));
    } catch (err) {
      if (!signal.aborted && err.status !== 404) list.replaceChildren(failure(err, load));
    }
  }
  load();
}

/** A button that copies and says so. @param {string} text */
export function copyButton(text) {
  const b = el('button', { class: 'plain small', type: 'button', testid: 'copy' }, icon('copy'), t('console.copy'));
  b.onclick = async () => {
    await copy(text);
    b.replaceChildren(icon('check'), t('console.copied'));
    say(t('console.copied'));
  };
  return b;
}
