/** The first thing a person sees: who invites whom, about what, and when. */
import { byID } from '../dom.js';
import { date, span, t, time } from '../text.js';
import { ShowroomError } from '../../sdk/showroom.js';

/**
 * Asks the server what a token is for.
 * @param {string} token
 * @param {'GET'|'POST'} [method] POST accepts the invitation
 */
export async function fetchInvitation(token, method = 'GET') {
  const path = `/api/v1/invitation${method === 'POST' ? '/accept' : ''}`;
  let response;
  try {
    response = await fetch(path, { method, headers: { Authorization: `Bearer ${token}` }, cache: 'no-store' });
  } catch (err) {
    throw new ShowroomError('network', 'the server could not be reached', err);
  }
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new ShowroomError(body.code ?? 'internal', body.detail ?? response.statusText);
  return body;
}

/** @param {any} inv the invitation @param {string} token @param {() => void} onContinue */
export function showInvitation(inv, token, onContinue) {
  const c = inv.conference;
  const accept = byID('accept');
  const accepted = byID('accepted');
  const early = new Date(c.starts_at).getTime() - Date.now() > 5 * 60_000;
  accept.hidden = inv.role !== 'buyer' || !early || c.accepted === true;
  accepted.hidden = inv.role !== 'buyer' || !early || c.accepted !== true;

  let failed = false;

  function render() {
    byID('invitation-eyebrow').textContent = t(inv.role === 'seller' ? 'invitation.forSeller' : 'invitation.forGuest');
    byID('invitation-title').textContent = inv.role === 'seller'
      ? t('invitation.titleSeller', { buyer: c.buyer.name })
      : t('invitation.titleBuyer', { seller: c.seller.name, name: inv.name.split(' ')[0] });
    byID('invitation-subject').textContent = c.subject;
    byID('invitation-date').textContent = date(c.starts_at, { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' });
    byID('invitation-time').textContent = `${time(c.starts_at)} · ${span(c.duration_minutes * 60)}`;
    byID('invitation-people').textContent = t('invitation.people', { seller: c.seller.name, buyer: c.buyer.name });
    if (!failed) accepted.textContent = t('invitation.accepted');
  }
  render();
  document.addEventListener('languagechange', render);
  byID('continue').onclick = onContinue;
  accept.onclick = async () => {
    accept.disabled = true;
    try {
      await fetchInvitation(token, 'POST');
      failed = false;
      accept.hidden = true;
      accepted.hidden = false;
      render();
    } catch {
      failed = true;
      accept.disabled = false;
      accepted.hidden = false;
      accepted.textContent = t('invitation.notAccepted');
    }
  };
}
