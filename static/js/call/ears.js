/**
 * Everything that is heard: one audio element a received audio track, so that the loudspeaker can be
 * chosen and a browser that refuses to play without a tap is noticed (`blocked`, `playing` events).
 */
export class Ears extends EventTarget {
  /** @type {Map<string, HTMLAudioElement>} */ #playing = new Map();
  #speaker = '';

  /** @param {import('../../sdk/media.js').Received[]} received */
  render(received) {
    const heard = received.filter((r) => r.kind === 'audio');
    const keys = new Set(heard.map((r) => r.track.id));
    for (const [key, audio] of this.#playing) {
      if (keys.has(key)) continue;
      audio.srcObject = null;
      audio.remove();
      this.#playing.delete(key);
    }
    for (const { track } of heard) if (!this.#playing.has(track.id)) this.#add(track);
  }

  /** Plays on another loudspeaker. @param {string} id device id, empty for the default */
  async speak(id) {
    this.#speaker = id;
    await Promise.all([...this.#playing.values()].map((a) => sink(a, id)));
  }

  /** To be called from a tap: plays what was refused. */
  async resume() {
    await Promise.all([...this.#playing.values()].map((a) => this.#play(a)));
  }

  /** Stops everything. */
  clear() { this.render([]); }

  #add(track) {
    const audio = document.createElement('audio');
    audio.autoplay = true;
    audio.srcObject = new MediaStream([track]);
    audio.dataset.testid = 'audio';
    document.body.append(audio);
    this.#playing.set(track.id, audio);
    if (this.#speaker) sink(audio, this.#speaker).catch(() => {});
    this.#play(audio);
  }

  async #play(audio) {
    try {
      await audio.play();
      this.dispatchEvent(new CustomEvent('playing'));
    } catch (err) {
      if (err.name === 'NotAllowedError') this.dispatchEvent(new CustomEvent('blocked'));
    }
  }
}

/** @param {HTMLMediaElement} audio @param {string} id */
async function sink(audio, id) {
  if ('setSinkId' in audio) await /** @type {any} */ (audio).setSinkId(id);
}
