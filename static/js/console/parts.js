/** Pieces the console's views share: fields, errors, badges, polling. */
import { el, icon } from '../dom.js';
import { t, tOr } from '../text.js';

/** What a view gets. @typedef {{api: import('./api.js').API, show: (...nodes: (Node|false|null)[]) => void, signal: AbortSignal}} Place */

/** @param {string} state @param {string} [prefix] of the text's key */
export const stateBadge = (state, prefix = 'state') => el('span', { class: 'badge state', data: { state }, testid: prefix === 'state' ? 'state' : 'recording-state' }, t(`${prefix}.${state}`));

/** Codes of the API whose words are those of the join page. */
const SHARED = new Set(['network', 'unavailable', 'internal', 'rate_limited']);

/** Words for a problem: the table's, or the API's own, which name the field. @param {any} err */
export const words = (err) => (SHARED.has(err.code) ? t(`code.${err.code}`) : tOr(`refused.${err.code}`, '') || err.message);

/**
 * A click that must be repeated to count, instead of a dialog.
 * @param {HTMLButtonElement} button
 * @returns {boolean} whether this was the second one
 */
export function sure(button) {
  if (button.dataset.sure) return true;
  button.dataset.sure = '1';
  button.textContent = t('console.sure');
  return false;
}

/** A box that says what went wrong. @param {any} err @param {() => void} [again] */
export function failure(err, again) {
  return el('div', { class: 'note bad', role: 'alert', testid: 'error' }, icon('alert'),
    el('div', {}, el('strong', {}, err.status === 404 ? t('console.notFound') : t('console.failed')), el('span', {}, words(err)),
      again && el('p', {}, el('button', { class: 'plain small', on: { click: again } }, t('console.again')))));
}

/** A labelled input. @param {string} name @param {string} text @param {Record<string, any>} [props] */
export function field(name, text, props = {}) {
  const { full, options, ...rest } = props;
  const input = options
    ? el('select', { name, testid: name, ...rest }, ...options.map(([value, label]) => el('option', { value, selected: value === props.value }, label)))
    : el('input', { name, testid: name, ...rest });
  return el('label', { class: full ? 'full' : '' }, el('span', {}, text), input);
}

/**
 * Runs what a button asks for: it is busy meanwhile, and error says what went wrong.
 * @param {HTMLElement} error @param {HTMLButtonElement} button @param {() => Promise<any>} f
 */
export async function attempt(error, button, f) {
  button.disabled = true;
  error.hidden = true;
  try { await f(); } catch (err) { error.textContent = words(err); error.hidden = false; }
  button.disabled = false;
}

/** A heading with a way back and an action. @param {string} title @param {{back?: string, backText?: string, action?: Node|null}} [o] */
export function head(title, { back, backText, action } = {}) {
  return el('div', { class: 'stack' },
    back && el('a', { class: 'trail', href: back }, icon('back'), backText),
    el('div', { class: 'head' }, el('div', {}, el('h1', {}, title)), action));
}

/**
 * A form that calls send with its values, shows problems at their field and is busy meanwhile.
 * @param {{fields: Node[], submit: string, testid: string, send: (values: Record<string, string>) => Promise<void>}} o
 */
export function form({ fields, submit, testid, send }) {
  const error = el('p', { class: 'error', role: 'alert', testid: 'form-error', hidden: true });
  const button = el('button', { class: 'primary', type: 'submit', testid: `${testid}-submit` }, submit);
  const f = el('form', { class: 'card form', testid }, el('div', { class: 'fields' }, ...fields), error, el('div', { class: 'actions' }, button));
  f.addEventListener('submit', async (e) => {
    e.preventDefault();
    for (const i of f.querySelectorAll('[aria-invalid]')) i.removeAttribute('aria-invalid');
    error.hidden = true;
    f.lastElementChild.before(error);
    button.disabled = true;
    try {
      await send(/** @type {any} */ (Object.fromEntries(new FormData(f))));
    } catch (err) {
      error.textContent = words(err);
      error.hidden = false;
      const wrong = err.field && f.querySelector(`[name="${CSS.escape(err.field)}"]`);
      if (wrong) {
        wrong.setAttribute('aria-invalid', 'true');
        wrong.closest('label')?.append(error); // beside what is wrong
        wrong.focus();
      }
    } finally {
      button.disabled = false;
    }
  });
  return f;
}

/**
 * Calls f at once and then every so many ms until it gives false, the view is left, or f fails.
 * A hidden page waits.
 * @param {AbortSignal} signal
 * @param {number} ms
 * @param {() => Promise<boolean|void>} f
 */
export async function poll(signal, ms, f) {
  while (!signal.aborted) {
    if (document.visibilityState === 'visible' && await f() === false) return;
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      signal.addEventListener('abort', () => { clearTimeout(timer); resolve(undefined); }, { once: true });
    });
  }
}

/** Says something to screen readers. @param {string} text */
export function say(text) {
  const e = document.getElementById('status');
  if (e) e.textContent = text;
}

/** Languages as options. */
export const languageOptions = () => [['pt-BR', 'Português'], ['en', 'English'], ['es', 'Español']];
