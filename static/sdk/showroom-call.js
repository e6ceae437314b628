/**
 * `<showroom-call>`: a call or a recording in a frame, for pages of other sites (docs/embedding.md, version 1).
 *
 *     <script type="module" src="SERVER/static/sdk/showroom-call.js"></script>
 *     <showroom-call link="SERVER/join#TOKEN" lang="en"></showroom-call>
 *
 * Attributes: `link` (to a call or a recording, as the API gives it), or `server` and `token` for a call; `lang`, `accent`, `logo`, `hide`.
 * Every event of the frame is a CustomEvent `showroom-` and its name, such as `showroom-joined`; it bubbles.
 */
import { ShowroomError } from './errors.js';

const VERSION = 1;
const ALLOW = ['camera', 'microphone', 'display-capture', 'autoplay', 'fullscreen', 'speaker-selection', 'screen-wake-lock'];
const ANSWER_MS = 60_000; // a camera may wait for the person's permission

export class ShowroomCall extends HTMLElement {
  static observedAttributes = ['link', 'server', 'token', 'lang', 'accent', 'logo', 'hide'];

  #frame = document.createElement('iframe');
  #address = '';
  #next = 1;
  /** @type {Map<number, {resolve: (result: any) => void, reject: (err: ShowroomError) => void, timer: any}>} */ #asked = new Map();
  #listen = (/** @type {MessageEvent} */ e) => this.#heard(e);

  constructor() {
    super();
    const root = this.attachShadow({ mode: 'open' });
    const style = new CSSStyleSheet(); // a style element could be against the page's policy
    style.replaceSync(':host { display: block; height: 40rem } :host([hidden]) { display: none } iframe { border: 0; display: block; width: 100%; height: 100% }');
    root.adoptedStyleSheets = [style];
    root.append(this.#frame);
  }

  connectedCallback() {
    window.addEventListener('message', this.#listen);
    this.#address = ''; // a frame that was taken out begins anew
    this.#load();
  }

  disconnectedCallback() {
    window.removeEventListener('message', this.#listen);
    this.#forget('the element was removed');
  }

  attributeChangedCallback() { if (this.isConnected) queueMicrotask(() => this.#load()); }

  /** Leaves the call, or stops waiting at the door. */
  leave() { return this.command('leave'); }

  /** Ends the call for everybody (seller). */
  end() { return this.command('end'); }

  /** @param {boolean} on */
  microphone(on) { return this.command('microphone', { on }); }

  /** @param {boolean} on */
  camera(on) { return this.command('camera', { on }); }

  /** Plays a recording. */
  play() { return this.command('play'); }

  /** Halts a recording. */
  pause() { return this.command('pause'); }

  /** Goes to a place of a recording. @param {number} seconds */
  seek(seconds) { return this.command('seek', { seconds }); }

  /** What is going on in the frame. */
  status() { return this.command('status'); }

  /**
   * Any command of docs/embedding.md.
   * @param {string} command
   * @param {Record<string, any>} [more] what goes besides
   * @returns {Promise<any>} its result; rejected with a ShowroomError
   */
  command(command, more = {}) {
    const to = this.#frame.contentWindow;
    if (!to || !this.#address) return Promise.reject(new ShowroomError('not_in_call', 'there is no frame to command'));
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => { this.#asked.delete(id); reject(new ShowroomError('timeout', `no answer to ${command}`)); }, ANSWER_MS);
      this.#asked.set(id, { resolve, reject, timer });
      to.postMessage({ ...more, showroom: VERSION, command, id }, new URL(this.#address).origin);
    });
  }

  #load() {
    const address = this.#wanted();
    if (address === this.#address) return;
    this.#address = address;
    this.#forget('another link was opened');
    this.#frame.title = this.title || 'Showroom';
    if (!address) { this.#frame.removeAttribute('src'); return; }
    const { origin } = new URL(address);
    this.#frame.allow = ALLOW.map((feature) => `${feature} ${origin}`).join('; ');
    this.#frame.src = address;
  }

  /** The frame's address by the attributes; empty when they name none. */
  #wanted() {
    const { link, server, token } = { link: this.getAttribute('link'), server: this.getAttribute('server'), token: this.getAttribute('token') };
    if (!link && !(server && token)) return '';
    let url;
    try { url = link ? new URL(link) : new URL('/join', server); } catch { return ''; }
    if (url.protocol !== 'https:' && url.protocol !== 'http:') return '';
    if (!link) url.hash = token;
    for (const name of ['lang', 'accent', 'logo', 'hide']) {
      const value = this.getAttribute(name);
      if (value) url.searchParams.set(name, name === 'accent' ? value.replace('#', '') : value);
    }
    return url.href;
  }

  #heard(e) {
    const m = e.data;
    if (!this.#address || e.source !== this.#frame.contentWindow || e.origin !== new URL(this.#address).origin || m?.showroom !== VERSION) return;
    if (m.event !== 'answer') {
      this.dispatchEvent(new CustomEvent(`showroom-${m.event}`, { detail: m.detail, bubbles: true, composed: true }));
      return;
    }
    const asked = this.#asked.get(m.detail.id);
    if (!asked) return;
    this.#asked.delete(m.detail.id);
    clearTimeout(asked.timer);
    if (m.detail.ok) asked.resolve(m.detail.result); else asked.reject(new ShowroomError(m.detail.code, m.detail.message));
  }

  #forget(why) {
    for (const { reject, timer } of this.#asked.values()) { clearTimeout(timer); reject(new ShowroomError('closed', why)); }
    this.#asked.clear();
  }
}

if (!customElements.get('showroom-call')) customElements.define('showroom-call', ShowroomCall);
