/** Buyers: finding one, what is known of one, a copy of everything, and its erasure. */
import { el, icon } from '../dom.js';
import { dateTime, number, size, t } from '../text.js';
import { pages, patient } from './pages.js';
import { attempt, failure, field, head, poll, say, stateBadge } from './parts.js';
import { open } from './recordings.js';

/** @param {import('./parts.js').Place} place */
export async function buyers({ api, show, signal }) {
  const input = el('input', { type: 'search', name: 'q', testid: 'search', autocomplete: 'off', placeholder: t('buyer.search') });
  const view = pages({
    api, path: '/buyers', signal, testid: 'buyers', every: 30_000,
    query: () => ({ q: input.value.trim() }),
    rows: (data) => el('ul', { class: 'rows people' }, ...data.map((b) => el('li', {}, el('a', { href: `#/buyers/${b.id}`, testid: 'buyer', data: { id: b.id } },
      el('span', {}, el('strong', {}, b.name || t('buyer.erased')), el('span', { class: 'muted' }, [b.email, b.phone, b.reference].filter(Boolean).join(' · '))),
      el('span', { class: 'muted' }, dateTime(b.created_at)))))),
    empty: (filtered) => el('div', { class: 'empty', testid: 'empty' }, el('p', {}, t(filtered ? 'console.noneFound' : 'buyer.none'))),
  });
  input.addEventListener('input', patient(() => view.refresh(true)));
  show(head(t('buyer.title')), el('div', { class: 'filters' }, el('label', { class: 'grow' }, el('span', {}, t('buyer.find')), input)), view.list);
  await view.run();
}

/** @param {import('./parts.js').Place} place @param {string} id */
export async function buyer({ api, show, signal }, id) {
  const path = `/buyers/${encodeURIComponent(id)}`;
  const top = el('div', { class: 'stack' });
  const details = el('section', { class: 'card', testid: 'details' });
  const privacy = el('section', { class: 'card stack', testid: 'privacy' });
  const view = pages({
    api, path: '/conferences', signal, testid: 'conferences', query: () => ({ buyer: id }),
    rows: (data) => el('ul', { class: 'rows' }, ...data.map((c) => el('li', {}, el('a', { href: `#/conferences/${c.id}`, testid: 'conference' },
      el('time', { dateTime: c.starts_at }, dateTime(c.starts_at)), el('span', {}, el('strong', {}, c.subject || t('console.noSubject')), el('span', { class: 'muted' }, c.seller.name)), stateBadge(c.state))))),
    empty: () => el('div', { class: 'empty' }, el('p', {}, t('console.noneFound'))),
  });
  show(top, el('div', { class: 'columns' }, details, privacy), el('h2', {}, t('console.conferences')), view.list);
  let shown = '';
  async function refresh() {
    let b;
    try { b = await api.get(path); } catch (err) {
      if (!signal.aborted) show(head(t(err.status === 404 ? 'console.notFound' : 'console.failed'), { back: '#/buyers', backText: t('buyer.title') }), failure(err));
      return false;
    }
    const now = JSON.stringify(b);
    if (signal.aborted || now === shown) return b.erasure?.state === 'erasing';
    shown = now;
    top.replaceChildren(head(b.name || t('buyer.erased'), { back: '#/buyers', backText: t('buyer.title') }));
    document.title = `${b.name || t('buyer.erased')} · Showroom`;
    details.replaceChildren(...facts(b));
    privacy.replaceChildren(el('header', {}, el('h2', {}, t('privacy.title'))), ...(b.erasure ? erased(b.erasure) : rights({ api, path, b, refresh: follow })));
    return b.erasure?.state === 'erasing';
  }
  let following = false;
  /** Looks until an erasure is over. */
  async function follow() {
    if (following) return;
    following = true;
    await poll(signal, 2_000, refresh);
    following = false;
  }
  await follow();
  if (!signal.aborted) await view.run();
}

function facts(b) {
  const rows = [['console.name', b.name || t('buyer.erased')], ['console.email', b.email], ['console.phone', b.phone], ['console.reference', b.reference], ['buyer.since', dateTime(b.created_at)]];
  return [el('header', {}, el('h2', {}, t('console.details'))), el('dl', {}, ...rows.filter(([, v]) => v).flatMap(([key, v]) => [el('dt', {}, t(key)), el('dd', {}, v)]))];
}

/** The two buttons. */
function rights({ api, path, b, refresh }) {
  const dialogs = el('div');
  const error = el('p', { class: 'error', role: 'alert', hidden: true, testid: 'privacy-error' });
  const copy = el('button', { class: 'plain', testid: 'export' }, icon('download'), t('privacy.export'));
  copy.onclick = () => {
    const what = field('recordings', t('privacy.recordings'), { options: ['list', 'files', 'none'].map((w) => [w, t(`privacy.recordings.${w}`)]) });
    const go = el('button', { class: 'primary wide', testid: 'export-go' }, t('privacy.download'));
    const dialog = open(dialogs, [el('h2', { id: 'dialog-title' }, t('privacy.export')), el('p', {}, t('privacy.exportText', { name: b.name })), what, go]);
    go.onclick = () => attempt(error, copy, async () => {
      const made = await api.post(`${path}/export`, { recordings: what.querySelector('select').value });
      dialog.close();
      say(t('privacy.download'));
      location.href = made.url;
    });
  };
  const erase = el('button', { class: 'text', testid: 'erase' }, icon('close'), t('privacy.erase'));
  erase.onclick = () => {
    const name = el('input', { name: 'name', testid: 'erase-name', autocomplete: 'off', required: true });
    const go = el('button', { class: 'danger wide', disabled: true, testid: 'erase-sure' }, t('privacy.eraseSure', { name: b.name }));
    name.addEventListener('input', () => { go.disabled = name.value.trim() !== b.name.trim(); });
    const dialog = open(dialogs, [el('h2', { id: 'dialog-title' }, t('privacy.eraseTitle', { name: b.name })), el('p', {}, t('privacy.eraseText')),
      el('label', {}, el('span', {}, t('privacy.typeName', { name: b.name })), name), go]);
    go.onclick = () => { dialog.close(); attempt(error, erase, async () => { await api.post(`${path}/erase`); await refresh(); }); };
    name.focus();
  };
  return [el('p', { class: 'muted' }, t('privacy.text')), el('div', { class: 'actions' }, api.may('POST /buyers/{id}/export') && copy, api.may('POST /buyers/{id}/erase') && erase), error, dialogs];
}

/** How an erasure stands. */
function erased(e) {
  if (e.state === 'erasing') {
    return [el('p', { testid: 'erasure', data: { state: e.state } }, t('privacy.erasing', { at: dateTime(e.ordered_at) })), e.error && el('p', { class: 'error', role: 'status' }, t('privacy.trouble'))].filter(Boolean);
  }
  const p = e.proof ?? {};
  return [el('p', { testid: 'erasure', data: { state: e.state } }, icon('check'), ' ', t('privacy.erased', { at: dateTime(e.done_at) })),
    el('p', { class: 'muted' }, t('privacy.proof', { conferences: number(p.conferences ?? 0), files: number(p.files ?? 0), size: size(p.bytes ?? 0), events: number(p.events ?? 0) }))];
}
