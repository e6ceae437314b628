/**
 * The reference client of the Showroom protocol (docs/protocol.md), version 1.
 *
 *     import { Showroom } from './showroom.js';
 *     const room = new Showroom();
 *     room.addEventListener('tracks', () => show(room.received));
 *     await room.join('wss://host/ws', token);
 *     await room.publish('camera', track);
 *
 * Every event is a CustomEvent; `detail` is the server's message unless said otherwise:
 * `state` ({state}), `welcome`, `admitted`, `joined`, `changed`, `left` (with the full participant as `who`), `knock`,
 * `knock_gone`, `minutes`, `recording`, `chat`, `tracks` (read `received`), `quality` ({levels, own}),
 * `retry` ({attempt, wait_ms}), `problem` (a ShowroomError of something not asked for), `bye` ({reason, message}).
 * A message type this client does not know is dispatched as `message`.
 */
import { ShowroomError } from './errors.js';
import { Media } from './media.js';
import { Quality, worse } from './quality.js';
import { Signal } from './signal.js';

export { ShowroomError } from './errors.js';
export { Devices, canChooseSpeaker, canShareScreen, meter } from './devices.js';

/** @typedef {import('./media.js').Source} Source */
/** @typedef {import('./media.js').Received} Received */
/** @typedef {{id: string, role: 'seller'|'buyer'|'guest', name: string, state: 'knocking'|'present'|'reconnecting', audio: boolean, video: boolean, screen: boolean}} Participant */
/** @typedef {{remaining_seconds: number, level: 'ok'|'most'|'low'|'last'|'out', limit?: 'month'|'conference'}} Minutes */
/** @typedef {{state: 'off'|'on'|'failed', participants: string[], message?: string}} Recording */
/** @typedef {{n: number, participant: string, name: string, text: string, at: string}} Chat */
/** @typedef {{accepted: boolean, text: string, language: string, version?: string}} Consent */
/** @typedef {'idle'|'connecting'|'knocking'|'joined'|'reconnecting'|'ended'} State */

export class Showroom extends EventTarget {
  /** @type {Signal|null} */ #signal = null;
  /** @type {Media|null} */ #media = null;
  /** @type {Quality|null} */ #quality = null;
  /** @type {Map<Source, MediaStreamTrack>} */ #published = new Map();
  #live = { audio: false, video: false, screen: false };
  /** @type {Consent|null} */ #consent = null;
  #told = false; // whether the server has the consent
  /** @type {import('./quality.js').Level|undefined} */ #own;

  /** @type {State} */ state = 'idle';
  /** This participant, once welcomed. @type {Participant|null} */ you = null;
  /** The others, by id. @type {Map<string, Participant>} */ participants = new Map();
  /** Who waits at the door, by id (seller side). @type {Map<string, Participant>} */ knocking = new Map();
  /** @type {any} */ conference = null;
  /** By how much the server's clock is ahead of this one, ms; times of the conference are the server's. */
  skew = 0;
  /** @type {Minutes|null} */ minutes = null;
  /** @type {Recording} */ recording = { state: 'off', participants: [] };
  /** @type {Chat[]} */ messages = [];
  /** Connection quality by participant id. @type {Record<string, import('./quality.js').Level>} */ levels = {};
  /** How long the server keeps this session after its socket broke, seconds. */
  resumeSeconds = 30;

  /** The secret with which a reloaded page joins as the same session; changes with every welcome. */
  get resume() { return this.#signal?.resume ?? ''; }

  /** What is received now: tracks with their participant and source. @returns {Received[]} */
  get received() { return this.#media?.received ?? []; }

  /** The PeerConnection of now, for statistics; null before admission. */
  get pc() { return this.#media?.pc ?? null; }

  /** What `state` last told the others. */
  get live() { return { ...this.#live }; }

  /**
   * Joins a conference. Resolves when the server welcomed this side, who may still be knocking.
   * @param {string} url address of the server's /ws
   * @param {string} token the part after # of the access link
   * @param {{resume?: string, takeover?: boolean}} [options]
   * @returns {Promise<any>} the welcome; rejected with a ShowroomError
   */
  async join(url, token, options = {}) {
    if (this.#signal) throw new ShowroomError('already_joined_here', 'this object has joined already; make a new one');
    const signal = new Signal(url);
    this.#signal = signal;
    signal.consent = this.#consent;
    signal.addEventListener('welcome', (e) => this.#welcomed(/** @type {CustomEvent} */ (e).detail));
    signal.addEventListener('message', (e) => this.#received(/** @type {CustomEvent} */ (e).detail));
    signal.addEventListener('down', () => this.#enter('reconnecting'));
    signal.addEventListener('retry', (e) => this.#tell('retry', /** @type {CustomEvent} */ (e).detail));
    signal.addEventListener('end', (e) => {
      const { code, message } = /** @type {CustomEvent} */ (e).detail;
      this.#finish({ reason: code === 'network' ? 'lost' : code, message });
    });
    this.#enter('connecting');
    try {
      return await signal.open(token, options);
    } catch (err) {
      this.#shut();
      this.#enter('ended');
      throw err;
    }
  }

  /**
   * Sends a track, or another one in its place. May be called before joining. Tells the others what is live.
   * @param {Source} source
   * @param {MediaStreamTrack} track stays the caller's to stop
   */
  async publish(source, track) {
    this.#published.set(source, track);
    await this.#media?.setTrack(source, track);
    this.#mark(source, track.enabled);
  }

  /** Stops sending. @param {Source} source */
  async unpublish(source) {
    this.#published.delete(source);
    await this.#media?.setTrack(source, null);
    this.#mark(source, false);
  }

  /**
   * Silences or blanks a published track without letting the device go, so that it is back at once.
   * @param {Source} source
   * @param {boolean} enabled
   */
  enable(source, enabled) {
    const track = this.#published.get(source);
    if (track) track.enabled = enabled;
    this.#mark(source, enabled && Boolean(track));
  }

  /**
   * Says whether this person may be recorded, with the words that were shown and their version. May be said again at any time, the last
   * answer counts; before joining it goes with the join, and during a break of the connection as soon as it is back.
   * @param {boolean} accepted
   * @param {string} text
   * @param {string} language
   * @param {string} [version]
   */
  consent(accepted, text, language, version) {
    this.#consent = { accepted, text, language, version };
    if (this.#signal) this.#signal.consent = this.#consent;
    this.#told = (this.state === 'joined' || this.state === 'knocking') && Boolean(this.#signal?.send('consent', this.#consent));
  }

  /** The last answer given here. @returns {Consent|null} */
  get answered() { return this.#consent && { ...this.#consent }; }

  /** Lets a knocking participant in. @param {string} participant */
  admit(participant) { this.#answerKnock('admit', participant); }

  /** Turns a knocking participant away. @param {string} participant */
  deny(participant) { this.#answerKnock('deny', participant); }

  /** Puts a participant out of the call. @param {string} participant */
  remove(participant) { this.#signal?.send('remove', { participant }); }

  /** Ends the call for everybody (seller side). */
  end() { this.#signal?.send('end'); }

  /**
   * Writes to everybody. The text comes back as a `chat` event.
   * @param {string} text 1 to 2000 characters
   * @returns {boolean} false when there is no connection now
   */
  say(text) { return this.#signal?.send('chat', { text }) ?? false; }

  /** Leaves the call. The `bye` event follows at once. */
  leave() {
    this.#signal?.send('leave');
    this.#finish({ reason: 'left', message: '' });
  }

  /** Drops the socket and comes back with resume; for tests and for hosts that know the network changed. */
  reconnect() { this.#signal?.drop(); }

  #welcomed(m) {
    const again = this.you !== null;
    this.you = m.you;
    this.minutes = m.minutes ?? this.minutes;
    this.resumeSeconds = m.resume_seconds ?? 30;
    this.#take(m);
    if (!this.#media) this.#prepare(m.ice_servers ?? []);
    const inside = m.you.state !== 'knocking';
    this.#enter(inside ? 'joined' : 'knocking');
    this.#tell('welcome', m);
    if (inside) this.#inside(again && m.resumed, again);
  }

  /** After admission: consent, what is live, and the offer. */
  #inside(resumed, again) {
    if (this.#consent && (!resumed || !this.#told)) this.#told = this.#signal.send('consent', this.#consent);
    this.#signal.send('state', this.#live);
    if (again) this.#media.resume(resumed); else this.#media.start();
    this.#quality.start();
  }

  #prepare(iceServers) {
    this.#media = new Media(this.#signal, iceServers);
    for (const [source, track] of this.#published) this.#media.setTrack(source, track);
    this.#media.addEventListener('tracks', () => this.#tell('tracks', this.received));
    this.#media.addEventListener('connection', (e) => this.#tell('connection', /** @type {CustomEvent} */ (e).detail));
    this.#media.addEventListener('failed', (e) => this.#tell('problem', /** @type {CustomEvent} */ (e).detail));
    this.#quality = new Quality(() => this.pc);
    this.#quality.addEventListener('quality', (e) => {
      const own = /** @type {CustomEvent} */ (e).detail;
      this.#own = own.level;
      this.#tell('quality', { levels: this.#merged(), own });
    });
  }

  /** participants, recording and chat, as in `welcome` and `admitted`. */
  #take(m) {
    this.participants.clear();
    this.knocking.clear();
    for (const p of m.participants ?? []) (p.state === 'knocking' ? this.knocking : this.participants).set(p.id, p);
    if (m.recording) this.recording = m.recording;
    if (m.chat) this.messages = m.chat;
    this.#know(m.conference);
  }

  #know(conference) {
    if (!conference) return;
    this.conference = conference;
    if (conference.now) this.skew = Date.parse(conference.now) - Date.now();
  }

  #received(m) {
    switch (m.type) {
      case 'admitted':
        this.you.state = 'present';
        this.#take(m);
        this.#enter('joined');
        this.#tell('admitted', m);
        this.#inside(false, false);
        return;
      case 'bye': this.#finish(m); return;
      case 'error': this.#tell('problem', new ShowroomError(m.code, m.message)); return;
      case 'slots': this.#media?.assign(m.slots ?? []); return;
      case 'need_slots': this.#media?.addSlots(m.audio, m.video); return;
      case 'candidate': this.pc?.addIceCandidate({ candidate: m.candidate, sdpMid: m.mid, sdpMLineIndex: m.line }).catch(() => {}); return;
      case 'left': m.who = this.participants.get(m.participant); this.participants.delete(m.participant); break;
      case 'joined':
      case 'changed':
        this.#know(m.conference);
        if (m.participant.id === this.you.id) this.you = m.participant;
        else { this.participants.set(m.participant.id, m.participant); this.knocking.delete(m.participant.id); }
        break;
      case 'knock': this.knocking.set(m.participant.id, m.participant); break;
      case 'knock_gone': this.knocking.delete(m.participant); break;
      case 'minutes': this.minutes = m; break;
      case 'recording': this.recording = m; break;
      case 'chat': this.messages = [...this.messages, m].slice(-500); break;
      case 'quality': Object.assign(this.levels, m.levels); this.#tell('quality', { levels: this.#merged(), own: null }); return;
      default: this.#tell('message', m); return;
    }
    this.#tell(m.type, m);
  }

  #answerKnock(type, participant) {
    if (this.#signal?.send(type, { participant })) this.knocking.delete(participant);
  }

  #merged() {
    return this.you && this.#own ? { ...this.levels, [this.you.id]: worse(this.levels[this.you.id], this.#own) } : { ...this.levels };
  }

  #mark(source, on) {
    const key = { mic: 'audio', camera: 'video', screen: 'screen' }[source];
    if (!key) return;
    this.#live[key] = on;
    if (this.state === 'joined') this.#signal?.send('state', this.#live);
    this.#tell('live', this.live);
  }

  #finish(bye) {
    if (this.state === 'ended') return;
    this.#shut();
    this.#enter('ended');
    this.#tell('bye', { reason: bye.reason, message: bye.message ?? '' });
  }

  #shut() {
    this.#quality?.stop();
    this.#media?.close();
    this.#signal?.close();
  }

  #enter(state) {
    if (this.state === state || this.state === 'ended') return;
    this.state = state;
    this.#tell('state', { state });
  }

  #tell(type, detail) { this.dispatchEvent(new CustomEvent(type, { detail })); }
}
