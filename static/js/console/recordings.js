/** The recordings of all conferences. */
import { el, icon } from '../dom.js';
import { playable, poster, saving } from '../derived.js';
import { clock, dateTime, size, t } from '../text.js';
import { buyerFilter, dayFilters, pages } from './pages.js';
import { attempt, field, head, say, stateBadge } from './parts.js';
import { shares } from './shares.js';

const STATES = ['ready', 'recording', 'processing', 'failed', 'deleting', 'deleted'];

/** @param {import('./parts.js').Place} place */
export async function recordings({ api, show, signal }) {
  let buyer = '';
  const again = () => view.refresh(true);
  const state = field('state', t('console.state'), { options: [['', t('console.all')], ...STATES.map((s) => [s, t(`recording.state.${s}`)])] });
  const seller = field('seller', t('role.seller'), { options: [['', t('console.all')]] });
  const days = dayFilters(again);
  for (const f of [state, seller]) f.addEventListener('change', again);
  const view = pages({
    api, path: '/recordings', signal, testid: 'recordings',
    query: () => ({ state: state.querySelector('select').value, seller: seller.querySelector('select').value, buyer, ...days.query() }),
    rows: (data) => el('ul', { class: 'rows recordings' }, ...data.map((r) => row(r, { api, signal, changed: () => view.refresh() }))),
    empty: (filtered) => el('div', { class: 'empty', testid: 'empty' }, el('p', {}, t(filtered ? 'console.noneFound' : 'recordings.none'))),
  });
  show(head(t('recordings.title')), el('div', { class: 'filters' }, state, seller, api.may('GET /buyers') && buyerFilter({ api, signal, chosen: (id) => { buyer = id; again(); } }), ...days.nodes), view.list);
  api.all('/sellers').then((all) => seller.querySelector('select').append(...all.map((s) => el('option', { value: s.id }, s.name))), () => { /* the list says what is wrong */ });
  await view.run();
}

/** @param {any} r @param {{api: import('./api.js').API, signal: AbortSignal, changed: () => void}} o */
function row(r, { api, signal, changed }) {
  const path = `/conferences/${encodeURIComponent(r.conference)}`;
  const still = poster(r);
  const error = el('p', { class: 'error', role: 'alert', hidden: true });
  const watch = el('button', { class: 'primary small', testid: 'watch' }, icon('play'), t('console.watch'));
  watch.onclick = () => attempt(error, watch, async () => { location.href = (await api.get(`${path}/recording/watch`)).url; });
  const share = el('button', { class: 'plain small', testid: 'share' }, icon('link'), t('recordings.share'));
  const video = playable(r)[0];
  const file = video ? video.url : r.archive_url;
  const download = file && el('a', { class: 'button plain small', href: saving(file), download: '', testid: 'download' }, icon('download'), t('console.download'));
  const remove = el('button', { class: 'text', testid: 'delete' }, icon('close'), t('recordings.delete'));
  const dialogs = el('div');
  share.onclick = () => open(dialogs, [el('h2', { id: 'dialog-title' }, t('console.share')), el('p', { class: 'muted' }, r.subject), shares({ api, path, signal })]);
  remove.onclick = () => {
    const dialog = open(dialogs, [el('h2', { id: 'dialog-title' }, t('console.deleteTitle')), el('p', {}, el('strong', {}, named(r))), el('p', {}, t('console.deleteText', { n: r.files, size: size(r.bytes) })),
      el('button', { class: 'danger wide', testid: 'delete-sure', on: { click: () => { dialog.close(); attempt(error, remove, async () => { await api.delete(`${path}/recording`); say(t('recording.state.deleting')); changed(); }); } } }, t('console.deleteRecording'))]);
  };
  return el('li', { testid: 'recording-row', data: { id: r.conference, state: r.state } }, el('div', { class: 'recording' },
    still ? el('img', { class: 'thumb', src: still.url, alt: '', loading: 'lazy' }) : el('span', { class: 'thumb' }, icon('play')),
    el('div', { class: 'grow' }, el('a', { href: `#/conferences/${r.conference}` }, el('strong', {}, r.subject || t('console.noSubject'))),
      el('span', { class: 'muted' }, t('invitation.people', { seller: r.seller.name, buyer: r.buyer.name || t('buyer.erased') })),
      el('span', { class: 'muted' }, el('time', { dateTime: r.recorded_at }, dateTime(r.recorded_at)), r.files > 0 && ` · ${clock(r.duration_ms / 1000)} · ${size(r.bytes)}`, r.shares > 0 && ` · ${t('recordings.shares', { n: r.shares })}`)),
    stateBadge(r.state, 'recording.state'),
    el('div', { class: 'actions' }, r.files > 0 && watch, download,
      r.files > 0 && api.may('POST /conferences/{conference}/recording/links') && share, r.deletable && api.may('DELETE /conferences/{conference}/recording') && remove), error), dialogs);
}

const named = (r) => `${r.subject || t('console.noSubject')} · ${dateTime(r.recorded_at)}`;

/** A dialog with a way out. @param {HTMLElement} place @param {Node[]} nodes @returns {any} */
export function open(place, nodes) {
  const close = el('button', { class: 'plain wide', type: 'button', testid: 'dialog-close' }, t('close'));
  const dialog = el('dialog', { 'aria-labelledby': 'dialog-title', testid: 'dialog' }, el('div', { class: 'card stack' }, ...nodes, close));
  close.onclick = () => dialog.close();
  dialog.onclose = () => dialog.remove();
  place.append(dialog);
  dialog.showModal();
  return dialog;
}
