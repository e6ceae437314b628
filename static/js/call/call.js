/** The call's page: it listens to the room and draws; everything it starts is stopped by stop(). */
import { byID } from '../dom.js';
import { t } from '../text.js';
import { chatPanel } from './chat.js';
import { chime } from './chime.js';
import { consentButton, recordingNews } from './consent.js';
import { controls } from './controls.js';
import { Ears } from './ears.js';
import { banner, showKnocks, showMinutes, showQuality, showRecording, timer, toast } from './status.js';
import { Stage } from './tiles.js';

const WARNED = new Set(['most', 'low', 'last']);

/**
 * @param {import('../../sdk/showroom.js').Showroom} room
 * @param {import('../join/own.js').Own} own
 * @param {(answer: import('../../sdk/showroom.js').Consent) => void} onAnswer told when consent to be recorded is taken back or given
 * @returns {{stop: () => number}} stop gives the seconds the call lasted
 */
export function callPage(room, own, onAnswer) {
  const seller = room.you.role === 'seller';
  const stage = new Stage(byID('stage'));
  const ears = new Ears();
  const chat = chatPanel(room, toast);
  const bar = controls(room, own, { toggleChat: chat.toggle, speak: (id) => ears.speak(id).catch(() => toast(t('device.speakerFailed'), true)) });
  const consent = consentButton(room, onAnswer);
  let minutesAt = Date.now();
  let seconds = 0;

  /** @returns {import('./tiles.js').Face[]} */
  function faces() {
    const { you, participants, received } = room;
    const find = (id, source) => received.find((r) => r.participant === id && r.source === source)?.track ?? null;
    const face = (p, source, self, track, muted) => ({ key: `${p.id}:${source}`, id: p.id, name: p.name, role: p.role, self, source, track, muted, away: !self && p.state === 'reconnecting' });
    const list = [face(you, 'camera', true, own.devices.track('camera'), !own.isOn('mic'))];
    for (const p of participants.values()) {
      list.push(face(p, 'camera', false, p.video ? find(p.id, 'camera') : null, !p.audio));
      const screen = p.screen ? find(p.id, 'screen') : null;
      if (screen) list.push(face(p, 'screen', false, screen, false));
    }
    return list;
  }

  function render() {
    const c = room.conference;
    byID('call-title').textContent = c.subject || (seller ? c.buyer.name : c.seller.name);
    const [waits] = room.knocking.values();
    document.title = `${waits ? t('knock.text', { name: waits.name }) : seller ? c.buyer.name : c.seller.name} · Showroom`;
    stage.render(faces());
    ears.render(room.received);
    showRecording(room.recording, room.you.id);
    consent.render();
    showKnocks(room.knocking.values(), (id) => { room.admit(id); render(); }, (id) => { room.deny(id); render(); });
    tick();
    state();
  }

  /** Draws again what keeps its words otherwise. */
  function translate() {
    byID('knocks').replaceChildren();
    chat.render();
    render();
  }

  function tick() {
    if (both()) seconds = timer(room.conference.ongoing_since, room.skew); else if (seconds === 0) timer(undefined);
    showMinutes(room.minutes, seller, both() ? (Date.now() - minutesAt) / 1000 : 0);
  }

  /** Whether both sides are here, so that time and minutes run. */
  function both() {
    const here = [...room.participants.values()].filter((p) => p.state === 'present').map((p) => p.role);
    return seller ? here.some((r) => r !== 'seller') : here.includes('seller');
  }

  function state() {
    const alone = room.participants.size === 0;
    if (room.state === 'reconnecting') banner(t('call.reconnecting'));
    else if (room.pc && (room.pc.connectionState === 'disconnected' || room.pc.connectionState === 'failed')) banner(t('call.mediaLost'));
    else if (own.isOn('screen')) banner(t('call.sharing'));
    else if (alone && room.knocking.size === 0) banner(t('call.alone', { name: seller ? room.conference.buyer.name : room.conference.seller.name }));
    else banner('');
  }

  const on = {
    state: render, welcome: () => { minutesAt = Date.now(); chat.render(); render(); }, admitted: render, tracks: render, connection: state, live: render,
    joined: (m) => { toast(t('call.joined', { name: m.participant.name })); began(); render(); },
    changed: () => { began(); render(); },
    left: (m) => { if (m.who) toast(t(m.reason === 'lost' ? 'call.lost' : 'call.left.other', { name: m.who.name })); render(); },
    knock: () => { chime(); render(); }, knock_gone: render, recording: recorded, chat: chat.arrived,
    minutes: (m) => { minutesAt = Date.now(); warn(m); tick(); },
    quality: ({ levels, own: q }) => { showQuality(levels[room.you.id] ?? q?.level); if (q) bar.figures(q); },
    problem: (err) => toast(t(`code.${err.code}`) === `code.${err.code}` ? err.message : t(`code.${err.code}`), true),
  };

  /** The server says in welcome since when both are here; for who was first, it begins now. */
  function began() {
    if (both() && !room.conference.ongoing_since) room.conference.ongoing_since = new Date(Date.now() + room.skew).toISOString();
  }

  let recording = room.recording.state;
  let whom = new Set(room.recording.participants ?? []);
  /** Every consent brings the message again; only a change is worth saying. */
  function recorded() {
    const now = room.recording.state;
    for (const words of recordingNews(room, whom)) toast(words);
    whom = new Set(room.recording.participants ?? []);
    if (now !== recording && now === 'failed') toast(t('call.recFailedLong'), true);
    recording = now;
    render();
  }

  let warned = '';
  /** The figure comes every few seconds; only another level is worth saying. */
  function warn(m) {
    const now = `${m.level} ${m.limit}`;
    if (now === warned) return;
    warned = now;
    if (m.level === 'last' && !seller) toast(t('minutes.lastBuyer'), true);
    else if (WARNED.has(m.level)) toast(t(`minutes.${m.level}${m.limit === 'conference' ? 'Conference' : ''}`), true);
  }

  /** @type {[string, (e: any) => void][]} */
  const handlers = Object.entries(on).map(([type, f]) => [type, (e) => f(e.detail)]);
  for (const [type, f] of handlers) room.addEventListener(type, f);
  const lost = (e) => toast(t(`device.lost.${e.detail.source}`), true);
  own.addEventListener('change', render);
  own.addEventListener('lost', lost);
  document.addEventListener('languagechange', translate);
  const tap = byID('unmute-page');
  ears.addEventListener('blocked', () => { tap.hidden = false; });
  ears.addEventListener('playing', () => { tap.hidden = true; });
  tap.onclick = () => ears.resume();
  const timerID = setInterval(tick, 1000);
  const unlock = stayAwake();
  showQuality(undefined);
  began();
  render();

  return {
    stop() {
      clearInterval(timerID);
      unlock();
      for (const [type, f] of handlers) room.removeEventListener(type, f);
      own.removeEventListener('change', render);
      own.removeEventListener('lost', lost);
      document.removeEventListener('languagechange', translate);
      bar.stop();
      consent.stop();
      stage.clear();
      ears.clear();
      byID('knocks').replaceChildren();
      byID('toasts').replaceChildren();
      return seconds;
    },
  };
}

/** Keeps the screen on during the call where the browser can. @returns {() => void} ends it */
function stayAwake() {
  let lock = null;
  const ask = async () => {
    if (document.visibilityState !== 'visible') return;
    try { lock = await /** @type {any} */ (navigator).wakeLock?.request('screen'); } catch { /* a low battery refuses */ }
  };
  document.addEventListener('visibilitychange', ask);
  ask();
  return () => {
    document.removeEventListener('visibilitychange', ask);
    lock?.release().catch(() => {});
  };
}
