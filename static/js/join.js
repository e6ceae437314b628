/** The join page: loading → invitation → lobby → knocking → call → ended. */
import { Showroom } from '../sdk/showroom.js';
import { callPage } from './call/call.js';
import { byID, placeIcons } from './dom.js';
import { Door } from './join/door.js';
import { showEnded } from './join/ended.js';
import { fetchInvitation, showInvitation } from './join/invitation.js';
import { lobby } from './join/lobby.js';
import { Own } from './join/own.js';
import * as session from './join/session.js';
import { outside } from './join/outside.js';
import { tell } from './join/tell.js';
import { told } from './join/told.js';
import { begin, languageSwitch, suggest, t } from './text.js';

const PHASES = ['loading', 'invitation', 'lobby', 'knocking', 'call', 'ended'];
const token = location.hash.slice(1);
const own = new Own();

/** @type {any} */ let inv = null;
/** @type {any} */ let consent = null;
/** @type {Showroom|null} */ let room = null;
/** @type {{stop: () => number}|null} */ let page = null;
/** @type {Door|null} */ let door = null;
let stopTelling = () => {};
const around = outside(own, () => room);

function show(phase) {
  if (phase !== 'knocking') stopTelling();
  for (const p of PHASES) byID(p).hidden = p !== phase;
  document.body.dataset.phase = phase;
  around.phase(phase);
  const title = byID(phase).querySelector('h1[tabindex]');
  title?.focus({ preventScroll: true });
}

async function main() {
  begin();
  placeIcons();
  languageSwitch(byID('language'));
  window.addEventListener('hashchange', () => location.reload()); // another link was opened in this tab
  if (!token) return over('no_token');
  try {
    inv = await fetchInvitation(token);
  } catch (err) {
    return over(err.code, { rejoin: () => location.reload() });
  }
  suggest(inv.conference.language);
  document.title = `${inv.conference.subject} · Showroom`;
  const saved = session.load(inv.conference.id);
  if (saved) {
    own.wants = saved.wants;
    Object.assign(own.devices.chosen, saved.chosen);
  }
  if (session.isFresh(saved)) {
    consent = saved.consent;
    await own.start();
    return enter({ resume: saved.resume });
  }
  ahead();
  showInvitation(inv, token, door, toLobby);
  tell(inv, token, door);
  show('invitation');
}

/** What is before the call: the time, and what becomes of the plan. */
function ahead() {
  door = new Door(inv, token, [byID('countdown'), byID('lobby-early'), byID('knocking-countdown')]);
  door.addEventListener('gone', (e) => { if (!room) { own.stop(); over(/** @type {CustomEvent} */ (e).detail); } });
  door.addEventListener('change', () => suggest(inv.conference.language));
  door.start();
}

function toLobby() {
  if (!door) ahead();
  show('lobby');
  lobby(inv, own, door, (answer) => { consent = answer; enter(); });
}

/** Joins; the server's first answer decides what is shown. @param {{resume?: string, takeover?: boolean}} [options] */
async function enter(options = {}) {
  show('loading');
  const r = new Showroom();
  room = r;
  if (consent) r.consent(consent.accepted, consent.text, consent.language, consent.version);
  own.connect(r);
  around.follow(r);
  r.addEventListener('welcome', keep);
  r.addEventListener('state', () => follow(r));
  r.addEventListener('bye', (e) => gone(/** @type {CustomEvent} */ (e).detail.reason));
  try {
    await r.join(new URL('/ws', location.href).href.replace(/^http/, 'ws'), token, options);
  } catch (err) {
    session.forget(inv.conference.id);
    own.stop();
    room = null;
    if (err.code === 'consent_required') consent = null; // to be asked again
    if (err.code === 'too_early') return toLobby(); // where the time is shown
    over(err.code, { rejoin: again, takeover: () => again({ takeover: true }) });
  }
}

/** Shows the phase of the room's state. */
function follow(r) {
  if (r !== room) return;
  if (r.state === 'knocking') {
    page?.stop();
    page = null;
    knock();
  } else if (r.state === 'joined' && !page) {
    door?.stop();
    show('call');
    page = callPage(r, own, (answer) => { consent = answer; keep(); });
  } else if (r.state === 'reconnecting' && !page) {
    byID('knocking-text').textContent = t('call.reconnecting');
  }
}

function knock() {
  const seller = inv.conference.seller.name;
  const text = () => {
    byID('knocking-title').textContent = t('knocking.title', { seller });
    byID('knocking-text').textContent = t('knocking.text', { seller });
  };
  text();
  document.addEventListener('languagechange', text);
  byID('stop-knocking').onclick = () => room.leave();
  stopTelling();
  stopTelling = told(token, byID('knocking-told'));
  show('knocking');
}

/** Remembers the session for a reload. */
function keep() {
  if (!room || room.state === 'ended' || !room.resume) return;
  session.save(inv.conference.id, { resume: room.resume, at: Date.now(), seconds: room.resumeSeconds, consent, wants: own.wants, chosen: own.devices.chosen });
}

function gone(reason) {
  const seconds = page?.stop() ?? 0;
  page = null;
  session.forget(inv.conference.id);
  own.stop();
  if (reason === 'no_consent') consent = null; // to be asked again
  over(reason, { seconds, rejoin: again, takeover: () => again({ takeover: true }) });
}

/** Back in without the lobby, with the devices and the answer to recording of before. */
async function again(options) {
  show('loading');
  if (!consent && inv.conference.recording === 'on') return toLobby();
  await own.start();
  enter(options?.takeover ? { takeover: true } : {});
}

function over(code, options = {}) {
  door?.stop();
  door = null;
  room = null;
  showEnded(code, { ...options, rejoin: options.rejoin && (() => options.rejoin()) });
  show('ended');
  around.over(code, options.seconds ?? 0);
}

setInterval(keep, 5_000);
window.addEventListener('pagehide', keep);
main();
