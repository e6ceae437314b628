/** One's own account: password, and where one is signed in. */
import { el } from '../dom.js';
import { dateTime, t } from '../text.js';
import { sure } from './keys.js';
import { failure, field, form, head, say } from './parts.js';
import { newPassword, same } from './signin.js';

/** @param {import('./parts.js').Place} place */
export async function account({ api, show, signal }) {
  const saved = el('p', { class: 'ok', role: 'status', testid: 'password-saved' });
  const [address, ...fresh] = newPassword(api.me.email);
  const list = el('ul', { class: 'rows keys', testid: 'sessions' });
  const change = form({
    testid: 'password-form', submit: t('console.save'),
    fields: [address, field('current', t('signin.current'), { type: 'password', required: true, autocomplete: 'current-password' }), ...fresh],
    async send(v) {
      saved.textContent = '';
      same(v);
      await api.post('/me/password', { current: v.current, password: v.password });
      for (const i of change.querySelectorAll('[type="password"]')) i.value = '';
      saved.textContent = t('account.saved');
      say(t('account.saved'));
      await load();
    },
  });
  show(head(api.me.name), el('p', { class: 'muted' }, `${api.me.email} · ${t(`role.is.${api.me.scope}`)}`), el('h2', {}, t('account.password')), change, saved,
    el('h2', {}, t('account.sessions')), list);
  await load();

  async function load() {
    try {
      const { data } = await api.get('/me/sessions');
      if (!signal.aborted) list.replaceChildren(...data.map((s) => line(s, async () => { await api.delete(`/me/sessions/${s.id}`); await load(); })));
    } catch (err) {
      if (!signal.aborted) list.replaceChildren(el('li', {}, failure(err, load)));
    }
  }
}

/** @param {any} s a session @param {() => Promise<void>} end */
function line(s, end) {
  return el('li', { testid: 'session', data: { id: s.id } }, el('div', {},
    el('span', {}, el('strong', {}, browser(s.agent)), el('span', { class: 'muted' }, t('account.from', { at: dateTime(s.created_at) }))),
    el('span', { class: 'muted' }, t('console.lastUsed', { at: dateTime(s.used_at), from: s.from })),
    s.current ? el('span', { class: 'badge' }, t('account.here')) : el('span', { class: 'actions' }, sure('end-session', t('account.end'), end))));
}

/** The name of a browser and system that people know, of what it calls itself. @param {string} [agent] */
function browser(agent = '') {
  const name = /Edg\//.test(agent) ? 'Edge' : /OPR\//.test(agent) ? 'Opera' : /Firefox\//.test(agent) ? 'Firefox' : /Chrome\//.test(agent) ? 'Chrome' : /Safari\//.test(agent) ? 'Safari' : '';
  const system = /Android/.test(agent) ? 'Android' : /iPhone|iPad/.test(agent) ? 'iOS' : /Windows/.test(agent) ? 'Windows' : /Mac OS X/.test(agent) ? 'macOS' : /Linux/.test(agent) ? 'Linux' : '';
  return [name, system].filter(Boolean).join(', ') || agent.slice(0, 40) || t('account.unknown');
}
