/** Where a recording's files are, until when they are kept, and the button that deletes them. */
import { el, icon } from '../dom.js';
import { dateTime, number, size, t } from '../text.js';
import { attempt, poll } from './parts.js';

const TROUBLES = ['store_unavailable', 'store_denied', 'store_full', 'store_corrupts'];

/** @param {string} error a word of the API */
const trouble = (error) => t(TROUBLES.includes(error) ? `storage.${error}` : 'storage.failed');

/** Where the files are. @param {any} rec @returns {Node[]} */
export function storage(rec) {
  const s = rec.storage;
  if (!s || s.state === 'none') return [];
  const share = s.bytes ? Math.min(1, s.sent_bytes / s.bytes) : 0;
  const nodes = [el('p', { class: 'muted', testid: 'storage', data: { state: s.state } },
    t(`storage.${s.state}`, { sent: size(s.sent_bytes), total: size(s.bytes), percent: number(share, { style: 'percent' }) }))];
  if (s.state === 'uploading' || s.state === 'waiting') {
    const fill = el('span');
    fill.style.width = `${share * 100}%`;
    nodes.push(el('div', { class: 'bar', role: 'progressbar', 'aria-valuemin': '0', 'aria-valuemax': '100', 'aria-valuenow': String(Math.round(share * 100)), 'aria-label': t('storage.progress') }, fill));
  }
  if (s.error) {
    nodes.push(el('div', { class: 'note bad', role: 'status', testid: 'storage-error', data: { error: s.error } }, icon('alert'),
      el('div', {}, el('strong', {}, trouble(s.error)), el('span', {}, s.next_try_at ? t('storage.next', { n: number(s.failures), at: dateTime(s.next_try_at) }) : t('storage.trying')))));
  }
  if (rec.keep_until) nodes.push(el('p', { class: 'muted', testid: 'keep-until' }, t('console.keepUntil', { at: dateTime(rec.keep_until) })));
  return nodes;
}

/**
 * The button that deletes, with a question before it does.
 * @param {{api: import('./api.js').API, path: string, rec: any, conference: any, error: HTMLElement, changed: () => void}} o
 * @returns {Node[]}
 */
export function deletion({ api, path, rec, conference, error, changed }) {
  if (!['finished', 'cancelled'].includes(conference.state) || !api.may('DELETE /conferences/{conference}/recording')) return [];
  const sure = el('button', { class: 'danger wide', value: 'delete', testid: 'delete-sure' }, t('console.deleteRecording'));
  const dialog = el('dialog', { 'aria-labelledby': 'delete-title', testid: 'delete-dialog' }, el('form', { method: 'dialog', class: 'card' },
    el('h2', { id: 'delete-title' }, t('console.deleteTitle')), el('p', {}, t('console.deleteText', { n: number(rec.files.length), size: size(rec.files.reduce((sum, f) => sum + f.size, 0)) })),
    sure, el('button', { class: 'plain wide', value: '', autofocus: true }, t('console.deleteKeep'))));
  const button = el('button', { class: 'text', testid: 'delete-recording' }, icon('close'), t('console.deleteRecording'));
  button.onclick = () => { dialog.returnValue = ''; dialog.showModal(); };
  dialog.onclose = () => {
    if (dialog.returnValue === 'delete') attempt(error, button, async () => { await api.delete(`${path}/recording`); changed(); });
  };
  return [el('div', { class: 'actions' }, button), dialog];
}

/** Tells the operator that recordings do not get where they should be. @param {import('./api.js').API} api @param {AbortSignal} signal */
export function storageBanner(api, signal) {
  const box = el('div', { class: 'note bad', role: 'status', testid: 'storage-banner', hidden: true }, icon('alert'));
  const text = el('div');
  box.append(text);
  poll(signal, 15_000, async () => {
    try {
      const s = await api.get('/storage');
      box.hidden = !s.failing;
      if (s.failing) text.replaceChildren(el('strong', {}, trouble(s.error)), el('span', {}, t('storage.behind', { n: number(s.failing), since: dateTime(s.failing_since) })));
    } catch { /* the list says what is wrong */ }
  });
  return box;
}
