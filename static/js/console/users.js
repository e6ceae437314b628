/** Who may sign in: made by an operator, who hands out the link that sets the password. */
import { el } from '../dom.js';
import { dateTime, t } from '../text.js';
import { once } from './api.js';
import { sure } from './keys.js';
import { copyButton } from './links.js';
import { failure, field, form, head, say } from './parts.js';

/** @param {import('./parts.js').Place} place */
export async function users({ api, show, signal }) {
  const [first, sellers] = await Promise.all([api.all('/users'), api.all('/sellers')]);
  if (signal.aborted) return;
  const names = new Map(sellers.map((s) => [s.id, s.name]));
  const list = el('ul', { class: 'rows keys', testid: 'users' });
  const fresh = el('div', { class: 'stack', role: 'status' });
  const role = field('role', t('users.role'), { options: [...(sellers.length ? ['seller'] : []), 'operator'].map((r) => [r, t(`role.is.${r}`)]) });
  const seller = field('seller', t('role.seller'), { options: sellers.map((s) => [s.id, s.name]) });
  const toggle = () => {
    seller.hidden = role.querySelector('select').value !== 'seller';
    seller.querySelector('select').disabled = seller.hidden;
  };
  role.addEventListener('change', toggle);
  toggle();
  let key = once();
  const make = form({
    testid: 'user-form', submit: t('users.make'),
    fields: [field('name', t('console.name'), { required: true, maxLength: 200, autocomplete: 'off' }), field('email', t('console.email'), { type: 'email', required: true, autocomplete: 'off' }), role, seller],
    async send(v) {
      try {
        const made = await api.post('/users', { name: v.name, email: v.email, role: v.role, ...(v.role === 'seller' && { seller: v.seller }) }, key);
        reveal(made, made.password_link);
      } finally {
        key = once();
      }
      make.reset();
      toggle();
      await load();
    },
  });
  show(head(t('users.title')), el('p', { class: 'muted' }, t('users.text')), fresh, list, el('h2', {}, t('users.new')), make);
  draw(first);

  /** The link, this once. */
  function reveal(user, link) {
    fresh.replaceChildren(el('section', { class: 'card', testid: 'fresh-link' }, el('strong', {}, user.name), el('p', {}, t('users.link', { at: dateTime(link.expires_at) })),
      el('div', { class: 'url actions' }, el('input', { readOnly: true, value: link.url, testid: 'password-link', 'aria-label': t('console.address'), on: { focus: (e) => e.target.select() } }), copyButton(link.url))));
    fresh.querySelector('input').focus();
    say(t('users.link', { at: dateTime(link.expires_at) }));
  }

  function draw(all) {
    list.hidden = !all.length;
    list.replaceChildren(...all.map((u) => el('li', { testid: 'user-row', data: { id: u.id } }, el('div', {},
      el('span', {}, el('strong', {}, u.name), el('span', { class: 'muted' }, u.email)),
      el('span', { class: 'muted' }, u.seller ? `${t('role.is.seller')}: ${names.get(u.seller) ?? u.seller}` : t(`role.is.${u.role}`), el('br'), standing(u)),
      u.id === api.me?.id ? el('span', { class: 'badge' }, t('users.you')) : el('span', { class: 'actions' }, ...actions(u))))));
  }

  function actions(u) {
    const path = `/users/${u.id}`;
    const able = (disabled) => async () => { await api.patch(path, { disabled }); await load(); };
    if (u.disabled_at) return [sure('enable', t('users.enable'), able(false))];
    return [sure('new-link', t(u.password_at ? 'users.reset' : 'users.newLink'), async () => { reveal(u, await api.post(`${path}/password-link`, {}, once())); await load(); }),
      u.signed_in_at && sure('end-sessions', t('users.endSessions'), async () => { await api.delete(`${path}/sessions`); await load(); }),
      sure('disable', t('users.disable'), able(true))].filter(Boolean);
  }

  async function load() {
    try {
      const all = await api.all('/users');
      if (!signal.aborted) draw(all);
    } catch (err) {
      if (!signal.aborted) fresh.append(failure(err, load));
    }
  }
}

function standing(u) {
  if (u.disabled_at) return t('users.disabledAt', { at: dateTime(u.disabled_at) });
  if (!u.password_at) return t('users.noPassword');
  return u.signed_in_at ? t('users.signedIn', { at: dateTime(u.signed_in_at), from: u.signed_in_from }) : t('users.neverSignedIn');
}
