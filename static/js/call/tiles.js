/**
 * The stage: one tile a face, one a shared screen, laid out by how many there are.
 * It reads the room and is told to render; it owns its elements and nothing else.
 */
import { el, hue, icon, initials } from '../dom.js';
import { t } from '../text.js';

/** @typedef {{key: string, id: string, name: string, role: string, self: boolean, source: string, track: MediaStreamTrack|null, muted: boolean, away: boolean}} Face */

export class Stage {
  #root;
  /** @type {Map<string, Tile>} */ #tiles = new Map();
  #swapped = false;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.#root = root;
    this.observer = new ResizeObserver(() => this.#columns());
    this.observer.observe(root);
  }

  /** Draws the people and screens of now. @param {Face[]} faces the own one first */
  render(faces) {
    const wanted = new Set(faces.map((f) => f.key));
    for (const [key, tile] of this.#tiles) if (!wanted.has(key)) { tile.gone(); this.#tiles.delete(key); }
    const screens = faces.filter((f) => f.source === 'screen');
    const others = faces.filter((f) => f.source === 'camera' && !f.self);
    const layout = screens.length ? 'screen' : others.length === 0 ? 'alone' : others.length === 1 ? 'duo' : 'grid';
    this.#root.dataset.layout = layout;
    this.#root.style.setProperty('--faces', String(others.length + 1));
    const main = screens.at(-1)?.key ?? (layout === 'duo' && this.#swapped ? faces[0].key : (others[0] ?? faces[0])?.key);
    for (const f of faces) {
      let tile = this.#tiles.get(f.key);
      if (!tile) {
        tile = new Tile(f, () => { this.#swapped = !this.#swapped; this.render(this.faces); });
        this.#tiles.set(f.key, tile);
      }
      tile.update(f, f.key === main, layout === 'duo' && f.key !== main);
    }
    this.faces = faces;
    this.#order(faces, main);
    this.#columns();
  }

  /** Removes everything. */
  clear() {
    this.observer.disconnect();
    for (const tile of this.#tiles.values()) tile.gone();
    this.#tiles.clear();
  }

  #order(faces, main) {
    const order = [...faces].sort((a, b) => Number(b.key === main) - Number(a.key === main) || Number(a.self) - Number(b.self));
    order.forEach((f, i) => {
      const node = this.#tiles.get(f.key).root;
      if (this.#root.children[i] !== node) this.#root.insertBefore(node, this.#root.children[i] ?? null);
    });
  }

  #columns() {
    const n = this.#tiles.size;
    const { width, height } = this.#root.getBoundingClientRect();
    let best = 1;
    let most = 0;
    for (let c = 1; c <= n; c++) {
      const w = width / c;
      const h = height / Math.ceil(n / c);
      const area = Math.min(w, h * 1.5) * Math.min(h, w / 1.2);
      if (area > most) { most = area; best = c; }
    }
    this.#root.style.setProperty('--columns', String(best));
    for (const tile of this.#tiles.values()) tile.fit();
  }
}

class Tile {
  #video = el('video', { playsInline: true, autoplay: true, muted: true, disablePictureInPicture: true, testid: 'tile-video' });
  #initials = el('span', { class: 'initials', 'aria-hidden': 'true' });
  #name = el('span');
  #off = icon('mic-off');
  #veil = el('div', { class: 'veil', hidden: true, testid: 'tile-away' });
  #swap;

  /** @param {Face} face @param {() => void} swap */
  constructor(face, swap) {
    this.#swap = el('button', { class: 'swap', type: 'button', hidden: true, testid: 'swap', on: { click: swap } }, icon('swap'));
    this.root = el('figure', { class: 'tile', testid: face.self ? 'tile-self' : `tile-${face.role}`, data: { participant: face.id, source: face.source } },
      this.#initials, this.#video, this.#veil, el('figcaption', {}, this.#off, this.#name), this.#swap);
    if (face.self) this.root.dataset.self = '';
    this.#video.addEventListener('resize', () => this.fit());
  }

  /** @param {Face} f @param {boolean} main @param {boolean} small may be swapped with the large one */
  update(f, main, small) {
    this.root.classList.toggle('main', main);
    this.root.style.setProperty('--hue', String(hue(f.name)));
    this.root.dataset.video = f.track ? 'on' : 'off';
    this.root.dataset.audio = f.muted ? 'off' : 'on';
    this.#initials.textContent = initials(f.name);
    this.#name.textContent = f.source === 'screen' ? t('call.screenOf', { name: f.name }) : f.self ? t('call.you') : f.name;
    this.#off.style.display = f.muted && f.source === 'camera' ? '' : 'none';
    this.root.setAttribute('aria-label', [this.#name.textContent, f.muted && f.source === 'camera' && t('call.isMuted'), !f.track && t('call.noCamera'), f.away && t('call.isAway', { name: f.name })].filter(Boolean).join(', '));
    this.#veil.hidden = !f.away;
    this.#veil.textContent = f.away ? t('call.isAway', { name: f.name }) : '';
    this.#swap.hidden = !small;
    this.#swap.setAttribute('aria-label', t('call.swap'));
    this.#show(f.track);
    this.fit();
  }

  /** A picture whose shape is far from its tile's is shown whole, others fill the tile. */
  fit() {
    const { videoWidth: w, videoHeight: h } = this.#video;
    const box = this.root.getBoundingClientRect();
    if (!w || !h || !box.height) return;
    const ratio = (w / h) / (box.width / box.height);
    this.root.dataset.fit = ratio > 1.7 || ratio < 0.59 ? 'contain' : 'cover';
  }

  gone() {
    this.#video.srcObject = null;
    this.root.remove();
  }

  #show(track) {
    const shown = this.#video.srcObject?.getTracks()[0] ?? null;
    this.#video.hidden = !track;
    if (shown === track) return;
    this.#video.srcObject = track ? new MediaStream([track]) : null;
    if (track) this.#video.play().catch(() => {}); // muted, so only a removed element refuses
  }
}
