/** Taking consent to be recorded back, and giving it again, during the call. */
import { asksConsent, consentAnswer, consentText, needsConsent } from '../consent.js';
import { byID } from '../dom.js';
import { put, t } from '../text.js';

/**
 * @param {import('../../sdk/showroom.js').Showroom} room
 * @param {(answer: import('../../sdk/showroom.js').Consent) => void} onAnswer
 * @returns {{render: () => void, stop: () => void}}
 */
export function consentButton(room, onAnswer) {
  const button = byID('consent-toggle');
  const dialog = byID('consent-dialog');

  function render() {
    const c = room.conference;
    const agreed = Boolean(room.answered?.accepted);
    button.hidden = !asksConsent(c);
    button.dataset.agreed = String(agreed);
    put(button, agreed ? 'consent.stop' : 'consent.allow');
    put(byID('consent-change'), agreed ? 'consent.stop' : 'consent.allow');
    put(byID('consent-now'), agreed ? 'consent.now.yes' : 'consent.now.no');
    byID('consent-dialog-text').textContent = consentText(c);
    byID('consent-leave').hidden = !agreed || !needsConsent(c);
    byID('consent-leave').textContent = t('consent.leave', { seller: c.seller.name });
  }

  button.onclick = () => { render(); dialog.showModal(); };
  dialog.onclose = () => {
    if (dialog.returnValue === 'change') {
      const answer = consentAnswer(room.conference, !room.answered?.accepted);
      room.consent(answer.accepted, answer.text, answer.language, answer.version);
      onAnswer(answer);
      render();
    }
    dialog.returnValue = '';
  };
  return {
    render,
    stop() {
      dialog.onclose = null;
      dialog.close();
    },
  };
}

/**
 * Who is recorded now and was not before, and the other way round, in words.
 * @param {import('../../sdk/showroom.js').Showroom} room
 * @param {Set<string>} before
 * @returns {string[]}
 */
export function recordingNews(room, before) {
  const now = new Set(room.recording.participants ?? []);
  const news = [];
  for (const id of new Set([...before, ...now])) {
    if (before.has(id) === now.has(id)) continue;
    const who = room.participants.get(id);
    if (id === room.you?.id) news.push(t(now.has(id) ? 'call.recOn.you' : 'call.recOff.you'));
    else if (who) news.push(t(now.has(id) ? 'call.recOn.other' : 'call.recOff.other', { name: who.name })); // who has left says nothing
  }
  return news;
}
