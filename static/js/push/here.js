/** Whether this browser is told of things: its subscription, and the device that the server has of it. */

const WORKER = '/push/worker.js';

/** The one address that a script is registered from (Trusted Types). @type {any} */
let addresses = null;
function address() {
  const policies = /** @type {any} */ (window).trustedTypes;
  addresses ??= policies ? policies.createPolicy('worker', { createScriptURL: () => WORKER }) : { createScriptURL: () => WORKER };
  return addresses.createScriptURL(WORKER);
}

/** Whether this browser can be told at all. An iPhone's only from the home screen. */
export const supported = () => window.isSecureContext && 'serviceWorker' in navigator && 'PushManager' in window && 'Notification' in window;

/**
 * What the server is asked for.
 * @typedef {{key: string, list: () => Promise<{id: string}[]>, add: (device: object) => Promise<{id: string}>, remove: (id: string) => Promise<any>}} Server
 */

export class Here {
  #scope; #store;

  /** @param {'console'|'join'} name of the kind of page: each has a subscription of its own @param {Server} server */
  constructor(name, server) {
    this.server = server;
    this.#scope = `/push/${name}`;
    this.#store = `showroom.push.${name}`;
  }

  /** The id of the device that the server has of this browser. */
  get device() { return localStorage.getItem(this.#store) ?? ''; }

  async #subscription() {
    const worker = await navigator.serviceWorker.getRegistration(this.#scope);
    return await worker?.pushManager.getSubscription() ?? null;
  }

  /** Whether this browser is told, as both it and the server say. @returns {Promise<boolean>} */
  async isOn() {
    if (!this.device || Notification.permission !== 'granted' || !await this.#subscription()) return false;
    return (await this.server.list()).some((d) => d.id === this.device);
  }

  /** Asks for the permission, subscribes and registers. Call it from a click. @param {string} language */
  async on(language) {
    if (await Notification.requestPermission() !== 'granted') throw Object.assign(new Error('notifications are not allowed'), { code: 'denied' });
    const worker = await navigator.serviceWorker.register(address(), { scope: this.#scope });
    await active(worker);
    const key = bytes(this.server.key);
    const old = await worker.pushManager.getSubscription();
    if (old && !same(old.options.applicationServerKey, key)) await old.unsubscribe(); // of a server that was set up anew
    const subscription = await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
    const device = await this.server.add({ platform: 'webpush', subscription: subscription.toJSON(), language, app: browser() });
    localStorage.setItem(this.#store, device.id);
  }

  /** Takes it back, here and on the server. */
  async off() {
    const { device } = this;
    await (await this.#subscription())?.unsubscribe();
    localStorage.removeItem(this.#store);
    if (device) await this.server.remove(device);
  }
}

/** Waits until a worker can take a subscription. @param {ServiceWorkerRegistration} registration */
function active(registration) {
  const worker = registration.installing ?? registration.waiting;
  if (!worker || registration.active) return Promise.resolve();
  return new Promise((resolve, reject) => {
    worker.addEventListener('statechange', () => {
      if (worker.state === 'activated') resolve(undefined);
      if (worker.state === 'redundant') reject(new Error('the service worker was not installed'));
    });
  });
}

/** @param {string} text base64url */
function bytes(text) {
  const raw = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(raw, (c) => c.charCodeAt(0));
}

/** @param {ArrayBuffer|null} buffer @param {Uint8Array} key */
const same = (buffer, key) => buffer !== null && buffer.byteLength === key.length && new Uint8Array(buffer).every((b, i) => b === key[i]);

/** The browser's name and version, for the list of devices. */
function browser() {
  const agent = navigator.userAgent;
  for (const [mark, name] of [['Edg/', 'Edge'], ['OPR/', 'Opera'], ['SamsungBrowser/', 'Samsung Internet'], ['Firefox/', 'Firefox'], ['Chrome/', 'Chrome'], ['Version/', 'Safari']]) {
    const at = agent.indexOf(mark);
    if (at >= 0) return `${name} ${parseInt(agent.slice(at + mark.length), 10)}`;
  }
  return 'Browser';
}
