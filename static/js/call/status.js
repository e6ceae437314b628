/** What the call's page says about itself: timer, minutes, recording, quality, banner, toasts and knocks. */
import { byID, el } from '../dom.js';
import { clock, number, t } from '../text.js';

const TOAST_MS = 6_000;

/** A short message that goes away. @param {string} text @param {boolean} [warn] */
export function toast(text, warn = false) {
  const p = el('p', { class: warn ? 'warn' : '' }, text);
  byID('toasts').append(p);
  setTimeout(() => p.remove(), warn ? TOAST_MS * 2 : TOAST_MS);
}

/** A message that stays until it is no longer true; empty hides it. @param {string} text */
export function banner(text) {
  const e = byID('banner');
  if (e.textContent !== text) e.textContent = text;
  e.hidden = !text;
}

/** Seconds since both sides are there. @param {string|undefined} since @param {number} [skew] ms that the server's clock is ahead */
export function timer(since, skew = 0) {
  const seconds = since ? Math.max(0, (Date.now() + skew - new Date(since).getTime()) / 1000) : 0;
  byID('timer').textContent = since ? clock(seconds) : '';
  return seconds;
}

/**
 * The seller's minutes; the buyer sees only the last ones.
 * @param {import('../../sdk/showroom.js').Minutes|null} minutes
 * @param {boolean} seller
 * @param {number} spent seconds since the figure came, while the clock runs
 */
export function showMinutes(minutes, seller, spent) {
  const e = byID('minutes');
  e.hidden = !minutes || (!seller && !['last', 'out'].includes(minutes.level));
  if (e.hidden) return;
  const left = Math.max(0, minutes.remaining_seconds - spent);
  e.className = `badge ${minutes.level}`;
  e.dataset.seconds = String(Math.floor(left));
  e.textContent = left < 600 ? t('call.left', { time: clock(left) }) : t('call.minutes', { n: number(Math.floor(left / 60)) });
}

/** @param {import('../../sdk/showroom.js').Recording} recording @param {string} own participant id */
export function showRecording(recording, own) {
  const e = byID('recording');
  e.hidden = recording.state === 'off';
  e.dataset.state = recording.state;
  e.classList.toggle('failed', recording.state === 'failed');
  e.textContent = t(recording.state === 'failed' ? 'call.recFailed' : 'call.rec');
  const mine = recording.participants?.includes(own);
  e.title = recording.state === 'on' ? t(mine ? 'call.recYou' : 'call.recNotYou') : recording.message ?? '';
}

/** @param {string|undefined} level */
export function showQuality(level) {
  const e = byID('quality');
  e.dataset.level = level ?? '';
  const text = t(`quality.${level ?? 'unknown'}`);
  e.setAttribute('aria-label', text);
  e.title = text;
}

/**
 * One card for everybody at the door.
 * @param {Iterable<import('../../sdk/showroom.js').Participant>} knocking
 * @param {(id: string) => void} admit
 * @param {(id: string) => void} deny
 */
export function showKnocks(knocking, admit, deny) {
  const box = byID('knocks');
  const known = new Map([...box.children].map((c) => [c.dataset.participant, c]));
  for (const p of knocking) {
    if (known.delete(p.id)) continue;
    box.append(el('div', { class: 'knock', testid: 'knock', data: { participant: p.id } },
      el('strong', {}, t('knock.text', { name: p.name })),
      el('div', {},
        el('button', { class: 'primary', type: 'button', testid: 'admit', on: { click: () => admit(p.id) } }, t('knock.admit')),
        el('button', { class: 'plain', type: 'button', testid: 'deny', on: { click: () => deny(p.id) } }, t('knock.deny')))));
  }
  for (const gone of known.values()) gone.remove();
}
