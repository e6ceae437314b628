/** Until one is in: keeps the invitation true, counts down by the server's clock, and says when one may knock. */
import { dateTime, span, t, time } from '../text.js';
import { fetchInvitation } from './invitation.js';

const LOOK_MS = 20_000;
const GONE = new Set(['token_invalid', 'token_expired', 'token_revoked', 'conference_over', 'conference_cancelled']);

/** Dispatches `change` when the invitation is another one than before, and `gone` (detail: the code) when it is none any more. */
export class Door extends EventTarget {
  #token;
  #elements;
  #skew = 0; // ms that the server's clock is ahead of this one
  #timer = 0;
  #looked = 0;
  #shown = '';
  #stopped = true;
  #onVisible = () => { if (document.visibilityState === 'visible') this.#look(); };
  #onLanguage = () => this.#render();

  /** @param {any} invitation @param {string} token @param {HTMLElement[]} elements the countdown is shown in */
  constructor(invitation, token, elements) {
    super();
    this.invitation = invitation;
    this.#token = token;
    this.#elements = elements;
    this.#take(invitation);
  }

  /** Whether one may come in now. */
  get open() {
    const { open, opens_at: at } = this.invitation;
    return open !== false || (at && this.now >= new Date(at).getTime());
  }

  start() {
    if (!this.#stopped) return;
    this.#stopped = false;
    this.#render();
    this.#timer = setInterval(() => this.#tick(), 1000);
    document.addEventListener('visibilitychange', this.#onVisible);
    document.addEventListener('languagechange', this.#onLanguage);
  }

  stop() {
    this.#stopped = true;
    clearInterval(this.#timer);
    document.removeEventListener('visibilitychange', this.#onVisible);
    document.removeEventListener('languagechange', this.#onLanguage);
  }

  /** The server's time, in ms. */
  get now() { return Date.now() + this.#skew; }

  /** Takes an answer of the server that is newer. @param {any} invitation */
  take(invitation) {
    if (!this.#take(invitation)) return;
    this.#render();
    this.dispatchEvent(new Event('change'));
  }

  #take(invitation) {
    this.#looked = Date.now();
    if (invitation.now) this.#skew = new Date(invitation.now).getTime() - Date.now();
    const { now, ...rest } = invitation;
    const before = this.#shown;
    this.#shown = JSON.stringify(rest);
    Object.assign(this.invitation, invitation);
    return before !== '' && before !== this.#shown;
  }

  #tick() {
    const was = this.#elements[0]?.dataset.open;
    this.#render();
    if (was !== this.#elements[0]?.dataset.open) this.dispatchEvent(new Event('change'));
    if (document.visibilityState === 'visible' && Date.now() - this.#looked >= LOOK_MS) this.#look();
  }

  async #look() {
    this.#looked = Date.now();
    try {
      const news = await fetchInvitation(this.#token);
      if (!this.#stopped) this.take(news);
    } catch (err) { // a network that is away for a moment changes nothing of what is planned
      if (!this.#stopped && GONE.has(err.code)) this.dispatchEvent(new CustomEvent('gone', { detail: err.code }));
    }
  }

  #render() {
    const { conference: c, opens_at: at } = this.invitation;
    const seconds = (new Date(c.starts_at).getTime() - this.now) / 1000;
    const { open } = this;
    for (const e of this.#elements) {
      e.dataset.open = String(open);
      e.hidden = open && seconds <= 60;
      e.textContent = e.hidden ? '' : [t('countdown', { span: span(seconds) }), !open && t('countdown.opens', { at: seconds > 12 * 3600 ? dateTime(at) : time(at) })].filter(Boolean).join(' · ');
    }
  }
}
