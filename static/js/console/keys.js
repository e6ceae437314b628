/** API keys: who may use the API, make, rotate, revoke. A secret is shown once, when it is made. */
import { el } from '../dom.js';
import { dateTime, t } from '../text.js';
import { once } from './api.js';
import { copyButton } from './links.js';
import { failure, field, form, head, say, words } from './parts.js';

const SCOPES = ['crm', 'seller', 'read', 'operator'];

/** @param {import('./parts.js').Place} place */
export async function keys({ api, show, signal }) {
  const [first, sellers] = await Promise.all([api.get('/keys'), api.all('/sellers')]);
  if (signal.aborted) return;
  const names = new Map(sellers.map((s) => [s.id, s.name]));
  const list = el('ul', { class: 'rows keys', testid: 'keys' });
  const fresh = el('div', { class: 'stack', role: 'status' });
  const seller = field('seller', t('role.seller'), { options: sellers.map((s) => [s.id, s.name]) });
  const scope = field('scope', t('console.scope'), { options: SCOPES.map((s) => [s, t(`scope.${s}`)]) });
  const toggle = () => {
    seller.hidden = scope.querySelector('select').value !== 'seller';
    seller.querySelector('select').disabled = seller.hidden;
  };
  scope.addEventListener('change', toggle);
  toggle();
  let key = once();
  const make = form({
    testid: 'key-form', submit: t('console.newKey'), fields: [field('name', t('console.name'), { required: true, maxLength: 200, autocomplete: 'off' }), scope, seller],
    async send(v) {
      try {
        reveal(await api.post('/keys', { name: v.name, scope: v.scope, ...(v.scope === 'seller' && { seller: v.seller }) }, key));
      } finally {
        key = once();
      }
      make.reset();
      toggle();
      await load();
    },
  });
  show(head(t('console.keys')), el('p', { class: 'muted' }, t('console.keysText')), fresh, list, el('h2', {}, t('console.newKey')), make);
  draw(first.data);

  /** The secret, this once. */
  function reveal(made) {
    fresh.replaceChildren(el('section', { class: 'card', testid: 'fresh-key' }, el('strong', {}, made.name), el('p', {}, t('console.secretOnce')),
      el('div', { class: 'url actions' }, el('input', { readOnly: true, value: made.secret, testid: 'secret', 'aria-label': t('console.key'), on: { focus: (e) => e.target.select() } }), copyButton(made.secret))));
    fresh.querySelector('input').focus();
    say(t('console.secretOnce'));
  }

  function draw(all) {
    list.replaceChildren(...all.map((k) => el('li', { testid: 'key-row', data: { id: k.id } }, el('div', {},
      el('span', {}, el('strong', {}, k.name), el('span', { class: 'muted' }, k.seller ? `${t('scope.seller')}: ${names.get(k.seller) ?? k.seller}` : t(`scope.${k.scope}`))),
      el('span', { class: 'muted' }, usedText(k)),
      k.revoked_at ? el('span', { class: 'badge state' }, t('console.revoked'))
        : el('span', { class: 'actions' }, sure('rotate', t('console.rotate'), async () => { reveal(await api.post(`/keys/${k.id}/rotate`, {}, once())); await load(); }),
          sure('revoke-key', t('console.revoke'), async () => { await api.delete(`/keys/${k.id}`); await load(); }))))));
  }

  async function load() {
    try {
      const { data } = await api.get('/keys');
      if (!signal.aborted) draw(data);
    } catch (err) {
      if (!signal.aborted) fresh.append(failure(err, load));
    }
  }
}

function usedText(k) {
  if (k.revoked_at) return t('console.revokedAt', { at: dateTime(k.revoked_at) });
  return k.last_used_at ? t('console.lastUsed', { at: dateTime(k.last_used_at), from: k.last_used_from }) : t('console.neverUsed');
}

/** A button that asks once. @param {string} testid @param {string} text @param {() => Promise<void>} act */
export function sure(testid, text, act) {
  const b = el('button', { class: 'plain small', testid }, text);
  b.onclick = async () => {
    if (!b.dataset.sure) {
      b.dataset.sure = '1';
      b.textContent = t('console.sure');
      return;
    }
    b.disabled = true;
    try { await act(); } catch (err) { b.disabled = false; delete b.dataset.sure; b.textContent = words(err); }
  };
  return b;
}
