/**
 * The example CRM: schedules a conference, shows the call, what happens, and the recording. Nothing here is Showroom's own: every address
 * is in the reference at /api, and <showroom-call> is of the SDK.
 */
const byID = (id) => /** @type {any} */ (document.getElementById(id));
let key = '';
let conference = '';

/** Asks the API; an answer that is none is an Error with the server's words. */
async function ask(method, path, body) {
  const response = await fetch(`/api/v1${path}`, {
    method, headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' }, body: body && JSON.stringify(body),
  });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.detail ?? answer.title ?? `the server answers ${response.status}`);
  return answer;
}

async function schedule() {
  key = byID('key').value.trim();
  const seller = await ask('POST', '/sellers', { name: byID('seller').value, monthly_minutes: 60 });
  const buyer = await ask('POST', '/buyers', { name: byID('buyer').value });
  const made = await ask('POST', '/conferences', { seller: seller.id, buyer: buyer.id, subject: byID('subject').value, starts_at: new Date().toISOString() });
  const link = (role) => ask('POST', `/conferences/${made.id}/links`, { role });
  const [forSeller, forBuyer] = [await link('seller'), await link('buyer')];
  conference = made.id;
  byID('schedule').hidden = true;
  byID('deal').hidden = false;
  byID('deal-title').textContent = made.subject;
  byID('deal-title').focus();
  byID('buyer-link').href = forBuyer.url;
  byID('call').setAttribute('link', forSeller.url);
  follow();
}

/** Shows the log of the conference as it grows, by the event socket. */
function follow() {
  const socket = new WebSocket(new URL('/api/v1/events/live', location.href).href.replace(/^http/, 'ws'));
  socket.onopen = () => socket.send(JSON.stringify({ type: 'subscribe', key, after: '0' }));
  socket.onmessage = ({ data }) => {
    const { type, event, message } = JSON.parse(data);
    if (type === 'error') note(message);
    if (type !== 'event' || event.stream !== conference) return;
    note(`${new Date(event.at).toLocaleTimeString()} ${event.type}`);
    if (event.type === 'recording.stored' || event.type === 'call.finished') byID('watch').disabled = false;
  };
  socket.onclose = ({ code }) => note(`The event socket closed (${code}). Reload to go on.`);
}

function note(text) {
  const line = document.createElement('li');
  line.textContent = text;
  byID('events').prepend(line);
}

/** The recording in place of the call, by a link that needs no key. */
async function watch() {
  const { url } = await ask('POST', `/conferences/${conference}/recording/links`, {});
  byID('call').setAttribute('link', url);
}

/** Runs what a button asks for, and shows what went wrong. */
async function attempt(button, what) {
  byID('problem').hidden = true;
  button.disabled = true;
  try {
    await what();
  } catch (err) {
    byID('problem').textContent = err.message;
    byID('problem').hidden = false;
    note(err.message);
  }
  button.disabled = false;
}

byID('schedule').addEventListener('submit', (e) => { e.preventDefault(); attempt(e.submitter, schedule); });
byID('watch').onclick = (e) => attempt(e.target, watch);
for (const type of ['joined', 'left', 'error']) {
  byID('call').addEventListener(`showroom-${type}`, ({ detail }) => note(`<showroom-call> says ${type} ${detail.reason ?? detail.code ?? detail.role ?? ''}`));
}
