/** The console: sign in with an API key, then views by the address's fragment. */
import { API } from './console/api.js';
import { conference } from './console/conference.js';
import { conferences, newConference } from './console/conferences.js';
import { keys } from './console/keys.js';
import { outbox } from './console/outbox.js';
import { failure, words } from './console/parts.js';
import { reschedule } from './console/plan.js';
import { newSeller, seller, sellers } from './console/sellers.js';
import { usage } from './console/usage.js';
import { newWebhook, webhook, webhooks } from './console/webhooks.js';
import { byID, el } from './dom.js';
import { begin, languageSwitch, t } from './text.js';

const KEY = 'showroom.key';
const ROUTES = [
  [/^#?\/?$/, conferences], [/^#\/new$/, newConference], [/^#\/conferences\/([\w-]+)$/, conference], [/^#\/conferences\/([\w-]+)\/plan$/, reschedule],
  [/^#\/keys$/, keys], [/^#\/sellers$/, sellers], [/^#\/sellers\/new$/, newSeller], [/^#\/sellers\/([\w-]+)$/, seller], [/^#\/sellers\/([\w-]+)\/usage$/, usage],
  [/^#\/outbox$/, outbox], [/^#\/outbox\/([\w-]+)$/, outbox],
  [/^#\/webhooks$/, webhooks], [/^#\/webhooks\/new$/, newWebhook], [/^#\/webhooks\/([\w-]+)$/, webhook],
];

/** @type {API|null} */ let api = null;
let leaving = new AbortController();

/** A key in the address is taken once and removed from it, so that it is neither seen nor bookmarked. */
function takeKey() {
  const key = new URLSearchParams(location.hash.slice(1)).get('key') ?? new URLSearchParams(location.search).get('key');
  if (!key) return;
  sessionStorage.setItem(KEY, key);
  history.replaceState(null, '', '/console');
}

function signIn(message = '') {
  api = null;
  byID('nav').hidden = true;
  byID('sign-out').hidden = true;
  const input = el('input', { name: 'key', type: 'password', autocomplete: 'off', required: true, testid: 'key', placeholder: 'sk_…' });
  const error = el('p', { class: 'error', role: 'alert', testid: 'sign-in-error' }, message);
  const form = el('form', { class: 'card signin', testid: 'sign-in' }, el('h1', {}, t('console.signInTitle')), el('p', { class: 'muted' }, t('console.signInText')),
    el('label', {}, el('span', {}, t('console.key')), input), error, el('button', { class: 'primary wide', testid: 'sign-in-submit' }, t('console.signIn')));
  form.onsubmit = (e) => { e.preventDefault(); check(input.value.trim()); };
  byID('view').replaceChildren(form);
  input.focus();
}

/** @param {string} key */
async function check(key) {
  const candidate = new API(key);
  try {
    const me = await candidate.get('/me');
    byID('nav-keys').hidden = me.scope !== 'operator';
  } catch (err) {
    sessionStorage.removeItem(KEY);
    return signIn(err.status === 401 ? t('console.badKey') : words(err));
  }
  sessionStorage.setItem(KEY, key);
  api = candidate;
  byID('nav').hidden = false;
  byID('sign-out').hidden = false;
  route();
}

/** Shows the view of the address; the one before is told to stop. */
async function route() {
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  takeKeyAgain();
  if (!api) return;
  const view = byID('view');
  const show = (...nodes) => { if (!signal.aborted) view.replaceChildren(...nodes.filter(Boolean)); };
  mark();
  show(el('span', { class: 'spinner' }));
  view.focus({ preventScroll: true });
  for (const [pattern, open] of ROUTES) {
    const match = /** @type {RegExp} */ (pattern).exec(location.hash);
    if (!match) continue;
    try {
      await /** @type {any} */ (open)({ api, show, signal }, match[1]);
    } catch (err) {
      if (err.status === 401) signIn(t('console.badKey')); else show(failure(err, route));
    }
    return;
  }
  show(failure({ status: 404, message: location.hash, code: '' }));
}

/** Marks the part of the console that is shown. */
function mark() {
  const links = [...byID('nav').querySelectorAll('a[href^="#"]')];
  const current = links.find((a) => a.hash !== '#/' && location.hash.startsWith(a.hash)) ?? links[0];
  for (const a of links) if (a === current) a.setAttribute('aria-current', 'page'); else a.removeAttribute('aria-current');
  document.title = `${current.textContent} · Showroom`;
}

/** A ready link pasted into an open console signs in with its key. */
function takeKeyAgain() {
  if (!location.hash.startsWith('#key=')) return;
  takeKey();
  api = null;
  check(sessionStorage.getItem(KEY));
}

function main() {
  begin();
  languageSwitch(byID('language'));
  takeKey();
  byID('sign-out').onclick = () => { sessionStorage.removeItem(KEY); leaving.abort(); signIn(); };
  window.addEventListener('hashchange', route);
  document.addEventListener('languagechange', () => (api ? route() : signIn()));
  const key = sessionStorage.getItem(KEY);
  if (key) check(key); else signIn();
}

main();
