/** The last page: why it is over, in plain words, and a way back where there is one. */
import { byID } from '../dom.js';
import { clock, put, t, tOr } from '../text.js';

/** Titles by code; everything else is "something went wrong". */
const TITLES = {
  over: ['no_consent', 'left', 'ended', 'minutes_exhausted', 'time_limit', 'conference_over'],
  closed: ['denied', 'removed', 'revoked', 'expired', 'cancelled', 'token_invalid', 'token_expired', 'token_revoked', 'conference_cancelled', 'forbidden', 'no_token', 'consent_required'],
  later: ['too_early', 'seller_unavailable', 'no_minutes', 'room_full', 'rate_limited', 'too_many'],
  elsewhere: ['replaced', 'already_joined'],
};

/** Codes after which trying again makes sense. */
const AGAIN = new Set(['no_consent', 'consent_required', 'left', 'lost', 'replaced', 'denied', 'server_closing', 'violation', 'network', 'timeout', 'unavailable', 'internal',
  'too_many', 'rate_limited', 'too_large', 'bad_message', 'unknown_type', 'room_full', 'seller_unavailable', 'not_admitted', 'failed', 'bad_sdp', 'bad_candidate', 'too_many_offers']);

/**
 * @param {string} code a reason of `bye` or a code of `error`
 * @param {{seconds?: number, rejoin?: () => void, takeover?: () => void}} options seconds: how long the call was
 */
export function showEnded(code, { seconds = 0, rejoin, takeover } = {}) {
  const title = Object.keys(TITLES).find((k) => TITLES[k].includes(code)) ?? 'broken';
  put(byID('ended-title'), code === 'left' ? 'ended.left' : `ended.${title}`);
  put(byID('ended-text'), tOr(`code.${code}`, '') ? `code.${code}` : 'code.internal');
  byID('ended-title').dataset.code = code;
  const duration = byID('ended-duration');
  duration.hidden = seconds < 1;
  duration.textContent = t('ended.duration', { duration: clock(seconds) });
  const again = byID('rejoin');
  again.hidden = !rejoin || !AGAIN.has(code);
  again.onclick = rejoin;
  const here = byID('takeover');
  here.hidden = !takeover || code !== 'already_joined';
  here.onclick = takeover;
}
