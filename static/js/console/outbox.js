/** The outbox: every message to a person, with its words, its link and what became of it. */
import { el, icon } from '../dom.js';
import { dateTime, language, t, tOr } from '../text.js';
import { copyButton } from './links.js';
import { failure, head, poll, say, stateBadge, words } from './parts.js';

const REFRESH = 5_000;

/** @param {import('./parts.js').Place} place @param {string} [conference] only its messages */
export async function outbox({ api, show, signal }, conference) {
  const query = conference ? `conference=${encodeURIComponent(conference)}` : 'limit=50';
  const list = el('ul', { class: 'outbox', testid: 'outbox' });
  const empty = el('div', { class: 'empty', testid: 'empty', hidden: true }, el('p', {}, t('outbox.none')));
  const older = el('button', { class: 'plain', testid: 'older', hidden: true }, t('outbox.older'));
  const title = head(t('outbox.title'), conference ? { back: `#/conferences/${conference}`, backText: t('outbox.conference') } : {});
  /** Older pages, which are asked for once. @type {any[]} */ const before = [];
  let next = '';
  let shown = '';
  const open = new Set();

  function render(data) {
    const now = JSON.stringify([data, language()]);
    if (now === shown) return;
    shown = now;
    const focused = document.activeElement?.closest('[data-id]')?.getAttribute('data-id');
    list.replaceChildren(...data.map((m) => item(m, open, resend)));
    if (focused) list.querySelector(`[data-id="${CSS.escape(focused)}"] summary`)?.focus();
    list.hidden = !data.length;
    empty.hidden = data.length > 0;
    older.hidden = !next;
  }

  /** Sends a message once more. @param {any} m @param {HTMLButtonElement} button */
  async function resend(m, button) {
    button.disabled = true;
    try {
      await api.post(`/conferences/${m.conference.id}/messages/${m.id.slice(m.conference.id.length + 1)}/resend`);
      button.textContent = t('outbox.resent');
      say(t('outbox.resent'));
      await refresh();
    } catch (err) {
      button.replaceWith(el('span', { class: 'error', role: 'alert' }, words(err)));
    }
  }

  async function refresh() {
    const page = await api.get(`/messages?${query}`);
    if (signal.aborted) return;
    if (!before.length) next = page.next ?? '';
    const fresh = new Set(page.data.map((m) => m.id));
    render([...page.data, ...before.filter((m) => !fresh.has(m.id))]);
  }
  older.onclick = async () => {
    older.disabled = true;
    try {
      const page = await api.get(`/messages?${query}&after=${encodeURIComponent(next)}`);
      before.push(...page.data);
      next = page.next ?? '';
      await refresh();
    } catch (err) {
      older.replaceWith(failure(err));
    }
    older.disabled = false;
  };

  await refresh();
  show(title, el('p', { class: 'hint' }, t('outbox.hint')), list, empty, older);
  await poll(signal, REFRESH, async () => {
    try { await refresh(); } catch (err) {
      if (!signal.aborted) show(failure(err));
      return false;
    }
    return true;
  });
}

/** One message, closed until somebody wants to read it. */
function item(m, open, resend) {
  const summary = el('summary', {},
    el('span', { class: 'what' }, el('strong', { class: 'break' }, m.subject), el('span', { class: 'muted' }, `${t(`outbox.kind.${m.kind}`)} · ${m.to.name || t(`role.${m.to.role}`)} (${t(`role.${m.to.role}`)})`)),
    el('time', { dateTime: m.queued_at }, dateTime(m.queued_at)), badge(m));
  const details = el('details', { open: open.has(m.id) }, summary);
  const fill = () => { if (details.children.length === 1) details.append(body(m, resend)); };
  details.addEventListener('toggle', () => {
    if (details.open) { open.add(m.id); fill(); } else open.delete(m.id);
  });
  if (details.open) fill();
  return el('li', { testid: 'message', data: { id: m.id, kind: m.kind, state: m.state } }, details);
}

/** A message that a webhook took is on its way, though no channel of ours carried it. */
const badge = (m) => (m.state === 'kept' && m.webhooks.some((w) => w.taken) ? stateBadge('handed', 'outbox.state') : stateBadge(m.state, 'outbox.state'));

function body(m, resend) {
  const row = (name, value) => [el('dt', {}, name), el('dd', { class: 'break' }, value)];
  const address = [m.to.email, m.to.phone].filter(Boolean).join(', ');
  return el('div', { class: 'letter stack' },
    el('dl', {}, ...row(t('outbox.to'), `${m.to.name}${address ? ` · ${address}` : ''}`), ...row(t('outbox.language'), `${m.to.language} · ${m.to.time_zone}`),
      el('dt', {}, t('outbox.about')), el('dd', {}, el('a', { href: `#/conferences/${m.conference.id}` }, m.conference.subject))),
    el('pre', { class: 'break', testid: 'message-text', tabIndex: 0 }, m.text),
    m.url && el('div', { class: 'url actions' }, el('input', { readOnly: true, value: m.url, testid: 'message-url', 'aria-label': t('outbox.link'), on: { focus: (e) => e.target.select() } }), copyButton(m.url)),
    el('div', { class: 'actions' }, m.state !== 'queued' && el('button', { class: 'plain small', testid: 'resend', on: { click: (e) => resend(m, e.currentTarget) } }, icon('send'), t('outbox.resend')),
      m.calendar && el('a', { class: 'button plain small', download: 'call.ics', href: `data:text/calendar;charset=utf-8,${encodeURIComponent(m.calendar)}`, testid: 'message-calendar' }, icon('calendar'), t('outbox.calendar'))),
    el('ul', { class: 'log', testid: 'fates' }, ...fates(m)));
}

/** What became of a message, by channel and webhook. */
function fates(m) {
  const line = (at, name, state, ...more) => el('li', {}, el('time', { dateTime: at ?? '' }, at ? dateTime(at) : ''), el('span', {}, `${name}: ${state}`), el('small', { class: 'break' }, more.filter(Boolean).join(' · ')));
  const lines = [
    ...m.deliveries.map((d) => line(d.at, tOr(`outbox.channel.${d.channel}`, '') || d.channel, t(`outbox.state.${d.state}`), d.reason === 'overtaken' ? t('outbox.overtaken') : d.reason,
      d.failures && t('outbox.failures', { n: d.failures }), d.next_attempt_at && t('outbox.next', { at: dateTime(d.next_attempt_at) }))),
    ...m.webhooks.map((w) => line('', t('outbox.webhook'), t(w.taken ? 'outbox.taken' : 'outbox.notTaken'), w.url)),
  ];
  return lines.length ? lines : [el('li', {}, el('time', {}, ''), el('span', {}, t('outbox.nothing')))];
}
