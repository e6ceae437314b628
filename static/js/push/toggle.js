/** "Tell me on this device": a button, and where it stands. */
import { el } from '../dom.js';
import { language, t } from '../text.js';
import { Here, supported } from './here.js';

/**
 * @param {'console'|'join'} name
 * @param {import('./here.js').Server} server
 * @param {() => void} [changed] when this browser was registered or removed
 * @returns {HTMLElement} empty where it cannot be
 */
export function toggle(name, server, changed = () => {}) {
  const button = el('button', { type: 'button', class: 'plain', testid: 'tell-here', hidden: true });
  const status = el('p', { class: 'hint', role: 'status', testid: 'tell-status' });
  const box = el('div', { class: 'tell', data: { state: '' } }, button, status);
  if (!supported() || !server.key) {
    if (name === 'console') status.textContent = t('tell.unsupported');
    return box;
  }
  const here = new Here(name, server);
  let on = false;
  let problem = '';

  function render() {
    button.hidden = false;
    button.textContent = t(on ? 'tell.off' : 'tell.on');
    status.textContent = problem ? t(problem) : on ? t('tell.isOn') : '';
    box.dataset.state = on ? 'on' : 'off';
  }
  async function look() {
    try { on = await here.isOn(); } catch { on = false; }
    render();
  }
  button.onclick = async () => {
    button.disabled = true;
    problem = '';
    try {
      if (on) await here.off(); else await here.on(language());
      on = !on;
      changed();
    } catch (err) {
      if (on) on = false; // the browser has let go; the server finds out when it pushes
      else problem = err.code === 'denied' || err.name === 'NotAllowedError' ? 'tell.denied' : 'tell.failed';
    }
    button.disabled = false;
    render();
  };
  document.addEventListener('languagechange', () => { if (box.isConnected) render(); });
  look();
  return box;
}
