/** The lobby: look at yourself, choose devices, say whether you may be recorded, go in. */
import { canChooseSpeaker, meter } from '../../sdk/showroom.js';
import { asksConsent, consentAnswer, consentText, needsConsent } from '../consent.js';
import { byID, el, icon, initials, setIcon } from '../dom.js';
import { date, label, put, t, tOr } from '../text.js';
import { deviceSelects } from './selects.js';

/**
 * @param {any} inv the invitation
 * @param {import('./own.js').Own} own
 * @param {import('./door.js').Door} door
 * @param {(consent: import('../../sdk/showroom.js').Consent|null) => void} onJoin
 */
export function lobby(inv, own, door, onJoin) {
  let c = inv.conference;
  let asks = asksConsent(c);
  const selects = deviceSelects(own, { mic: byID('mic'), camera: byID('camera'), speaker: byID('speaker'), speakerLabel: byID('speaker-label') }, () => {});
  let stopMeter = () => {};
  let metered = null;

  function render() {
    texts();
    preview();
    byID('device-help').replaceChildren(...help(own));
    selects();
  }

  function texts() {
    c = inv.conference;
    asks = asksConsent(c);
    const other = inv.role === 'seller' ? c.buyer.name : c.seller.name;
    byID('lobby-title').textContent = t('lobby.title', { name: other });
    byID('lobby-when').textContent = `${c.subject} · ${date(c.starts_at, { dateStyle: 'medium', timeStyle: 'short' })}`;
    byID('preview-initials').textContent = initials(inv.name);
    byID('join').textContent = t(inv.role === 'seller' ? 'lobby.start' : 'lobby.join');
    byID('lobby-hint').textContent = inv.role === 'seller' ? t('lobby.hintSeller', { buyer: c.buyer.name }) : t('lobby.hintBuyer', { seller: c.seller.name });
    byID('consent').hidden = !asks;
    byID('consent-text').textContent = consentText(c);
    byID('consent-required').hidden = !needsConsent(c);
    byID('consent-sorry').textContent = t('consent.sorry', { seller: c.seller.name });
    put(byID('consent-no-text'), needsConsent(c) ? 'consent.noCall' : 'consent.no');
  }

  function preview() {
    const camera = own.devices.track('camera');
    const video = byID('preview');
    if ((video.srcObject?.getTracks()[0] ?? null) !== camera) video.srcObject = camera ? new MediaStream([camera]) : null;
    byID('preview-absent').hidden = Boolean(camera);
    byID('preview-text').textContent = t(own.wants.camera && !own.problems.camera ? 'lobby.opening' : 'lobby.noCamera');
    button(byID('lobby-mic'), 'mic', own.isOn('mic'));
    button(byID('lobby-camera'), 'camera', own.isOn('camera'));
    const mic = own.isOn('mic') ? own.devices.track('mic') : null;
    if (mic !== metered) {
      stopMeter();
      metered = mic;
      stopMeter = mic ? meter(mic, level) : () => {};
      if (!mic) level(0);
    }
  }

  function submit(e) {
    e.preventDefault();
    const chosen = /** @type {HTMLInputElement|null} */ (document.querySelector('input[name="consent"]:checked'));
    byID('consent-error').hidden = !asks || Boolean(chosen);
    if (asks && !chosen) { byID('consent-yes').focus(); return; }
    if (sorry()) { byID('consent-sorry').focus(); return; }
    if (!door.open) return;
    stop();
    onJoin(asks ? consentAnswer(c, chosen.value === 'yes') : null);
  }

  /** Says politely that there is no call, if that is so. */
  function sorry() {
    const no = needsConsent(c) && byID('consent-no').checked;
    byID('consent-sorry').hidden = !no;
    byID('join').disabled = no || !door.open;
    return no;
  }

  /** The plan has changed, or the door has opened. */
  function changed() {
    texts();
    sorry();
  }

  function stop() {
    stopMeter();
    metered = null;
    own.removeEventListener('change', render);
    door.removeEventListener('change', changed);
    document.removeEventListener('languagechange', render);
  }

  own.addEventListener('change', render);
  door.addEventListener('change', changed);
  document.addEventListener('languagechange', render);
  byID('lobby-form').onsubmit = submit;
  byID('consent').onchange = sorry;
  byID('lobby-mic').onclick = () => own.set('mic', !own.isOn('mic'));
  byID('lobby-camera').onclick = () => own.set('camera', !own.isOn('camera'));
  byID('speaker-label').hidden = !canChooseSpeaker();
  render();
  sorry();
  own.start();
}

function button(e, source, on) {
  setIcon(e, on ? source : `${source}-off`);
  e.classList.toggle('off', !on);
  label(e, `call.${source}.${on ? 'off' : 'on'}`);
}

function level(value) {
  const box = byID('level');
  const lit = Math.round(value * box.children.length);
  [...box.children].forEach((e, i) => e.classList.toggle('lit', i < lit));
  box.setAttribute('aria-valuenow', String(Math.round(value * 100)));
}

/** What is wrong with devices, in plain words, with what to do. @param {import('./own.js').Own} own */
function help(own) {
  const { mic, camera } = own.problems;
  const note = (which, code) => {
    const title = el('strong');
    put(title, tOr(`problem.${which}.${code}`, '') ? `problem.${which}.${code}` : `problem.${which}.failed`);
    const line = (key) => { const e = el('span'); put(e, key); return e; };
    return el('div', { class: 'note', testid: `problem-${which}`, data: { code } }, icon('alert'),
      el('div', {}, title, line(`help.${code}`), code !== 'insecure' && line('help.without')));
  };
  if (mic && camera && mic.code === camera.code) return [note('both', mic.code)];
  return [camera && note('camera', camera.code), mic && note('mic', mic.code)].filter(Boolean);
}
