/** Signing in to the console: by e-mail address and password, or by an API key; and setting a password by a link. */
import { el } from '../dom.js';
import { t } from '../text.js';
import { API } from './api.js';
import { field, form, words } from './parts.js';

/**
 * @param {{message?: string, key?: boolean, email?: string, done: (key: string) => void}} o message: why it is asked again, of a key or else of a password;
 *   done: told the key, or an empty one when the browser has a session
 */
export function signInForms({ message = '', key = false, email = '', done }) {
  const people = box({
    testid: 'sign-in', title: t('console.signInTitle'), message: key ? '' : message, fields: [
      field('email', t('console.email'), { type: 'email', required: true, autocomplete: 'username', value: email }),
      field('password', t('signin.password'), { type: 'password', required: true, autocomplete: 'current-password' })],
    async send(v) {
      try {
        await new API('').post('/session', { email: v.email, password: v.password });
      } catch (err) {
        throw err.status === 401 ? new Error(t('signin.wrong')) : err;
      }
      done('');
    },
  });
  const programs = box({
    testid: 'key-sign-in', message: key ? message : '', fields: [field('key', t('console.key'), { type: 'password', required: true, autocomplete: 'off', placeholder: 'sk_…' })],
    async send(v) { done(v.key.trim()); },
  });
  return el('div', { class: 'stack signin' }, people, el('p', { class: 'hint' }, t('signin.forgotten')),
    el('details', { open: key, testid: 'with-key' }, el('summary', {}, t('signin.withKey')), el('p', { class: 'hint' }, t('console.signInText')), programs));
}

/** A form of one column whose problems stand above the button. */
function box({ testid, title = '', message, fields, send }) {
  const f = form({ testid, submit: t('console.signIn'), fields, send });
  f.classList.add('column');
  if (title) f.prepend(el('h1', {}, title));
  const error = f.querySelector('[data-testid="form-error"]');
  error.hidden = !message;
  error.textContent = message;
  error.dataset.testid = `${testid}-error`;
  f.querySelector('button').classList.add('wide');
  return f;
}

/** @param {{token: string, done: (email: string, message: string) => void, signedIn: () => void}} o done: told when the link leads nowhere, or the password is set but did not sign in */
export async function setPassword({ token, done, signedIn }) {
  const link = new API(token);
  let who;
  try {
    who = await link.get('/password-link');
  } catch (err) {
    done('', err.status === 401 ? t('signin.linkGone') : words(err));
    return null;
  }
  const f = box({
    testid: 'set-password', title: t('signin.setTitle', { name: who.name }), message: '', fields: newPassword(who.email),
    async send(v) {
      same(v);
      await link.post('/password-link', { password: v.password });
      try {
        await new API('').post('/session', { email: who.email, password: v.password });
      } catch (err) {
        done(who.email, words(err));
        return;
      }
      signedIn();
    },
  });
  f.querySelector('button').textContent = t('signin.set');
  return el('div', { class: 'stack signin' }, f);
}

/** The fields of a new password; the address is there for password managers. @param {string} email */
export const newPassword = (email) => [
  field('email', t('console.email'), { type: 'email', readOnly: true, autocomplete: 'username', value: email }),
  field('password', t('signin.newPassword'), { type: 'password', required: true, minLength: 10, maxLength: 200, autocomplete: 'new-password', 'aria-describedby': 'password-hint' }),
  el('p', { class: 'hint full', id: 'password-hint' }, t('signin.hint')),
  field('again', t('signin.again'), { type: 'password', required: true, maxLength: 200, autocomplete: 'new-password' }),
];

/** Throws what a form shows when the two are not the same. @param {Record<string, string>} v */
export function same(v) {
  if (v.password !== v.again) throw Object.assign(new Error(t('signin.notSame')), { field: 'again' });
}
