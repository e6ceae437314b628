/** Links to a recording: how long, for whom, and taking them back. And who has seen it. */
import { el, icon } from '../dom.js';
import { dateTime, t, tOr } from '../text.js';
import { copyButton } from './links.js';
import { failure, field, form, sure, words } from './parts.js';

/** Seconds that a link may hold, by the key of its text. */
const SPANS = [[3_600, 'share.hour'], [86_400, 'share.day'], [604_800, 'share.week'], [2_592_000, 'share.month'], [7_776_000, 'share.quarter']];

/**
 * The form and the list, loaded at once.
 * @param {{api: import('./api.js').API, path: string, signal: AbortSignal}} o path: of the conference
 * @returns {HTMLElement}
 */
export function shares({ api, path, signal }) {
  const list = el('div', { testid: 'share-list' });
  const fresh = el('div', { class: 'stack' });
  const make = form({
    testid: 'share-form', submit: t('share.make'),
    fields: [field('expires_in_seconds', t('share.for'), { options: SPANS.map(([s, key]) => [String(s), t(/** @type {string} */ (key))]), value: '86400' }),
      field('name', t('share.whom'), { maxLength: 200, autocomplete: 'off' })],
    async send(v) {
      const made = await api.post(`${path}/recording/links`, { expires_in_seconds: Number(v.expires_in_seconds), name: v.name });
      fresh.replaceChildren(el('div', { class: 'link' }, el('span', { class: 'muted' }, t('console.validUntil', { at: dateTime(made.expires_at) })),
        el('div', { class: 'url' }, el('input', { readOnly: true, value: made.url, testid: 'share-url', 'aria-label': t('console.address'), on: { focus: (e) => e.target.select() } }), copyButton(made.url))));
      fresh.querySelector('input').focus();
      await load();
    },
  });
  make.className = 'stack';

  function line(s) {
    const over = s.revoked_at || new Date(s.expires_at) < new Date();
    const note = s.revoked_at ? t('console.revokedAt', { at: dateTime(s.revoked_at) }) : t('console.validUntil', { at: dateTime(s.expires_at) });
    return el('div', { class: 'link', testid: 'share', data: { id: s.id } }, el('span', {}, el('strong', {}, s.name || t('share.anybody')), ' ', el('span', { class: 'muted' }, note)),
      !over && el('button', { class: 'text', testid: 'revoke-share', on: { click: (e) => revoke(s, e.currentTarget) } }, t('console.revoke')));
  }

  async function revoke(s, b) {
    if (!sure(b)) return;
    b.disabled = true;
    try { await api.delete(`${path}/recording/links/${encodeURIComponent(s.id)}`); await load(); } catch (err) { b.disabled = false; b.textContent = words(err); }
  }

  async function load() {
    try {
      const { data } = await api.get(`${path}/recording/links`);
      if (!signal.aborted) list.replaceChildren(...data.map(line));
    } catch (err) {
      if (!signal.aborted) list.replaceChildren(failure(err, load));
    }
  }
  load();
  return el('div', { class: 'stack' }, el('p', { class: 'hint' }, t('share.hint')), make, fresh, list);
}

/** A button that opens the links to a recording below it. @param {Parameters<typeof shares>[0]} o @returns {Node[]} */
export function shareButton(o) {
  const place = el('div', { class: 'stack', hidden: true });
  const button = el('button', { class: 'plain', testid: 'share-recording', 'aria-expanded': 'false' }, icon('link'), t('console.share'));
  button.onclick = () => {
    place.hidden = !place.hidden;
    button.setAttribute('aria-expanded', String(!place.hidden));
    if (!place.hidden) { place.replaceChildren(shares(o)); place.querySelector('select').focus(); }
  };
  return [button, place];
}

/**
 * Who did what with a recording, read when it is opened.
 * @param {Parameters<typeof shares>[0]} o
 * @returns {HTMLElement}
 */
export function accesses({ api, path, signal }) {
  const list = el('ol', { class: 'log', testid: 'access-list' });
  const more = el('button', { class: 'plain small', hidden: true, testid: 'more-accesses' }, t('console.more'));
  const place = el('div', { class: 'stack' });
  const box = el('details', { testid: 'accesses' }, el('summary', {}, t('access.title')), place);
  let next = '';
  async function load() {
    try {
      const page = await api.get(`${path}/recording/accesses?limit=50${next && `&after=${encodeURIComponent(next)}`}`);
      if (signal.aborted) return;
      list.append(...page.data.map(accessLine));
      next = page.next ?? '';
      more.hidden = !next;
      place.replaceChildren(list.children.length ? list : el('p', { class: 'muted' }, t('access.none')), more);
    } catch (err) {
      if (!signal.aborted) place.replaceChildren(failure(err, load));
    }
  }
  more.onclick = load;
  box.addEventListener('toggle', () => {
    if (!box.open) return;
    next = '';
    list.replaceChildren();
    load();
  });
  return box;
}

function accessLine(a) {
  const who = a.by.name || (a.by.kind === 'system' ? t('access.system') : a.by.id);
  return el('li', { testid: 'access', data: { what: a.what } }, el('time', { dateTime: a.at, title: a.at }, dateTime(a.at)),
    el('span', {}, el('strong', {}, tOr(`access.${a.what}`, 'access.title')), ` ${who}`, a.by.kind === 'link' && el('span', { class: 'muted' }, ` (${t('access.link')})`)),
    (a.file || a.from) && el('small', {}, [a.file, a.from].filter(Boolean).join(' · ')));
}
