/** The console: sign in, then views by the address's fragment. */
import { account } from './console/account.js';
import { API } from './console/api.js';
import { buyer, buyers } from './console/buyers.js';
import { conference } from './console/conference.js';
import { conferences, newConference } from './console/conferences.js';
import { keys } from './console/keys.js';
import { outbox } from './console/outbox.js';
import { failure, words } from './console/parts.js';
import { reschedule } from './console/plan.js';
import { recordings } from './console/recordings.js';
import { newSeller, seller, sellers } from './console/sellers.js';
import { setPassword, signInForms } from './console/signin.js';
import { usage } from './console/usage.js';
import { users } from './console/users.js';
import { newWebhook, webhook, webhooks } from './console/webhooks.js';
import { sandbox, sandboxBanner } from './console/sandbox.js';
import { byID, el } from './dom.js';
import { begin, languageSwitch, put, t } from './text.js';

const KEY = 'showroom.key';
const ROUTES = [
  [/^#?\/?$/, conferences], [/^#\/new$/, newConference], [/^#\/conferences\/([\w-]+)$/, conference], [/^#\/conferences\/([\w-]+)\/plan$/, reschedule],
  [/^#\/account$/, account], [/^#\/users$/, users],
  [/^#\/recordings$/, recordings], [/^#\/buyers$/, buyers], [/^#\/buyers\/([\w-]+)$/, buyer],
  [/^#\/keys$/, keys], [/^#\/sellers$/, sellers], [/^#\/sellers\/new$/, newSeller], [/^#\/sellers\/([\w-]+)$/, seller], [/^#\/sellers\/([\w-]+)\/usage$/, usage],
  [/^#\/outbox$/, outbox], [/^#\/outbox\/([\w-]+)$/, outbox],
  [/^#\/webhooks$/, webhooks], [/^#\/webhooks\/new$/, newWebhook], [/^#\/webhooks\/([\w-]+)$/, webhook],
  [/^#\/sandbox$/, sandbox],
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

/** Shows the forms. @param {{message?: string, key?: boolean, email?: string}} [o] */
function signIn(o = {}) {
  api = null;
  for (const id of ['nav', 'nav-account', 'sign-out']) byID(id).hidden = true;
  const forms = signInForms({ ...o, done: check });
  byID('view').replaceChildren(forms);
  forms.querySelector(o.key ? '[name="key"]' : o.email ? '[name="password"]' : '[name="email"]').focus();
}

/** Goes in with a key, or with an empty one by the browser's session. @param {string} key */
async function check(key) {
  const candidate = new API(key);
  try {
    candidate.me = await candidate.get('/me');
  } catch (err) {
    sessionStorage.removeItem(KEY);
    if (err.status === 401) return signIn(key ? { message: t('console.badKey'), key: true } : {});
    return signIn({ message: words(err), key: Boolean(key) });
  }
  if (key) sessionStorage.setItem(KEY, key); else sessionStorage.removeItem(KEY);
  candidate.gone = () => {
    if (api !== candidate) return;
    leaving.abort();
    signIn(candidate.me.session ? { message: t('signin.ended') } : { message: t('console.badKey'), key: true });
  };
  api = candidate;
  dress(api);
  route();
}

/** Shows of the page's frame what who is signed in may use. @param {API} who */
function dress(who) {
  for (const a of byID('nav').querySelectorAll('[data-may]')) a.hidden = !who.may(a.dataset.may);
  const mine = who.me.seller;
  byID('nav-sellers').href = mine ? `#/sellers/${mine}` : '#/sellers';
  put(byID('nav-sellers'), mine ? 'console.mine' : 'console.sellers');
  byID('nav-account').textContent = who.me.name;
  byID('nav-account').hidden = !who.me.session;
  byID('nav').hidden = false;
  byID('sign-out').hidden = false;
}

async function signOut() {
  const session = api?.me?.session;
  try {
    if (session) await api.delete('/session');
  } catch (err) {
    if (err.status !== 401) return byID('view').replaceChildren(failure(err, signOut));
  }
  sessionStorage.removeItem(KEY);
  leaving.abort();
  history.replaceState(null, '', '/console');
  signIn();
}

/** Takes a link to set a password from the address. Whoever was signed in here is not asked. */
async function takePassword() {
  const token = new URLSearchParams(location.hash.slice(1)).get('password');
  if (!token) return false;
  history.replaceState(null, '', '/console');
  leaving.abort();
  signIn();
  const form = await setPassword({ token, done: (email, message) => signIn({ email, message }), signedIn: () => check('') });
  if (form) byID('view').replaceChildren(form);
  form?.querySelector('[name="password"]').focus();
  return true;
}

/** Shows the view of the address; the one before is told to stop. */
async function route() {
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  if (await takePassword()) return;
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
      show(failure(err, route));
    }
    return;
  }
  show(failure({ status: 404, message: location.hash, code: '' }));
}

/** Marks the part of the console that is shown. */
function mark() {
  const links = [...byID('nav').querySelectorAll('a[href^="#"]')];
  links.push(byID('nav-account'));
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

async function main() {
  begin();
  languageSwitch(byID('language'));
  takeKey();
  byID('sign-out').onclick = signOut;
  document.addEventListener('sandbox', (e) => sandboxBanner(/** @type {CustomEvent} */ (e).detail));
  window.addEventListener('hashchange', route);
  document.addEventListener('languagechange', () => (api ? route() : signIn()));
  if (!await takePassword()) check(sessionStorage.getItem(KEY) ?? '');
}

main();
