/**
 * This person's own camera, microphone and screen: what they want on, what went wrong, and its publication
 * once there is a room. Event `change`: read `wants`, `problems`, `devices`.
 */
import { Devices } from '../../sdk/showroom.js';

export class Own extends EventTarget {
  devices = new Devices();
  wants = { mic: true, camera: true };
  /** @type {{mic: any, camera: any}} */ problems = { mic: null, camera: null };
  /** @type {import('../../sdk/showroom.js').Showroom|null} */ #room = null;

  constructor() {
    super();
    this.devices.addEventListener('change', (e) => this.#changed(/** @type {CustomEvent} */ (e).detail.source));
    this.devices.addEventListener('lost', (e) => this.#lost(/** @type {CustomEvent} */ (e).detail.source));
  }

  /** Opens what is wanted. */
  async start() {
    const sources = /** @type {Array<'mic'|'camera'>} */ (['mic', 'camera']).filter((s) => this.wants[s] && !this.devices.track(s));
    const problems = await this.devices.start(sources);
    for (const s of sources) this.problems[s] = problems[s];
    this.#tell();
  }

  /** Whether a source is live now. @param {'mic'|'camera'|'screen'} source */
  isOn(source) {
    const track = this.devices.track(source);
    return Boolean(track?.enabled);
  }

  /** Turns the microphone or camera on or off. @param {'mic'|'camera'} source @param {boolean} on */
  async set(source, on) {
    this.wants[source] = on;
    const track = this.devices.track(source);
    if (!on && source === 'camera') this.devices.close('camera'); // so that its light goes out
    else if (track) { track.enabled = on; this.#room?.enable(source, on); }
    else if (on) await this.choose(source);
    this.#tell();
  }

  /** Uses another device. @param {'mic'|'camera'} source @param {string} [id] */
  async choose(source, id) {
    const muted = source === 'mic' && this.devices.track('mic') && !this.isOn('mic');
    try {
      const track = await this.devices.open(source, id);
      if (muted) { track.enabled = false; this.#room?.enable(source, false); }
      this.wants[source] = !muted;
      this.problems[source] = null;
    } catch (err) {
      this.problems[source] = err;
    }
    this.#tell();
  }

  /** Starts or stops sharing a screen. A refusal in the browser's own dialog is not an error. */
  async share(on) {
    if (on) {
      try { await this.devices.openScreen(); } catch (err) { if (err.code !== 'denied') throw err; }
    } else {
      this.devices.close('screen_audio');
      this.devices.close('screen');
    }
    this.#tell();
  }

  /** Publishes what is open, now and whenever it changes. @param {import('../../sdk/showroom.js').Showroom} room */
  connect(room) {
    this.#room = room;
    for (const s of /** @type {const} */ (['mic', 'camera', 'screen', 'screen_audio'])) {
      const track = this.devices.track(s);
      if (track) room.publish(s, track);
    }
  }

  /** Lets all devices go; start opens them again. */
  stop() {
    this.#room = null;
    for (const s of /** @type {const} */ (['screen_audio', 'screen', 'camera', 'mic'])) this.devices.close(s);
  }

  #changed(source) {
    if (source && this.#room) {
      const track = this.devices.track(source);
      if (track) this.#room.publish(source, track); else this.#room.unpublish(source);
    }
    this.#tell();
  }

  async #lost(source) {
    if (source === 'screen') { this.devices.close('screen_audio'); return; }
    if (source === 'screen_audio') return;
    this.dispatchEvent(new CustomEvent('lost', { detail: { source } }));
    await this.choose(source, ''); // another one, where there is one
  }

  #tell() { this.dispatchEvent(new CustomEvent('change')); }
}
