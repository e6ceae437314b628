/** The sandbox: its clock, a buyer who is no person, and the messages that nobody got. */
import { el, icon } from '../dom.js';
import { date, dateTime, t } from '../text.js';
import { failure, field, head, poll, say, words } from './parts.js';

const REFRESH = 3_000;
const STEPS = [['10min', 600], ['hour', 3600], ['day', 86_400]];

/** Shows on every page of the console that this is a sandbox. @param {string} at the time by its clock */
export function sandboxBanner(at) {
  let banner = document.getElementById('sandbox-banner');
  if (!banner) {
    banner = el('p', { id: 'sandbox-banner', class: 'sandbox', testid: 'sandbox-banner' });
    document.querySelector('header.top')?.after(banner);
  }
  banner.replaceChildren(icon('clock'), el('span', {}, t('sandbox.banner', { at: dateTime(at) })), el('a', { href: '#/sandbox', testid: 'sandbox-open' }, t('sandbox.open')));
}

/** @param {import('./parts.js').Place} place */
export async function sandbox({ api, show, signal }) {
  const first = await api.get('/sandbox');
  const { data: calls } = await api.get('/conferences?limit=50');
  if (signal.aborted) return;
  const now = el('p', { class: 'sandbox-clock', testid: 'sandbox-now' });
  const buyers = el('ul', { class: 'rows', testid: 'sandbox-buyers' });
  const messages = el('ul', { class: 'rows', testid: 'sandbox-messages' });
  const problem = el('p', { class: 'error', role: 'alert', testid: 'sandbox-error', hidden: true });

  /** Does one thing with all buttons off meanwhile, and says what went wrong. */
  const action = (run) => async (e) => {
    e.preventDefault();
    problem.hidden = true;
    const buttons = [...document.querySelectorAll('#view button')].filter((b) => !(/** @type {any} */ (b).disabled));
    for (const b of buttons) /** @type {any} */ (b).disabled = true;
    try {
      await run();
      await refresh();
    } catch (err) {
      problem.textContent = err.code === 'conflict' ? t('sandbox.runs') : words(err);
      problem.hidden = false;
    }
    for (const b of buttons) /** @type {any} */ (b).disabled = false;
  };
  const steps = STEPS.map(([name, seconds]) => el('button', { class: 'plain', testid: `advance-${name}`, on: { click: action(() => api.post('/sandbox/clock', { advance_seconds: seconds })) } }, t(`sandbox.${name}`)));
  const coming = calls.filter((c) => !['finished', 'cancelled'].includes(c.state));
  const pick = field('conference', t('sandbox.conference'), { options: coming.map((c) => [c.id, `${c.subject} · ${c.buyer.name} · ${dateTime(c.starts_at)}`]) });
  const chosen = () => coming.find((c) => c.id === pick.querySelector('select').value);
  const toStart = el('button', { class: 'plain', testid: 'advance-start', on: { click: action(() => api.post('/sandbox/clock', { to: new Date(new Date(chosen().starts_at).getTime() - 5 * 60_000).toISOString() })) } }, t('sandbox.toStart'));
  const come = el('button', { class: 'primary', testid: 'buyer-comes', on: { click: action(() => api.post('/sandbox/buyers', { conference: chosen().id })) } }, t('sandbox.come'));

  const item = (title, text, at, ...more) => el('li', {}, el('div', { class: 'row' }, el('span', {}, el('strong', { class: 'break' }, title), el('span', { class: 'muted break' }, text)), el('span', { class: 'actions' }, at && el('time', { dateTime: at }, dateTime(at)), ...more)));
  const visitor = (v) => item(t(`sandbox.is.${v.state}`), v.error || coming.find((c) => c.id === v.conference)?.subject || '', v.started_at,
    !['left', 'failed'].includes(v.state) && el('button', { class: 'plain small', on: { click: action(() => api.delete(`/sandbox/buyers/${v.id}`)) } }, t('sandbox.leave')));

  let shown = '';
  async function refresh() {
    const [state, all] = [await api.get('/sandbox'), (await api.get('/sandbox/messages?limit=200')).data];
    if (signal.aborted) return;
    now.textContent = date(state.now, { dateStyle: 'full', timeStyle: 'short' });
    const text = JSON.stringify([state.buyers, all.length]);
    if (text === shown) return;
    shown = text;
    buyers.replaceChildren(...state.buyers.map(visitor));
    buyers.hidden = !state.buyers.length;
    messages.replaceChildren(...all.reverse().map((m) => item(m.subject, `${t(`outbox.channel.${m.channel}`)} · ${m.to}`, m.at)));
    messages.hidden = !all.length;
    say(dateTime(state.now));
  }
  now.textContent = date(first.now, { dateStyle: 'full', timeStyle: 'short' });
  show(head(t('sandbox.title')), el('p', { class: 'hint' }, t('sandbox.hint')), problem,
    el('section', { class: 'card form', testid: 'sandbox-clock' }, el('h2', {}, t('sandbox.clock')), now, el('div', { class: 'actions' }, ...steps)),
    el('section', { class: 'card form' }, el('h2', {}, t('sandbox.buyer')), coming.length ? pick : el('p', { class: 'muted' }, t('sandbox.noCalls')), coming.length > 0 && el('div', { class: 'actions' }, toStart, come), buyers),
    el('section', { class: 'card form' }, el('h2', {}, t('sandbox.messages')), el('p', { class: 'hint' }, t('sandbox.messagesHint')), messages));
  await poll(signal, REFRESH, async () => {
    try { await refresh(); } catch (err) {
      if (!signal.aborted) show(failure(err));
      return false;
    }
    return true;
  });
}
