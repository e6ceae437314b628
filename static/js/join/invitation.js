/** The first thing a person sees: who invites whom, about what, and when. */
import { byID } from '../dom.js';
import { date, span, t, time } from '../text.js';
import { ShowroomError } from '../../sdk/showroom.js';
import { showVehicle } from './vehicle.js';

/**
 * Asks the server what a token is for, or tells it the answer to the invitation.
 * @param {string} token
 * @param {''|'accept'|'decline'} [answer]
 */
export async function fetchInvitation(token, answer = '') {
  const path = `/api/v1/invitation${answer && `/${answer}`}`;
  const method = answer ? 'POST' : 'GET';
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

/** @param {any} inv the invitation @param {string} token @param {import('./door.js').Door} door @param {() => void} onContinue */
export function showInvitation(inv, token, door, onContinue) {
  const accept = byID('accept');
  const accepted = byID('accepted');
  const decline = byID('decline');
  let failed = false;

  /** What was answered, and what can be. */
  function answered() {
    const c = inv.conference;
    const asked = inv.role === 'buyer' && new Date(c.starts_at).getTime() - door.now > 5 * 60_000;
    accept.hidden = !asked || c.accepted === true;
    decline.hidden = !asked || c.declined === true;
    const first = asked && !door.open && !c.accepted && !c.declined; // the question comes first
    accept.className = first ? 'primary' : 'plain';
    byID('continue').className = first ? 'plain' : 'primary';
    accepted.hidden = !asked || !(failed || c.accepted || c.declined);
    accepted.className = failed || c.declined ? 'muted' : 'ok';
    accepted.textContent = t(failed ? 'invitation.notAccepted' : c.declined ? 'invitation.declined' : 'invitation.accepted', { seller: c.seller.name });
  }

  function render() {
    const c = inv.conference;
    byID('invitation-eyebrow').textContent = t(inv.role === 'seller' ? 'invitation.forSeller' : 'invitation.forGuest');
    byID('invitation-title').textContent = inv.role === 'seller'
      ? t('invitation.titleSeller', { buyer: c.buyer.name })
      : t('invitation.titleBuyer', { seller: c.seller.name, name: inv.name.split(' ')[0] });
    byID('invitation-subject').textContent = c.subject;
    byID('invitation-date').textContent = date(c.starts_at, { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' });
    byID('invitation-time').textContent = `${time(c.starts_at)} · ${span(c.duration_minutes * 60)}`;
    byID('invitation-people').textContent = t('invitation.people', { seller: c.seller.name, buyer: c.buyer.name });
    byID('continue').textContent = t(door.open ? 'invitation.continue' : 'invitation.check');
    showVehicle(c.vehicle);
    answered();
  }
  render();
  document.addEventListener('languagechange', render);
  door.addEventListener('change', render);
  byID('continue').onclick = onContinue;
  /** @param {'accept'|'decline'} word */
  const say = (word) => async () => {
    accept.disabled = decline.disabled = true;
    try {
      door.take(await fetchInvitation(token, word));
      failed = false;
    } catch {
      failed = true;
    }
    accept.disabled = decline.disabled = false;
    answered();
  };
  accept.onclick = say('accept');
  decline.onclick = say('decline');
}
