/** Device lists in select elements, for the lobby and the call's dialog. */
import { canChooseSpeaker } from '../../sdk/showroom.js';
import { el } from '../dom.js';
import { t } from '../text.js';

/**
 * Fills and wires the selects.
 * @param {import('./own.js').Own} own
 * @param {{mic: HTMLSelectElement, camera: HTMLSelectElement, speaker: HTMLSelectElement, speakerLabel: HTMLElement}} at
 * @param {(id: string) => void} speak told when another loudspeaker is chosen
 * @returns {() => Promise<void>} renders again
 */
export function deviceSelects(own, at, speak) {
  async function render() {
    const list = await own.devices.list();
    for (const kind of /** @type {const} */ (['mic', 'camera', 'speaker'])) {
      const chosen = own.devices.chosen[kind];
      const options = list[kind].map((d, i) => el('option', { value: d.deviceId, selected: d.deviceId === chosen }, d.label || `${t(`device.${kind}`)} ${i + 1}`));
      at[kind].replaceChildren(...(options.length ? options : [el('option', { value: '' }, t('device.none'))]));
      at[kind].disabled = options.length === 0;
    }
    at.speakerLabel.hidden = !canChooseSpeaker() || list.speaker.length < 2;
  }
  at.mic.onchange = () => own.choose('mic', at.mic.value);
  at.camera.onchange = () => own.choose('camera', at.camera.value);
  at.speaker.onchange = () => { own.devices.chosen.speaker = at.speaker.value; speak(at.speaker.value); };
  return render;
}
