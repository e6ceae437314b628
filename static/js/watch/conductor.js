/**
 * Plays several files as one. A clock of its own runs on the common time line; every video follows it:
 * small differences by its playback rate, large ones by a seek. While one that is on has no data, the clock waits.
 *
 * Events: `tick` (the time moved), `state` (read playing, waiting, ended).
 */
import { fileAt } from './timeline.js';

const TICK_MS = 100;
const NUDGE_MS = 15; // less than this is left alone
const SEEK_MS = 250;
const CATCH_MS = 3_000; // who has reached the end of a call that goes on waits for this much more
const AHEAD_MS = 8_000; // how long before its start a file is loaded

export class Conductor extends EventTarget {
  #lanes;
  #length;
  /** @type {Map<string, HTMLVideoElement>} */ #videos = new Map(); // by file name
  #at = 0; // ms on the time line, when #since was taken
  #since = 0; // performance.now() while the clock runs, 0 while it stands
  #rate = 1;
  #timer = 0;
  #held = 0; // ms: at the end of a call that goes on, the time from which it is worth playing again
  live = false; // the call goes on, and #length grows
  playing = false; // what the person wants
  waiting = false; // standing because of missing data

  /**
   * @param {import('./timeline.js').Lane[]} lanes
   * @param {number} length ms
   * @param {(file: import('./timeline.js').File) => HTMLVideoElement} video makes the element of a file
   */
  constructor(lanes, length, video) {
    super();
    this.#lanes = lanes;
    this.#length = length;
    for (const lane of lanes) {
      for (const f of lane.files) {
        const v = video(f);
        v.preload = f.offset_ms < AHEAD_MS ? 'auto' : 'metadata';
        v.preservesPitch = true;
        this.#videos.set(f.name, v);
      }
    }
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    document.addEventListener('visibilitychange', () => this.#tick());
    this.#place();
  }

  /** ms on the time line. */
  get time() {
    const t = this.#since ? this.#at + (performance.now() - this.#since) * this.#rate : this.#at;
    return Math.min(this.#length, t);
  }

  get ended() { return this.time >= this.#length; }
  get length() { return this.#length; }
  set length(ms) { this.#length = ms; }
  get rate() { return this.#rate; }

  /** @param {import('./timeline.js').File} f */
  video(f) { return this.#videos.get(f.name); }

  /** How far each video that is on is from the clock, ms; ahead is positive. */
  get drifts() {
    return this.#now().map(([f, v]) => v.currentTime * 1000 - (this.time - f.offset_ms));
  }

  play() {
    if (this.ended) this.seek(0);
    this.playing = true;
    this.#tick();
    this.#tell('state');
  }

  pause() {
    this.#stop();
    this.playing = false;
    this.waiting = false;
    for (const v of this.#videos.values()) v.pause();
    this.#place();
    this.#tell('state');
  }

  /** @param {number} ms */
  seek(ms) {
    this.#since = 0;
    this.#at = Math.min(this.#length, Math.max(0, ms));
    this.#place();
    if (this.playing) this.#tick();
    this.#tell('tick');
  }

  set rate(rate) {
    const t = this.time;
    this.#at = t;
    if (this.#since) this.#since = performance.now();
    this.#rate = rate;
    for (const v of this.#videos.values()) v.playbackRate = rate;
  }

  /** Another element of a file takes the place of the one there is. @param {import('./timeline.js').File} f @param {HTMLVideoElement} v */
  replace(f, v) {
    const old = this.#videos.get(f.name);
    v.volume = old.volume;
    v.muted = old.muted;
    v.preservesPitch = true;
    v.playbackRate = this.#rate;
    this.#videos.set(f.name, v);
    old.pause();
    old.removeAttribute('src');
    old.load();
    old.remove();
    this.#place();
    if (this.playing) this.#tick();
    this.#tell('tick');
  }

  /** @param {number} volume 0 to 1 @param {boolean} muted */
  sound(volume, muted) {
    for (const v of this.#videos.values()) { v.volume = volume; v.muted = muted; }
  }

  close() {
    clearInterval(this.#timer);
    for (const v of this.#videos.values()) { v.pause(); v.removeAttribute('src'); v.load(); }
  }

  /** The files that are on now with their videos. */
  #now() {
    const t = this.time;
    return this.#lanes.map((l) => fileAt(l, t)).filter(Boolean)
      .map((f) => /** @type {[import('./timeline.js').File, HTMLVideoElement]} */ ([f, this.#videos.get(f.name)]))
      .filter(([, v]) => !v.error);
  }

  /** Puts standing videos where the clock stands, so that a paused seek shows its picture. */
  #place() {
    for (const [f, v] of this.#now()) {
      const want = (this.time - f.offset_ms) / 1000;
      v.preload = 'auto';
      if (Math.abs(v.currentTime - want) > 0.02) v.currentTime = want;
    }
  }

  #stop() {
    this.#at = this.time;
    this.#since = 0;
  }

  #tick() {
    if (!this.playing) return;
    if (this.ended && !this.live) { this.pause(); this.#tell('tick'); return; }
    if (this.ended) this.#held = this.#length + CATCH_MS;
    if (!this.live || this.#length >= this.#held || this.time < this.#length - CATCH_MS) this.#held = 0;
    const on = this.#now();
    const ready = !this.#held && on.every(([, v]) => !v.seeking && (v.readyState >= HTMLMediaElement.HAVE_FUTURE_DATA || v.ended));
    if (ready !== !this.waiting) { this.waiting = !ready; this.#tell('state'); }
    if (!ready) {
      this.#stop();
      for (const [, v] of on) if (!v.paused) v.pause();
      this.#place();
      return;
    }
    if (!this.#since) this.#since = performance.now();
    this.#rest(on);
    for (const [f, v] of on) this.#follow(f, v);
    this.#tell('tick');
  }

  /** Stops what is no longer on, and loads what soon will be. */
  #rest(on) {
    const names = new Set(on.map(([f]) => f.name));
    for (const lane of this.#lanes) {
      for (const f of lane.files) {
        const v = this.#videos.get(f.name);
        if (!names.has(f.name) && !v.paused) v.pause();
        const until = f.offset_ms - this.time;
        if (until > 0 && until < AHEAD_MS && v.preload !== 'auto') v.preload = 'auto';
      }
    }
  }

  #follow(f, v) {
    const want = this.time - f.offset_ms;
    const drift = v.currentTime * 1000 - want;
    if (v.paused && !v.ended) {
      if (Math.abs(drift) > 40) v.currentTime = want / 1000;
      v.play().catch((err) => { if (err.name === 'NotAllowedError') { this.pause(); this.#tell('blocked'); } });
      return;
    }
    if (Math.abs(drift) > SEEK_MS) {
      v.playbackRate = this.#rate;
      v.currentTime = (want + 60 * this.#rate) / 1000; // a seek takes a moment
      return;
    }
    // Gone within about half a second; at most 10 % faster or slower, which the ear forgives.
    const nudge = Math.abs(drift) < NUDGE_MS ? 0 : Math.min(0.1, Math.max(-0.1, -drift / 500));
    const rate = this.#rate * (1 + nudge);
    if (Math.abs(v.playbackRate - rate) > 0.002) v.playbackRate = rate;
  }

  #tell(type) { this.dispatchEvent(new CustomEvent(type)); }
}
