/** The recording of a conference: watch, share, download. */
import { el, icon } from '../dom.js';
import { clock, dateTime, size, t } from '../text.js';
import { copyButton } from './links.js';
import { stateBadge, words } from './parts.js';
import { deletion } from './storage.js';

const sourceOf = (f) => t(f.source?.includes('screen') ? 'source.screen' : 'source.camera');

/** @param {{api: import('./api.js').API, path: string, rec: any, conference: any, where: Node, changed: () => void}} o where: what says where the files are; changed: told after a deletion was ordered @returns {Node[]} */
export function recordingCard({ api, path, rec, conference, where, changed }) {
  const top = el('header', {}, el('h2', {}, t('console.recording')), stateBadge(rec.state, 'recording.state'));
  const files = rec.files ?? [];
  if (rec.deletion) return [top, where, deletedWords(rec.deletion)];
  if (!files.length) return [top, where, el('p', { class: 'muted' }, t(conference.recording === 'off' ? 'console.recordOff' : `console.recording.${rec.state === 'none' ? 'none' : 'soon'}`))];
  const shared = el('div', { class: 'stack' });
  const error = el('p', { class: 'error', role: 'alert', hidden: true });
  const attempt = async (b, f) => {
    b.disabled = true;
    error.hidden = true;
    try { await f(); } catch (err) { error.textContent = words(err); error.hidden = false; }
    b.disabled = false;
  };
  const link = (seconds) => api.post(`${path}/recording/links`, { expires_in_seconds: seconds });
  const watch = el('button', { class: 'primary', testid: 'watch' }, icon('play'), t('console.watch'));
  watch.onclick = () => attempt(watch, async () => { location.href = (await api.get(`${path}/recording/watch`)).url; });
  const share = el('button', { class: 'plain', testid: 'share-recording' }, icon('link'), t('console.share'));
  share.onclick = () => attempt(share, async () => {
    const made = await link(86_400);
    shared.replaceChildren(el('div', { class: 'link' }, el('span', { class: 'muted' }, t('console.validUntil', { at: dateTime(made.expires_at) })),
      el('div', { class: 'url' }, el('input', { readOnly: true, value: made.url, testid: 'share-url', 'aria-label': t('console.address') }), copyButton(made.url))));
  });
  return [top, el('p', { class: 'muted', testid: 'recording-length' }, clock((rec.duration_ms ?? 0) / 1000)),
    el('div', { class: 'actions' }, api.may('GET /conferences/{conference}/recording/watch') && watch, api.may('POST /conferences/{conference}/recording/links') && share), error, shared,
    el('ul', { class: 'files' }, ...files.map((f) => el('li', { testid: 'file', data: { name: f.name } },
      el('span', {}, el('strong', {}, f.participant_name || f.participant), el('span', { class: 'muted' }, ` ${sourceOf(f)} · ${clock(f.duration_ms / 1000)} · ${size(f.size)}`)),
      f.url && el('a', { class: 'button plain small', href: f.url, download: f.name, 'aria-label': `${t('console.download')} ${f.participant_name} ${sourceOf(f)}` }, icon('download'))))),
    where, ...deletion({ api, path, rec, conference, attempt, changed })];
}

/** Who had it deleted, and when. */
function deletedWords(d) {
  return el('p', { class: 'muted', testid: 'deleted' }, t(d.reason === 'retention' ? 'console.deletedByRetention' : 'console.deletedOnDemand', { at: dateTime(d.done_at ?? d.ordered_at), by: d.by }));
}
