/** The HTTP API (docs/http-api.md) with a key, or with the session that the browser has. */

/** A problem+json answer, or no answer at all (status 0). */
export class Problem extends Error {
  /** @param {number} status @param {{code?: string, detail?: string, title?: string, field?: string}} body */
  constructor(status, body) {
    super(body.detail || body.title || `HTTP ${status}`);
    this.status = status;
    this.code = body.code ?? (status ? 'internal' : 'network');
    this.field = body.field ?? '';
  }
}

export class API {
  #key;
  /** ETag by path, of what was read last: a change of something that others have changed meanwhile is refused. */
  #tags = new Map();

  /** Who asks, as GET /me says. @type {any} */
  me = null;

  /** @param {string} key sk_…, the token of a link, or empty: the session's cookie goes along by itself */
  constructor(key) { this.#key = key; }

  /** Called when the key or the session has ended. */
  gone = () => {};

  /** Whether who asks may do it, so that a page leaves out what would be refused. @param {string} operation such as POST /sellers */
  may(operation) { return !this.me?.may || this.me.may.includes(operation); }

  get(path) { return this.#call('GET', path); }
  /** A file of the API, as it is. @param {string} path @returns {Promise<Blob>} */
  async file(path) {
    const response = await fetch(`/api/v1${path}`, { cache: 'no-store', headers: this.#headers() }).catch(() => { throw new Problem(0, {}); });
    if (!response.ok) throw new Problem(response.status, await response.json().catch(() => ({})));
    return response.blob();
  }

  patch(path, body) { return this.#call('PATCH', path, body); }
  delete(path) { return this.#call('DELETE', path); }

  /**
   * @param {string} path
   * @param {object} [body]
   * @param {string} [once] an idempotency key: the same one twice creates one thing
   */
  post(path, body = {}, once = '') { return this.#call('POST', path, body, once ? { 'Idempotency-Key': once } : {}); }

  /** Every item of a list, over all its pages, at most ten of them. @param {string} path */
  async all(path) {
    const data = [];
    let after = '';
    for (let page = 0; page < 10; page++) {
      const list = await this.get(`${path}?limit=200${after && `&after=${encodeURIComponent(after)}`}`);
      data.push(...list.data);
      if (!list.next) break;
      after = list.next;
    }
    return data;
  }

  /** Who asks, if it is not the session. @returns {Record<string, string>} */
  #headers() { return this.#key ? { Authorization: `Bearer ${this.#key}` } : {}; }

  async #call(method, path, body, headers = {}) {
    const init = { method, cache: /** @type {RequestCache} */ ('no-store'), headers: { ...this.#headers(), ...headers } };
    if (method === 'PATCH' && this.#tags.has(path)) init.headers['If-Match'] = this.#tags.get(path);
    if (body !== undefined) {
      init.body = JSON.stringify(body);
      init.headers['Content-Type'] = 'application/json';
    }
    let response;
    try {
      response = await fetch(`/api/v1${path}`, init);
    } catch {
      throw new Problem(0, {});
    }
    const sandbox = response.headers.get('Showroom-Sandbox');
    if (sandbox) document.dispatchEvent(new CustomEvent('sandbox', { detail: sandbox }));
    if (response.status === 204) return null;
    const answer = await response.json().catch(() => ({}));
    if (response.status === 401) this.gone();
    if (!response.ok) throw new Problem(response.status, answer);
    const tag = response.headers.get('ETag');
    if (tag) this.#tags.set(path, tag);
    return answer;
  }
}

/** A fresh idempotency key. */
export const once = () => [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, '0')).join('');
