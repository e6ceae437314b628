/**
 * Camera, microphone, speaker and screen: opening, switching, levels, and why something is missing.
 *
 * Events (CustomEvent): `change` (the list of devices or an open track changed; detail {source} for a track),
 * `lost` ({source}: a device went away or the screen share was stopped by the browser's own button).
 */
import { ShowroomError } from './errors.js';

/** @typedef {import('./media.js').Source} Source */

const CAMERA = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30, max: 30 } };
const KIND = { mic: 'audio', camera: 'video' };
const MIC = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };

/** Whether this browser can share a screen (phones cannot). */
export const canShareScreen = () => typeof navigator.mediaDevices?.getDisplayMedia === 'function';

/** Whether this browser can choose the loudspeaker. */
export const canChooseSpeaker = () => 'setSinkId' in HTMLMediaElement.prototype;

export class Devices extends EventTarget {
  /** @type {Map<Source, MediaStreamTrack>} */ #tracks = new Map();
  /** Chosen devices, by id; empty: the browser's choice. */
  chosen = { mic: '', camera: '', speaker: '' };
  #onList = () => this.dispatchEvent(new CustomEvent('change', { detail: {} }));

  constructor() {
    super();
    navigator.mediaDevices?.addEventListener?.('devicechange', this.#onList);
  }

  /** @param {Source} source @returns {MediaStreamTrack|null} the open track */
  track(source) { return this.#tracks.get(source) ?? null; }

  /**
   * The devices there are; labels are empty until a permission was given.
   * @returns {Promise<{mic: MediaDeviceInfo[], camera: MediaDeviceInfo[], speaker: MediaDeviceInfo[]}>}
   */
  async list() {
    const all = await navigator.mediaDevices?.enumerateDevices?.() ?? [];
    const of = (kind) => all.filter((d) => d.kind === kind && d.deviceId !== '' && d.deviceId !== 'communications');
    return { mic: of('audioinput'), camera: of('videoinput'), speaker: of('audiooutput') };
  }

  /**
   * Opens the microphone or camera, or switches to another one.
   * @param {'mic'|'camera'} source
   * @param {string} [id] device id
   * @returns {Promise<MediaStreamTrack>} rejected with a ShowroomError: denied, blocked, missing, in_use, insecure, failed
   */
  async open(source, id = this.chosen[source]) {
    if (!navigator.mediaDevices?.getUserMedia) {
      throw new ShowroomError('insecure', 'camera and microphone need a secure (https) page');
    }
    const base = source === 'mic' ? MIC : CAMERA;
    const wanted = { ...base, ...(id ? { deviceId: { exact: id } } : {}) };
    // A phone's camera opens once only: stop the old track first, but keep it until there is a new one.
    if (source === 'camera') this.#tracks.get(source)?.stop();
    let stream;
    try {
      stream = await this.#ask({ [KIND[source]]: wanted });
    } catch (err) {
      const gone = id && (err.name === 'OverconstrainedError' || err.name === 'NotFoundError');
      try {
        if (!gone) throw err;
        stream = await this.#ask({ [KIND[source]]: base }); // the remembered device is no longer there
      } catch (again) {
        if (source === 'camera') this.close(source);
        throw explain(again);
      }
    }
    return this.#take(source, stream.getTracks()[0]);
  }

  /**
   * Opens microphone and camera with one question to the person, and each alone where both together fail.
   * @param {Array<'mic'|'camera'>} sources
   * @returns {Promise<{mic: ShowroomError|null, camera: ShowroomError|null}>} what went wrong
   */
  async start(sources) {
    /** @type {{mic: ShowroomError|null, camera: ShowroomError|null}} */ const problems = { mic: null, camera: null };
    let wanted = sources;
    if (sources.length === 2 && navigator.mediaDevices?.getUserMedia) {
      try {
        const exact = (id) => (id ? { deviceId: { ideal: id } } : {});
        const stream = await this.#ask({ audio: { ...MIC, ...exact(this.chosen.mic) }, video: { ...CAMERA, ...exact(this.chosen.camera) } });
        this.#take('mic', stream.getAudioTracks()[0]);
        this.#take('camera', stream.getVideoTracks()[0]);
        return problems;
      } catch (err) {
        const why = explain(err);
        if (why.code === 'denied') wanted = await notDenied(sources); // asking again for the same would only annoy
        for (const s of sources) if (!wanted.includes(s)) problems[s] = why;
      }
    }
    for (const s of wanted) {
      try { await this.open(s); } catch (err) { problems[s] = err; }
    }
    return problems;
  }

  /**
   * Asks the user for a screen or window. Resolves to what was chosen, audio where the browser gives it.
   * @returns {Promise<{screen: MediaStreamTrack, screen_audio: MediaStreamTrack|null}>}
   */
  async openScreen() {
    if (!canShareScreen()) throw new ShowroomError('unsupported', 'this browser cannot share a screen');
    let stream;
    try {
      stream = await navigator.mediaDevices.getDisplayMedia({ video: { frameRate: { max: 15 } }, audio: true });
    } catch (err) {
      throw explain(err);
    }
    const [screen] = stream.getVideoTracks();
    const [audio = null] = stream.getAudioTracks();
    screen.contentHint = 'detail';
    this.#set('screen', screen);
    if (audio) this.#set('screen_audio', audio);
    return { screen, screen_audio: audio };
  }

  /** Stops a track and lets the device go (the camera's light goes out). @param {Source} source */
  close(source) {
    const track = this.#tracks.get(source);
    if (!track) return;
    this.#tracks.delete(source);
    track.onended = null;
    track.stop();
    this.#changed(source);
  }

  /** Lets everything go. */
  closeAll() {
    for (const source of [...this.#tracks.keys()]) this.close(source);
    navigator.mediaDevices?.removeEventListener?.('devicechange', this.#onList);
  }

  /** @returns {Promise<MediaStream>} */
  #ask(wanted) { return navigator.mediaDevices.getUserMedia(wanted); }

  #take(source, track) {
    this.chosen[source] = track.getSettings?.().deviceId ?? this.chosen[source];
    this.#set(source, track);
    return track;
  }

  #set(source, track) {
    const old = this.#tracks.get(source);
    if (old) { old.onended = null; old.stop(); }
    this.#tracks.set(source, track);
    track.onended = () => {
      if (this.#tracks.get(source) !== track) return;
      this.#tracks.delete(source);
      this.dispatchEvent(new CustomEvent('lost', { detail: { source } }));
      this.#changed(source);
    };
    this.#changed(source);
  }

  #changed(source) { this.dispatchEvent(new CustomEvent('change', { detail: { source } })); }
}

/** Sources whose permission is not known to be denied, unless that is all of them. */
async function notDenied(sources) {
  const names = { mic: 'microphone', camera: 'camera' };
  const states = await Promise.all(sources.map((s) => navigator.permissions?.query({ name: /** @type {any} */ (names[s]) })
    .then((p) => p.state, () => 'denied') ?? 'denied'));
  return sources.filter((_, i) => states[i] === 'granted');
}

/** @param {any} err @returns {ShowroomError} */
function explain(err) {
  const code = {
    NotAllowedError: /system|dismissed by os/i.test(err.message) ? 'blocked' : 'denied',
    SecurityError: 'blocked', NotFoundError: 'missing', OverconstrainedError: 'missing',
    NotReadableError: 'in_use', AbortError: 'in_use',
  }[err.name] ?? 'failed';
  return new ShowroomError(code, err.message || code, err);
}

/**
 * Loudness of a track, 0 to 1, about ten times a second.
 * @param {MediaStreamTrack} track
 * @param {(level: number) => void} tell
 * @returns {() => void} stops it
 */
export function meter(track, tell) {
  const Context = window.AudioContext;
  if (!Context) return () => {};
  const context = new Context();
  const analyser = context.createAnalyser();
  analyser.fftSize = 1024;
  context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const timer = setInterval(() => {
    if (context.state === 'suspended') context.resume().catch(() => {});
    analyser.getFloatTimeDomainData(samples);
    let sum = 0;
    for (const s of samples) sum += s * s;
    const db = 10 * Math.log10(sum / samples.length + 1e-10); // dBFS
    tell(Math.min(1, Math.max(0, (db + 60) / 50)));
  }, 100);
  return () => { clearInterval(timer); context.close().catch(() => {}); };
}
