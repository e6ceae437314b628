/**
 * Watching while the call runs: asks what has been recorded since, and gives a file a longer element before the one that plays ends.
 *
 * A file that is being written has an address of what it has by now; every answer has a new one.
 */

const ASK_MS = 2_000;
const RENEW_MS = 4_000; // before the end of what an element has
const NEWS_MS = 1_000; // less than this is not worth a new element

/** How far behind the call one watches: what has not been played yet covers the way to the server and back. */
export const BEHIND_MS = 8_000;

export class Live {
  #stage;
  #conductor;
  #ask;
  #told;
  #had = new Map(); // ms that the element of a file has, by the file's name
  #coming = new Set(); // names of files whose next element is loading
  #timers = [];

  /**
   * @param {import('./stage.js').Stage} stage
   * @param {import('./conductor.js').Conductor} conductor
   * @param {import('./timeline.js').File[]} files
   * @param {() => Promise<any>} ask for the recording; null when that failed
   * @param {(recording: any) => boolean} told of the answer; false ends it
   */
  constructor(stage, conductor, files, ask, told) {
    this.#stage = stage;
    this.#conductor = conductor;
    this.#ask = ask;
    this.#told = told;
    for (const f of files) this.#had.set(f.name, f.duration_ms);
    this.#timers.push(setTimeout(() => this.#news(), ASK_MS), setInterval(() => this.#renew(files), 250));
  }

  close() { for (const timer of this.#timers) clearTimeout(timer); }

  async #news() {
    const recording = await this.#ask();
    if (!recording || this.#told(recording)) this.#timers[0] = setTimeout(() => this.#news(), ASK_MS);
  }

  /** @param {import('./timeline.js').File[]} files */
  #renew(files) {
    for (const f of files) {
      const had = this.#had.get(f.name);
      const video = this.#conductor.video(f);
      const near = this.#conductor.time - f.offset_ms > had - RENEW_MS && f.duration_ms > had + NEWS_MS;
      if ((video.error || near) && !this.#coming.has(f.name)) this.#load(f, f.duration_ms);
    }
  }

  #load(f, has) {
    this.#coming.add(f.name);
    const next = this.#stage.video(f);
    const done = () => { this.#coming.delete(f.name); };
    const failed = setTimeout(() => { done(); next.remove(); }, 10_000);
    next.preload = 'auto';
    next.currentTime = Math.max(0, this.#conductor.time - f.offset_ms) / 1000;
    next.addEventListener('canplay', () => {
      clearTimeout(failed);
      done();
      this.#had.set(f.name, has);
      this.#conductor.replace(f, next);
    }, { once: true });
  }
}
