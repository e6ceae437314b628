/**
 * The media of one participant: one RTCPeerConnection of which this side is the only offerer.
 * Sections are slots: the server says over signaling who is on which `mid`, without a new offer.
 *
 * Events (CustomEvent): `tracks` (the slots changed; read `received`), `connection`
 * ({state: "new" | "connecting" | "connected" | "disconnected" | "failed"}), `failed` (a ShowroomError).
 */
import { ShowroomError } from './errors.js';

/** @typedef {'mic'|'camera'|'screen'|'screen_audio'} Source */
/** @typedef {{mid: string, participant: string, source: Source, kind: 'audio'|'video'}} Slot */
/** @typedef {Slot & {track: MediaStreamTrack}} Received */

/**
 * The order of the first offer's sections, with what each may use (bits a second).
 * @type {Array<{source: Source, kind: string, encoding: RTCRtpEncodingParameters}>}
 */
const SECTIONS = [
  { source: 'mic', kind: 'audio', encoding: { maxBitrate: 64_000 } },
  { source: 'camera', kind: 'video', encoding: { maxBitrate: 1_800_000 } },
  { source: 'screen', kind: 'video', encoding: { maxBitrate: 2_500_000, maxFramerate: 15 } },
  { source: 'screen_audio', kind: 'audio', encoding: { maxBitrate: 96_000 } },
];

const DISCONNECTED_MS = 2_000; // how long ICE may heal by itself
const RESTART_MS = 8_000; // how long a restart may take before the next attempt

export class Media extends EventTarget {
  #signal;
  #iceServers;
  /** @type {RTCPeerConnection|null} */ #pc = null;
  /** @type {Map<Source, RTCRtpTransceiver>} */ #senders = new Map();
  /** @type {Map<Source, MediaStreamTrack>} */ #tracks = new Map();
  /** @type {Slot[]} */ #slots = [];
  #missing = { audio: 0, video: 0 };
  #negotiating = Promise.resolve();
  #waiting = false; // an offer is queued that will also carry what is asked for now
  #healer = 0;
  #restarts = 0;
  #closed = false;
  #onNetwork = () => this.#networkChanged();

  /**
   * @param {import('./signal.js').Signal} signal
   * @param {RTCIceServer[]} [iceServers]
   */
  constructor(signal, iceServers = []) {
    super();
    this.#signal = signal;
    this.#iceServers = iceServers;
    globalThis.addEventListener('online', this.#onNetwork);
    /** @type {any} */ (navigator).connection?.addEventListener?.('change', this.#onNetwork);
  }

  /** The PeerConnection of now, for statistics. */
  get pc() { return this.#pc; }

  /** State of the PeerConnection, `new` before the first offer. */
  get state() { return this.#pc?.connectionState ?? 'new'; }

  /** What is received now: the assigned slots with their tracks. @returns {Received[]} */
  get received() {
    const byMid = new Map(this.#pc?.getTransceivers().map((t) => [t.mid, t.receiver.track]) ?? []);
    return this.#slots
      .filter((s) => s.participant && byMid.has(s.mid))
      .map((s) => ({ ...s, track: byMid.get(s.mid) }));
  }

  /** Makes the first offer, on a new PeerConnection. */
  start() {
    this.#build();
    return this.#negotiate();
  }

  /**
   * After the socket came back: keeps a working PeerConnection, else restarts ICE, else starts anew.
   * @param {boolean} resumed what the welcome said
   */
  resume(resumed) {
    if (!resumed || !this.#pc || this.state === 'failed' || this.state === 'closed' || this.state === 'new') return this.start();
    if (this.state === 'connected' && this.#pc.signalingState === 'stable') return Promise.resolve();
    return this.restart();
  }

  /** Restarts ICE: an offer with new credentials. */
  restart() {
    this.#pc?.restartIce();
    return this.#negotiate();
  }

  /**
   * Sends a track, another one instead of it, or nothing (null). Never needs a new offer.
   * @param {Source} source
   * @param {MediaStreamTrack|null} track
   */
  async setTrack(source, track) {
    if (track) this.#tracks.set(source, track);
    else this.#tracks.delete(source);
    await this.#senders.get(source)?.sender.replaceTrack(track);
  }

  /** @param {Slot[]} slots the server's whole list */
  assign(slots) {
    this.#slots = slots;
    this.dispatchEvent(new CustomEvent('tracks'));
  }

  /**
   * The server has more to show than there are slots.
   * @param {number} audio
   * @param {number} video
   */
  addSlots(audio, video) {
    this.#missing = { audio: audio ?? 0, video: video ?? 0 };
    return this.#negotiate();
  }

  /** Stops receiving and sending; tracks given to setTrack are the caller's to stop. */
  close() {
    this.#closed = true;
    clearTimeout(this.#healer);
    globalThis.removeEventListener('online', this.#onNetwork);
    /** @type {any} */ (navigator).connection?.removeEventListener?.('change', this.#onNetwork);
    this.#discard();
  }

  #build() {
    this.#discard();
    const pc = new RTCPeerConnection({ iceServers: this.#iceServers, bundlePolicy: 'max-bundle' });
    this.#pc = pc;
    for (const { source, kind, encoding } of SECTIONS) {
      const t = pc.addTransceiver(this.#tracks.get(source) ?? kind, { direction: 'sendrecv', sendEncodings: [encoding] });
      this.#senders.set(source, t);
    }
    pc.onicecandidate = ({ candidate: c }) => {
      if (c?.candidate) this.#signal.send('candidate', { candidate: c.candidate, mid: c.sdpMid, line: c.sdpMLineIndex });
    };
    pc.onconnectionstatechange = () => { if (pc === this.#pc) this.#changed(); };
    pc.ontrack = () => { if (pc === this.#pc) this.dispatchEvent(new CustomEvent('tracks')); };
  }

  #discard() {
    const pc = this.#pc;
    this.#pc = null;
    this.#slots = [];
    this.#senders.clear();
    if (!pc) return;
    pc.onicecandidate = pc.onconnectionstatechange = pc.ontrack = null;
    pc.close();
  }

  /** One offer at a time; requests made meanwhile share the next one. */
  #negotiate() {
    if (this.#waiting) return this.#negotiating;
    this.#waiting = true;
    this.#negotiating = this.#negotiating.catch(() => {}).then(() => {
      this.#waiting = false;
      return this.#offer();
    });
    return this.#negotiating.catch((err) => this.#refused(err));
  }

  async #offer() {
    const pc = this.#pc;
    if (!pc || this.#closed) return;
    const { audio, video } = this.#missing;
    this.#missing = { audio: 0, video: 0 };
    for (let i = 0; i < audio; i++) pc.addTransceiver('audio', { direction: 'recvonly' });
    for (let i = 0; i < video; i++) pc.addTransceiver('video', { direction: 'recvonly' });
    await pc.setLocalDescription(await pc.createOffer());
    /** @type {Record<string, Source>} */ const tracks = {};
    for (const [source, t] of this.#senders) if (t.mid !== null) tracks[t.mid] = source;
    const answer = await this.#signal.request('offer', { sdp: pc.localDescription.sdp, tracks });
    if (pc !== this.#pc) return; // replaced meanwhile
    await pc.setRemoteDescription({ type: 'answer', sdp: answer.sdp });
    this.dispatchEvent(new CustomEvent('tracks'));
  }

  #refused(err) {
    if (this.#closed || err.code === 'closed' || err.code === 'network') return; // resume offers again
    const e = err instanceof ShowroomError ? err : new ShowroomError('failed', `negotiate media: ${err.message}`, err);
    this.dispatchEvent(new CustomEvent('failed', { detail: e }));
  }

  #changed() {
    const state = this.state;
    this.dispatchEvent(new CustomEvent('connection', { detail: { state } }));
    if (state === 'connected') {
      clearTimeout(this.#healer);
      this.#healer = 0;
      this.#restarts = 0;
    } else if (state === 'failed') {
      this.#heal(0);
    } else if (state === 'disconnected' && !this.#healer) {
      this.#heal(DISCONNECTED_MS);
    }
  }

  /** Restarts ICE after a wait; a restart that does not connect is followed by a new PeerConnection. */
  #heal(wait) {
    clearTimeout(this.#healer);
    this.#healer = setTimeout(() => {
      this.#healer = 0;
      if (this.#closed || !this.#pc || this.state === 'connected') return;
      if (this.#signal.isOpen) {
        const anew = ++this.#restarts % 3 === 0;
        if (anew) this.start(); else this.restart();
      }
      this.#heal(RESTART_MS);
    }, wait);
  }

  #networkChanged() {
    if (this.#closed || !this.#pc || !this.#signal.isOpen) return;
    if (this.state === 'connected' || this.state === 'disconnected') this.restart();
  }
}
