/** The tiles of the watch page and the lanes under the seek bar. */
import { el, hue, initials } from '../dom.js';
import { t } from '../text.js';
import { fileAt, hasPicture } from './timeline.js';

export class Stage {
  #root;
  #lanes;
  #tiles;

  /** @param {HTMLElement} root @param {import('./timeline.js').Lane[]} lanes */
  constructor(root, lanes) {
    this.#root = root;
    this.#lanes = lanes;
    this.#tiles = lanes.map((lane) => {
      const text = el('span');
      const box = el('div', {});
      const figure = el('figure', { class: 'tile', testid: lane.screen ? 'tile-screen' : 'tile', data: { participant: lane.participant } },
        el('div', { class: 'absent' }, el('span', { class: 'initials', 'aria-hidden': 'true' }, initials(lane.name)), text), box, el('figcaption'));
      figure.style.setProperty('--hue', String(hue(lane.name)));
      return { lane, figure, box, text };
    });
    root.replaceChildren(...this.#tiles.map((x) => x.figure));
  }

  /** The element for a file, in its person's tile. @param {import('./timeline.js').File} f */
  video(f) {
    const v = el('video', { playsInline: true, disablePictureInPicture: true, tabIndex: -1, testid: 'video', data: { name: f.name } });
    v.src = f.url;
    this.#tiles.find((x) => x.lane.files.includes(f)).box.append(v);
    return v;
  }

  /** Shows who is on at a time. @param {number} at ms @param {(f: import('./timeline.js').File) => HTMLVideoElement} video */
  render(at, video) {
    let faces = 0;
    let screen = null;
    for (const { lane, figure, box, text } of this.#tiles) {
      const on = fileAt(lane, at);
      const seen = on && hasPicture(on, at) && video(on).videoWidth !== 0;
      for (const v of box.children) v.classList.toggle('on', Boolean(seen) && v === video(on));
      figure.hidden = lane.screen && !on;
      figure.firstElementChild.hidden = Boolean(seen);
      figure.dataset.on = on?.name ?? '';
      if (lane.screen && on) screen = figure; else if (!lane.screen) faces++;
      const words = on && !video(on).error ? (seen ? '' : t('lobby.noCamera')) : video(on ?? lane.files[0])?.error && on ? t('watch.unplayable') : t('watch.absent');
      if (text.textContent !== words) text.textContent = words;
      const name = lane.screen ? t('call.screenOf', { name: lane.name }) : lane.name;
      const caption = figure.lastElementChild;
      if (caption.textContent !== name) caption.textContent = name;
    }
    for (const { figure } of this.#tiles) figure.classList.toggle('main', figure === screen);
    this.#root.toggleAttribute('data-screen', Boolean(screen));
    this.#root.style.setProperty('--columns', String(Math.min(3, faces || 1)));
    this.#root.style.setProperty('--faces', String(faces));
    this.#root.style.setProperty('--shape', screen ? '16 / 8' : faces <= 1 ? '16 / 9' : faces === 2 ? '32 / 9.5' : '16 / 9');
  }
}

/**
 * Who is on when: a lane a tile, with gaps, what is loaded and what was played.
 * @param {HTMLElement} root
 * @param {import('./timeline.js').Lane[]} lanes
 * @param {number} length ms
 */
export function drawLanes(root, lanes, length) {
  const percent = (ms) => `${(ms / length) * 100}%`;
  const stretch = (cls, from, to) => {
    const e = el('span', { class: cls });
    e.style.left = percent(from);
    e.style.width = percent(Math.max(0, to - from));
    return e;
  };
  const played = [];
  const loaded = new Map();
  root.replaceChildren(...lanes.map((lane) => {
    const row = el('div', { class: 'lane' });
    for (const f of lane.files) {
      row.append(stretch('there', f.offset_ms, f.offset_ms + f.duration_ms));
      loaded.set(f, { row, parts: [] });
    }
    const past = stretch('played', 0, 0);
    played.push(past);
    row.append(past);
    for (const f of lane.files) {
      for (const g of f.gaps ?? []) if (g.end_ms - g.start_ms > 500 && (g.track === 'video' || lane.screen)) row.append(stretch('gone', f.offset_ms + g.start_ms, f.offset_ms + g.end_ms));
    }
    let end = 0;
    for (const f of [...lane.files, { offset_ms: length, duration_ms: 0 }]) {
      if (f.offset_ms > end) row.append(stretch('gone', end, f.offset_ms));
      end = Math.max(end, f.offset_ms + f.duration_ms);
    }
    return row;
  }));
  return {
    /** @param {number} at ms */
    play(at) { for (const e of played) e.style.width = percent(at); },
    /** @param {(f: any) => HTMLVideoElement} video */
    load(video) {
      for (const [f, l] of loaded) {
        const { buffered } = video(f);
        for (const e of l.parts) e.remove();
        l.parts = Array.from({ length: buffered.length }, (_, i) => stretch('loaded', f.offset_ms + buffered.start(i) * 1000,
          Math.min(f.offset_ms + f.duration_ms, f.offset_ms + buffered.end(i) * 1000)));
        l.row.querySelector('.played').before(...l.parts);
      }
    },
  };
}
