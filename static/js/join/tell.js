/** On the buyer's invitation: "tell me on this device". */
import { byID } from '../dom.js';
import { toggle } from '../push/toggle.js';

/** @param {any} inv the invitation @param {string} token @param {import('./door.js').Door} door */
export function tell(inv, token, door) {
  const key = inv.webpush_key ?? '';
  const ask = async (method, id = '', body = undefined) => {
    const answer = await fetch(`/api/v1/invitation/devices${id && `/${encodeURIComponent(id)}`}`, {
      method, cache: 'no-store', headers: { Authorization: `Bearer ${token}`, ...(body && { 'Content-Type': 'application/json' }) }, body: body && JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
    return answer.status === 204 ? null : answer.json();
  };
  const box = byID('tell');
  box.hidden = inv.role !== 'buyer' || !key || new Date(inv.conference.starts_at).getTime() - door.now < 5 * 60_000;
  if (box.hidden) return;
  box.replaceChildren(toggle('join', { key, list: async () => (await ask('GET')).data, add: (d) => ask('POST', '', d), remove: (id) => ask('DELETE', id) }));
}
