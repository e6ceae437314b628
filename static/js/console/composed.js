/** What was made of a recording after the call: a still, previews, one video, the sound, everything as one archive. */
import { el, icon } from '../dom.js';
import { derivedName, playable, poster, saving } from '../derived.js';
import { language, size, t } from '../text.js';
import { words } from './parts.js';

/**
 * @param {{rec: any, compose: (() => Promise<void>)|null}} o compose asks the server for it; null: who looks may not
 * @returns {Node[]}
 */
export function composed({ rec, compose }) {
  const made = rec.composition ?? { state: 'none' };
  const still = poster(rec);
  const strip = (rec.derived ?? []).find((d) => d.kind === 'strip');
  const files = [...playable(rec).map((d) => save(d.kind, derivedName(d), saving(d.url), size(d.size))),
    rec.archive_url && save('archive', t('composed.archive'), saving(rec.archive_url), '')].filter(Boolean);
  if (!files.length && made.state === 'none') return [];
  return [
    still && el('img', { class: 'poster', src: still.url, alt: t('composed.poster'), width: still.width, height: still.height, testid: 'poster' }),
    strip && el('img', { class: 'strip', src: strip.url, alt: t('composed.strip'), width: strip.width, height: strip.height, loading: 'lazy', testid: 'strip' }),
    ...status(made, compose),
    files.length > 0 && el('div', { class: 'actions' }, ...files),
    made.left_out?.length > 0 && el('p', { class: 'muted' }, t('composed.leftOut', { files: made.left_out.join(', ') })),
  ].filter(Boolean);
}

function save(kind, text, url, bytes) {
  return el('a', { class: 'button plain small', href: url, download: '', testid: `save-${kind}` }, icon('download'), text, bytes && el('span', { class: 'muted' }, bytes));
}

/** Where the making stands, with the button that fits. */
function status(made, compose) {
  if (made.state === 'composing') {
    const percent = new Intl.NumberFormat(language(), { style: 'percent' }).format(made.progress);
    const text = t('composed.composing', { percent });
    const bar = el('div', { class: 'bar', role: 'progressbar', 'aria-label': text, 'aria-valuemin': '0', 'aria-valuemax': '100', 'aria-valuenow': String(Math.round(made.progress * 100)) }, el('span'));
    bar.firstElementChild.style.width = `${made.progress * 100}%`;
    return [el('p', { class: 'muted', testid: 'composing', data: { state: made.state } }, text), bar];
  }
  if (made.state === 'ready') return [el('p', { class: 'offscreen', testid: 'composing', data: { state: made.state } }, t('composed.ready'))];
  const button = el('button', { class: 'plain small', testid: 'compose' }, t(made.state === 'failed' ? 'composed.retry' : 'composed.make'));
  const error = el('p', { class: 'error', role: 'alert', hidden: true });
  button.onclick = async () => {
    button.disabled = true;
    try { await compose(); } catch (err) { error.textContent = words(err); error.hidden = false; button.disabled = false; }
  };
  const text = el('p', { class: made.state === 'failed' ? 'error' : 'muted', testid: 'composing', data: { state: made.state } }, t(`composed.is.${made.state}`, { reason: made.reason ?? '' }));
  return compose && (made.state === 'failed' || made.state === 'none') ? [text, el('div', { class: 'actions' }, button), error] : [text];
}
