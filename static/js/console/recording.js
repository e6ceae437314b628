/** The recording of a conference: watch, share, download. */
import { el, icon } from '../dom.js';
import { clock, dateTime, size, t } from '../text.js';
import { attempt, stateBadge } from './parts.js';
import { accesses, shareButton } from './shares.js';
import { deletion } from './storage.js';

const sourceOf = (f) => t(f.source?.includes('screen') ? 'source.screen' : 'source.camera');

/**
 * The card, in the order of what one wants of it: watching and sharing, the files with where they are, who has seen it, and deleting at the end.
 * @param {{api: import('./api.js').API, path: string, rec: any, conference: any, where: Node, made: Node, signal: AbortSignal, changed: () => void}} o where: what says where the files are;
 *   made: what was made of them; changed: told after a deletion was ordered
 * @returns {Node[]}
 */
export function recordingCard({ api, path, rec, conference, where, made, signal, changed }) {
  const top = el('header', {}, el('h2', {}, t('console.recording')), stateBadge(rec.state, 'recording.state'));
  const files = rec.files ?? [];
  if (rec.deletion) return [top, where, deletedWords(rec.deletion), accesses({ api, path, signal })];
  if (!files.length) return [top, where, el('p', { class: 'muted' }, t(conference.recording === 'off' ? 'console.recordOff' : `console.recording.${rec.state === 'none' ? 'none' : 'soon'}`))];
  const error = el('p', { class: 'error', role: 'alert', hidden: true });
  const watch = el('button', { class: 'primary', testid: 'watch' }, icon('play'), t('console.watch'));
  watch.onclick = () => attempt(error, watch, async () => { location.href = (await api.get(`${path}/recording/watch`)).url; });
  const [share, links] = shareButton({ api, path, signal });
  return [top, el('p', { class: 'muted', testid: 'recording-length' }, clock((rec.duration_ms ?? 0) / 1000)),
    el('div', { class: 'actions' }, api.may('GET /conferences/{conference}/recording/watch') && watch, api.may('POST /conferences/{conference}/recording/links') && share), error, links, made,
    el('ul', { class: 'files' }, ...files.map((f) => el('li', { testid: 'file', data: { name: f.name } },
      el('span', {}, el('strong', {}, f.participant_name || f.participant), el('span', { class: 'muted' }, ` ${sourceOf(f)} · ${clock(f.duration_ms / 1000)} · ${size(f.size)}`)),
      f.url && el('a', { class: 'button plain small', href: f.url, download: f.name, 'aria-label': `${t('console.download')} ${f.participant_name} ${sourceOf(f)}` }, icon('download'))))),
    where, accesses({ api, path, signal }), ...deletion({ api, path, rec, conference, error, changed })];
}

/** Who had it deleted, and when. */
function deletedWords(d) {
  const why = { retention: 'console.deletedByRetention', erasure: 'console.deletedByErasure' };
  return el('p', { class: 'muted', testid: 'deleted' }, t(why[d.reason] ?? 'console.deletedOnDemand', { at: dateTime(d.done_at ?? d.ordered_at), by: d.by }));
}
