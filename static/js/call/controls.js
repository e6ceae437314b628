/** The buttons, keys and dialogs of the call. */
import { canShareScreen } from '../../sdk/showroom.js';
import { byID, setIcon } from '../dom.js';
import { deviceSelects } from '../join/selects.js';
import { label, languageSwitch, number, t } from '../text.js';
import { toast } from './status.js';

let languageReady = false;

/**
 * @param {import('../../sdk/showroom.js').Showroom} room
 * @param {import('../join/own.js').Own} own
 * @param {{toggleChat: () => void, speak: (id: string) => void}} actions
 * @returns {{render: () => void, stop: () => void, figures: (q: any) => void}}
 */
export function controls(room, own, { toggleChat, speak }) {
  const seller = room.you?.role === 'seller';
  const devices = byID('devices-dialog');
  const hangup = byID('hangup-dialog');
  const selects = deviceSelects(own, { mic: byID('call-mic'), camera: byID('call-camera'), speaker: byID('call-speaker'), speakerLabel: byID('call-speaker-label') }, speak);
  if (!languageReady) { languageSwitch(byID('call-language')); languageReady = true; }

  const flip = async (source) => {
    await own.set(source, !own.isOn(source));
    const problem = own.problems[source];
    if (problem && own.wants[source]) toast(t(`problem.${source}.${problem.code}`), true);
  };
  const share = async () => {
    try { await own.share(!own.isOn('screen')); } catch { toast(t('call.shareFailed'), true); }
  };
  const full = () => {
    if (document.fullscreenElement) document.exitFullscreen(); else document.documentElement.requestFullscreen?.().catch(() => {});
  };
  const leave = () => { if (seller) hangup.showModal(); else room.leave(); };
  const settings = () => { selects(); render(); devices.showModal(); };

  function render() {
    toggle(byID('mute'), 'mic', own.isOn('mic'));
    toggle(byID('video'), 'camera', own.isOn('camera'));
    const sharing = own.isOn('screen');
    byID('share').hidden = !canShareScreen();
    byID('share').classList.toggle('on', sharing);
    byID('share').setAttribute('aria-pressed', String(sharing));
    setIcon(byID('share'), sharing ? 'screen-off' : 'screen');
    label(byID('share'), sharing ? 'call.share.stop' : 'call.share');
    label(byID('chat-toggle'), 'call.chat');
    const problem = own.problems.camera ?? own.problems.mic;
    byID('call-device-error').hidden = !problem;
    byID('call-device-error').textContent = problem ? t(`help.${problem.code}`) : '';
  }

  const keys = { m: () => flip('mic'), v: () => flip('camera'), s: () => canShareScreen() && share(), c: toggleChat, f: full };
  const onKey = (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || e.repeat || document.querySelector('dialog[open]')) return;
    if (/^(INPUT|TEXTAREA|SELECT)$/.test(e.target.tagName)) return;
    const action = keys[e.key.toLowerCase()];
    if (action) { e.preventDefault(); action(); }
  };

  byID('mute').onclick = keys.m;
  byID('video').onclick = keys.v;
  byID('share').onclick = share;
  byID('fullscreen').onclick = full;
  byID('settings').onclick = settings;
  byID('hangup').onclick = leave;
  hangup.onclose = () => {
    if (hangup.returnValue === 'end') room.end();
    else if (hangup.returnValue === 'leave') room.leave();
    hangup.returnValue = '';
  };
  document.addEventListener('keydown', onKey);
  own.addEventListener('change', render);
  navigator.mediaDevices?.addEventListener?.('devicechange', selects);
  render();

  return {
    render,
    figures(q) {
      const kbit = (n) => number(n / 1000, { maximumFractionDigits: 0 });
      const percent = (n) => number(n, { style: 'percent', maximumFractionDigits: 1 });
      byID('figures').textContent = t('call.figures', { out: kbit(q.bitrate_out), in: kbit(q.bitrate_in), rtt: number(Math.round(q.rtt_ms)), loss: percent(Math.max(q.uplink_loss, q.downlink_loss)) });
    },
    stop() {
      document.removeEventListener('keydown', onKey);
      own.removeEventListener('change', render);
      navigator.mediaDevices?.removeEventListener?.('devicechange', selects);
      devices.close();
      hangup.onclose = null;
      hangup.close();
      if (document.fullscreenElement) document.exitFullscreen().catch(() => {});
    },
  };
}

function toggle(e, source, on) {
  setIcon(e, on ? source : `${source}-off`);
  e.classList.toggle('off', !on);
  e.setAttribute('aria-pressed', String(!on));
  label(e, `call.${source}.${on ? 'off' : 'on'}`);
}
