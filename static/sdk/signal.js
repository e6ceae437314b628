/**
 * The signaling socket: join, request and reply, noticing a dead socket, and coming back with
 * `resume`. It knows nothing of media. docs/protocol.md is the specification.
 *
 * Events (CustomEvent): `welcome` (after every successful join, detail = the message),
 * `message` (everything else the server says), `down` (the socket broke, coming back),
 * `retry` ({attempt, wait_ms}), `end` (a ShowroomError: coming back is pointless).
 */
import { ShowroomError } from './errors.js';

/** @typedef {{type: string, id?: string|number, [field: string]: any}} Message */

const CONNECT_MS = 10_000; // socket open to welcome
const REPLY_MS = 15_000;
const PING_MS = 5_000;
const PONG_MS = 7_000; // an unanswered ping older than this is a dead socket
const GIVE_UP_MS = 10 * 60_000;
const FIRST_TRIES = 4;

/** Codes after which the same join may succeed a moment later. */
const PASSING = new Set(['network', 'unavailable', 'internal', 'too_many', 'timeout']);

export class Signal extends EventTarget {
  #url;
  #token = '';
  #resume = '';
  #resumeSeconds = 30;
  /** @type {WebSocket|null} */ #socket = null;
  /** @type {Map<number, {resolve: (m: Message) => void, reject: (e: Error) => void, timer: number}>} */
  #pending = new Map();
  #nextID = 1;
  #pinger = 0;
  #pingedAt = 0; // ms; 0: no ping under way
  #over = false;
  /** @type {() => void} */ #wake = () => {};
  /** The answer to the question about recording that comes with every join. @type {object|null} */ consent = null;
  #onOnline = () => { this.#wake(); this.#probe(); };
  #onVisible = () => { if (document.visibilityState === 'visible') this.#onOnline(); };

  /** @param {string} url ws: or wss: address of the server's /ws */
  constructor(url) {
    super();
    this.#url = url;
  }

  /** The secret with which a broken session is taken up again. */
  get resume() { return this.#resume; }

  /** Whether requests can be sent now. */
  get isOpen() { return this.#socket?.readyState === WebSocket.OPEN; }

  /**
   * Joins, trying a few times when the server cannot be reached.
   * @param {string} token
   * @param {{resume?: string, takeover?: boolean}} [options]
   * @returns {Promise<Message>} the welcome
   */
  async open(token, { resume = '', takeover = false } = {}) {
    this.#token = token;
    this.#resume = resume;
    for (let attempt = 1; ; attempt++) {
      try {
        const welcome = await this.#dial(takeover, this.#resume);
        this.#watch();
        return welcome;
      } catch (err) {
        if (this.#over || attempt === FIRST_TRIES || !PASSING.has(err.code)) throw err;
        await this.#pause(attempt);
      }
    }
  }

  /**
   * Sends a message and waits for the reply that repeats its id.
   * @param {string} type
   * @param {object} [fields]
   * @returns {Promise<Message>} rejected with a ShowroomError for an `error` reply
   */
  request(type, fields = {}) {
    const id = this.#nextID++;
    return new Promise((resolve, reject) => {
      if (!this.send(type, { ...fields, id })) {
        reject(new ShowroomError('network', 'not connected to the server'));
        return;
      }
      const timer = setTimeout(() => {
        this.#pending.delete(id);
        reject(new ShowroomError('timeout', `no reply to ${type}`));
      }, REPLY_MS);
      this.#pending.set(id, { resolve, reject, timer });
    });
  }

  /**
   * Sends a message that has no reply.
   * @param {string} type
   * @param {object} [fields]
   * @returns {boolean} false when there is no socket now
   */
  send(type, fields = {}) {
    if (!this.isOpen) return false;
    this.#socket.send(JSON.stringify({ type, ...fields }));
    return true;
  }

  /** Closes for good; nothing is retried after it. */
  close() {
    this.#over = true;
    this.#wake();
    clearInterval(this.#pinger);
    globalThis.removeEventListener?.('online', this.#onOnline);
    globalThis.document?.removeEventListener('visibilitychange', this.#onVisible);
    this.#forget(new ShowroomError('closed', 'the session is over'));
  }

  /** Closes the socket now and comes back; for a caller who knows that the network changed. */
  drop() {
    if (!this.#socket || this.#over) return;
    this.#forget(new ShowroomError('network', 'the connection to the server was lost'));
    this.dispatchEvent(new CustomEvent('down'));
    this.#comeBack();
  }

  /** One connection: socket, join, welcome. */
  #dial(takeover, resume) {
    return new Promise((resolve, reject) => {
      const join = { type: 'join', token: this.#token, protocol: 1 };
      if (resume) join.resume = resume;
      if (takeover) join.takeover = true;
      if (this.consent) join.consent = this.consent;
      /** @type {WebSocket} */ let socket;
      try {
        socket = new WebSocket(this.#url);
      } catch (err) {
        reject(new ShowroomError('network', `bad address ${this.#url}`, err));
        return;
      }
      const settle = (err) => {
        clearTimeout(timer);
        socket.onopen = socket.onmessage = socket.onclose = null;
        if (err) { socket.close(); reject(err); }
      };
      const timer = setTimeout(() => settle(new ShowroomError('network', 'the server does not answer')), CONNECT_MS);
      socket.onopen = () => socket.send(JSON.stringify(join));
      socket.onclose = () => settle(new ShowroomError('network', 'the server could not be reached'));
      socket.onmessage = ({ data }) => {
        const m = parse(data);
        if (m.type === 'error') return settle(new ShowroomError(m.code, m.message));
        if (m.type === 'bye') return settle(new ShowroomError(m.reason, m.message));
        if (m.type !== 'welcome') return;
        settle(null);
        if (this.#over) { socket.close(); reject(new ShowroomError('closed', 'the session is over')); return; }
        this.#adopt(socket, m);
        resolve(m);
      };
    });
  }

  #adopt(socket, welcome) {
    this.#socket = socket;
    this.#resume = welcome.resume ?? '';
    this.#resumeSeconds = welcome.resume_seconds ?? 30;
    this.#pingedAt = 0;
    socket.onmessage = ({ data }) => this.#receive(parse(data));
    socket.onclose = () => this.drop();
    this.dispatchEvent(new CustomEvent('welcome', { detail: welcome }));
  }

  #receive(m) {
    if (m.type === 'pong') { this.#pingedAt = 0; return; }
    const waiting = m.id === undefined ? undefined : this.#pending.get(Number(m.id));
    if (waiting) {
      this.#pending.delete(Number(m.id));
      clearTimeout(waiting.timer);
      if (m.type === 'error') waiting.reject(new ShowroomError(m.code, m.message));
      else waiting.resolve(m);
      if (m.type === 'answer' || m.type === 'error') return;
    }
    this.dispatchEvent(new CustomEvent('message', { detail: m }));
  }

  #watch() {
    this.#pinger = setInterval(() => this.#probe(), PING_MS);
    globalThis.addEventListener?.('online', this.#onOnline);
    globalThis.document?.addEventListener('visibilitychange', this.#onVisible);
  }

  /** Sends a ping, or drops a socket that left the last one unanswered for too long. */
  #probe() {
    if (!this.isOpen) return;
    const now = Date.now();
    if (this.#pingedAt && now - this.#pingedAt > PONG_MS) { this.drop(); return; }
    if (this.#pingedAt) return;
    this.#pingedAt = now;
    this.send('ping');
  }

  async #comeBack() {
    const since = Date.now();
    let busy = 0;
    for (let attempt = 0; !this.#over; attempt++) {
      if (attempt > 0) await this.#pause(attempt);
      if (this.#over) return;
      const elapsed = Date.now() - since;
      try {
        const useful = elapsed < this.#resumeSeconds * 1000;
        await this.#dial(false, useful ? this.#resume : '');
        return;
      } catch (err) {
        // The server may not have noticed yet that the old socket is gone.
        const stale = err.code === 'already_joined' && ++busy <= 10;
        if (!PASSING.has(err.code) && !stale || elapsed > GIVE_UP_MS) {
          if (!this.#over) this.dispatchEvent(new CustomEvent('end', { detail: err }));
          return;
        }
      }
    }
  }

  /** Waits 0.5, 1, 2, 4, 5, 5 … s with jitter; coming online ends the wait. */
  #pause(attempt) {
    const wait = Math.min(5_000, 250 * 2 ** attempt) * (0.75 + Math.random() / 2);
    this.dispatchEvent(new CustomEvent('retry', { detail: { attempt, wait_ms: wait } }));
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, wait);
      this.#wake = () => { clearTimeout(timer); resolve(undefined); };
    });
  }

  #forget(err) {
    const socket = this.#socket;
    this.#socket = null;
    if (socket) {
      socket.onmessage = socket.onclose = null;
      socket.close();
    }
    for (const { reject, timer } of this.#pending.values()) { clearTimeout(timer); reject(err); }
    this.#pending.clear();
  }
}

/** @param {any} data @returns {Message} */
function parse(data) {
  try {
    const m = JSON.parse(data);
    return m && typeof m.type === 'string' ? m : { type: '' };
  } catch {
    return { type: '' };
  }
}
