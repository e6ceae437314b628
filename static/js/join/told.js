/** Tells whoever waits at the door, truthfully, whether the seller was told. */
import { t, time } from '../text.js';
import { fetchInvitation } from './invitation.js';

const EVERY = 4_000;

/**
 * Asks the server again and again, until stopped.
 * @param {string} token
 * @param {HTMLElement} element
 * @returns {() => void} stops it
 */
export function told(token, element) {
  let stopped = false;
  let timer = 0;
  /** @type {any} */ let now = null;

  function render() {
    const text = now ? words(now.conference) : '';
    element.hidden = !text;
    if (element.textContent !== text) element.textContent = text; // a status that is written anew is read out anew
  }

  async function look() {
    try {
      now = await fetchInvitation(token);
    } catch { /* the socket says what is wrong; the next look may succeed */ }
    if (stopped) return;
    render();
    timer = setTimeout(look, EVERY);
  }
  document.addEventListener('languagechange', render);
  look();
  return () => {
    stopped = true;
    clearTimeout(timer);
    element.hidden = true;
    document.removeEventListener('languagechange', render);
  };
}

/** @param {any} c the conference of an invitation */
function words(c) {
  const seller = c.seller.name;
  if (c.state === 'standby' || c.state === 'ongoing') return t('told.here', { seller });
  if (!c.told) return '';
  if (c.told.state === 'none') return t('told.none', { seller });
  if (c.told.state === 'sending') return t('told.sending', { seller });
  const lines = [];
  if (c.told.seller_at) lines.push(t('told.sent', { seller, at: time(c.told.seller_at) }));
  if (c.told.colleague_at) lines.push(t('told.colleague', { seller, at: time(c.told.colleague_at) }));
  return lines.join(' ');
}
