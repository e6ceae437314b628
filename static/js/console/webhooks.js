/** Webhooks: list, new, one with its deliveries. */
import { el, icon } from '../dom.js';
import { dateTime, number, t } from '../text.js';
import { once } from './api.js';
import { copyButton } from './links.js';
import { attempt, failure, field, form, head, poll, say, stateBadge, sure } from './parts.js';

const badge = (w) => stateBadge(w.state, 'webhook.state');

/** @param {import('./parts.js').Place} place */
export async function webhooks({ api, show, signal }) {
  const { data } = await api.get('/webhooks');
  if (signal.aborted) return;
  const create = api.may('POST /webhooks') && el('a', { class: 'button primary', href: '#/webhooks/new', testid: 'new-webhook' }, icon('plus'), t('webhook.new'));
  show(head(t('webhook.title'), { action: create }), data.length
    ? el('ul', { class: 'rows people' }, ...data.map((w) => el('li', {}, el('a', { href: `#/webhooks/${w.id}`, testid: 'webhook', data: { id: w.id } },
      el('span', {}, el('strong', { class: 'break' }, w.url), el('span', { class: 'muted' }, w.description || w.events.join(', '))), badge(w)))))
    : el('div', { class: 'empty', testid: 'empty' }, el('p', {}, t('webhook.none'))));
}

const fields = (w) => [
  field('url', t('webhook.url'), { required: true, type: 'url', maxLength: 2000, full: true, value: w?.url ?? '', placeholder: 'https://', autocomplete: 'off' }),
  field('events', t('webhook.events'), { required: true, full: true, value: (w?.events ?? ['*']).join(', '), autocomplete: 'off', 'aria-describedby': 'events-hint' }),
  el('p', { class: 'hint full', id: 'events-hint' }, t('webhook.eventsHint')),
  field('description', t('webhook.description'), { maxLength: 200, full: true, value: w?.description ?? '', autocomplete: 'off' }),
];

const body = (v) => ({ url: v.url, description: v.description, events: v.events.split(/[\s,]+/).filter(Boolean) });

/** The one time a secret is shown. @param {string} secret */
const secretBox = (secret) => el('div', { class: 'note', role: 'status', testid: 'secret-box' }, icon('lock'), el('div', { class: 'grow' }, el('strong', {}, t('webhook.secret')), el('span', {}, t('webhook.secretHint')),
  el('div', { class: 'url actions' }, el('input', { readOnly: true, value: secret, testid: 'secret', 'aria-label': t('webhook.secret'), on: { focus: (e) => e.target.select() } }), copyButton(secret))));

/** A secret made a moment ago, for the view that comes next. @type {{id: string, secret: string}|null} */
let fresh = null;

/** @param {import('./parts.js').Place} place */
export async function newWebhook({ api, show }) {
  let key = once();
  show(head(t('webhook.new'), { back: '#/webhooks', backText: t('webhook.title') }), form({
    testid: 'webhook-form', submit: t('console.create'), fields: fields(null),
    async send(v) {
      try {
        const made = await api.post('/webhooks', body(v), key);
        fresh = { id: made.id, secret: made.secret };
        location.hash = `#/webhooks/${made.id}`;
      } catch (err) {
        if (err.status) key = once();
        throw err;
      }
    },
  }));
}

/** @param {import('./parts.js').Place} place @param {string} id */
export async function webhook({ api, show, signal }, id) {
  const path = `/webhooks/${encodeURIComponent(id)}`;
  const first = await api.get(path);
  if (signal.aborted) return;
  const top = el('div', { class: 'stack' });
  const secret = el('div', { class: 'stack' }, fresh?.id === id && secretBox(fresh.secret));
  fresh = null;
  const problem = el('p', { class: 'error', role: 'alert', hidden: true });
  const standing = el('section', { class: 'card', testid: 'standing' });
  const deliveries = el('section', { class: 'card', testid: 'deliveries' });
  const again = redelivery(async (after) => { await api.post(`${path}/redeliver`, { after }); await refresh(); });
  const edit = form({ testid: 'webhook-form', submit: t('console.save'), fields: fields(first), async send(v) { await api.patch(path, body(v)); say(t('console.saved')); await refresh(); } });
  show(top, secret, problem, el('div', { class: 'columns' }, el('div', { class: 'stack' }, standing, again, edit), el('div', { class: 'stack' }, deliveries)));

  /** A button that does one thing and says what went wrong. */
  function action(name, run, twice = false) {
    const b = el('button', { class: 'plain small', testid: `webhook-${name}` }, t(`webhook.${name}`));
    b.onclick = () => {
      if (twice && !sure(b)) return;
      attempt(problem, b, () => run(b));
    };
    return b;
  }
  const buttons = [
    action('test', async (b) => {
      const a = await api.post(`${path}/test`);
      b.textContent = a.error ? `${t('webhook.failed')}: ${a.error}` : t('webhook.tested', { status: a.status });
    }),
    action('rotate', async () => secret.replaceChildren(secretBox((await api.post(`${path}/rotate`)).secret)), true),
    action('remove', async () => { await api.delete(path); location.hash = '#/webhooks'; }, true),
  ];

  let shown = '';
  async function refresh() {
    const [w, list] = await Promise.all([api.get(path), api.get(`${path}/deliveries?limit=50`)]);
    const now = JSON.stringify([w, list.data]);
    if (signal.aborted || now === shown) return;
    shown = now;
    const waits = w.set_aside_at || w.waiting.length ? action('resume', async () => { await api.post(`${path}/resume`); await refresh(); }) : null;
    top.replaceChildren(head(w.description || new URL(w.url).host, { back: '#/webhooks', backText: t('webhook.title'), action: el('div', { class: 'actions' }, badge(w), waits, ...buttons) }));
    standing.replaceChildren(...facts(w));
    deliveries.replaceChildren(...attempts(list.data));
  }
  await poll(signal, 3_000, async () => {
    try { await refresh(); } catch (err) {
      if (!signal.aborted) show(failure(err));
      return false;
    }
    return true;
  });
}

function redelivery(send) {
  return form({
    testid: 'redeliver-form', submit: t('webhook.redeliver'),
    fields: [field('after', t('webhook.after'), { type: 'number', min: '0', required: true, value: '0' }), el('p', { class: 'hint full' }, t('webhook.afterHint'))],
    send: (v) => send(Number(v.after)),
  });
}

function facts(w) {
  const row = (name, value) => [el('dt', {}, name), el('dd', { class: 'break' }, value)];
  return [el('header', {}, el('h2', {}, t('console.details'))), el('dl', {},
    ...row(t('webhook.url'), w.url), ...row(t('webhook.events'), w.events.join(', ')), ...row(t('webhook.cursor'), number(w.cursor)),
    ...(w.delivered_at ? row(t('webhook.delivered'), dateTime(w.delivered_at)) : []),
    ...(w.failing_since ? row(t('webhook.failingSince'), dateTime(w.failing_since)) : []),
    ...(w.next_attempt_at ? row(t('webhook.next'), dateTime(w.next_attempt_at)) : []),
    ...(w.set_aside_at ? row(t('webhook.state.set_aside'), `${dateTime(w.set_aside_at)}: ${w.set_aside_reason}`) : [])),
  ...(w.waiting.length ? [el('h3', {}, t('webhook.waiting')), el('ul', { class: 'log', testid: 'waiting' }, ...w.waiting.map((l) => el('li', {},
    el('time', { dateTime: l.since }, `#${l.seq}`), el('span', { class: 'break' }, l.stream), el('small', {}, `${t(l.held ? 'webhook.held' : 'webhook.attempts', { n: l.attempts })} · ${l.error}`))))] : [])];
}

function attempts(data) {
  return [el('header', {}, el('h2', {}, t('webhook.deliveries')), el('span', { class: 'muted' }, String(data.length))), data.length
    ? el('ol', { class: 'log', tabIndex: 0, 'aria-label': t('webhook.deliveries') }, ...data.map((a) => el('li', { testid: 'delivery', data: { seq: String(a.seq), ok: String(!a.error) } },
      el('time', { dateTime: a.at, title: a.at }, dateTime(a.at)),
      el('span', {}, icon(a.error ? 'alert' : 'check'), ' ', el('code', {}, a.type), ` #${a.seq}`),
      el('small', { class: 'break' }, [a.status || '', `${a.duration_ms} ms`, a.error, a.response].filter(Boolean).join(' · ')))))
    : el('p', { class: 'muted' }, t('webhook.noDeliveries'))];
}
