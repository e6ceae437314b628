/** "Starts in 12 min" while that is true. */
import { span, t } from '../text.js';

/**
 * Keeps elements up to date until stopped.
 * @param {string} startsAt
 * @param {HTMLElement[]} elements hidden once the time has come
 * @returns {() => void} stops it
 */
export function countdown(startsAt, elements) {
  const at = new Date(startsAt).getTime();
  const tick = () => {
    const seconds = (at - Date.now()) / 1000;
    for (const e of elements) {
      e.hidden = seconds <= 60;
      e.textContent = seconds > 60 ? t('countdown', { span: span(seconds) }) : '';
    }
  };
  tick();
  const timer = setInterval(tick, 1000);
  document.addEventListener('languagechange', tick);
  return () => {
    clearInterval(timer);
    document.removeEventListener('languagechange', tick);
  };
}
