/** One conference: what it is, how it stands, links, recording, log. Polled while it can still change. */
import { el, icon } from '../dom.js';
import { clock, dateTime, language, span, t, tOr } from '../text.js';
import { failure, head, poll, say, stateBadge, sure, words } from './parts.js';
import { links } from './links.js';
import { recordingCard } from './recording.js';
import { storage } from './storage.js';
import { composed } from './composed.js';
import { log } from './log.js';

const OVER = new Set(['finished', 'cancelled']);
const BUSY = new Set(['waiting', 'composing']);

/** @param {import('./parts.js').Place} place @param {string} id */
export async function conference({ api, show, signal }, id) {
  const path = `/conferences/${encodeURIComponent(id)}`;
  const top = el('div', { class: 'stack' });
  const details = el('section', { class: 'card', testid: 'details' });
  const recording = el('section', { class: 'card', testid: 'recording-card' });
  const logCard = el('section', { class: 'card', testid: 'events' });
  const files = el('div', { class: 'stack' });
  const made = el('div', { class: 'stack' });
  recording.append(files);
  const problem = el('div', { hidden: true });
  const where = el('div', { class: 'stack' });
  const told = el('p', {}, api.may('GET /messages') && el('a', { href: `#/outbox/${id}`, testid: 'conference-messages' }, t('outbox.all')));
  const linkCard = el('section', { class: 'card', testid: 'links' });
  show(top, problem, el('div', { class: 'columns' }, el('div', { class: 'stack' }, details, told, linkCard), el('div', { class: 'stack' }, recording, logCard)));
  links({ api, path, card: linkCard, signal });

  const seen = {};
  /** Draws a part only when what it shows has changed, so that focus and selection stay. */
  const draw = (name, value, nodes) => {
    const now = JSON.stringify([value, language()]);
    if (seen[name] === now) return;
    const before = seen[name];
    seen[name] = now;
    nodes();
    return before;
  };

  /** @type {any[]} */ const old = [];
  let cursor = '';
  /** The whole log; of its full pages only what is new is asked for. */
  async function events() {
    for (;;) {
      const from = cursor;
      const page = await api.get(`${path}/events?limit=200${from && `&after=${encodeURIComponent(from)}`}`);
      if (from !== cursor) continue; // a button's refresh was quicker
      if (!page.next || signal.aborted) return [...old, ...page.data];
      old.push(...page.data);
      cursor = page.next;
    }
  }

  async function refresh() {
    const [c, rec, list] = await Promise.all([api.get(path), api.get(`${path}/recording`), events()]);
    if (signal.aborted) return false;
    problem.hidden = true;
    draw('top', [c.subject, c.state, begun(c)], () => {
      top.replaceChildren(head(c.subject || t('console.noSubject'), { back: '#/', backText: t('console.conferences'), action: actions(c) }));
      document.title = `${c.subject} · Showroom`;
      say(t(`state.${c.state}`));
    });
    draw('details', c, () => details.replaceChildren(...facts(c)));
    draw('storage', [rec.storage, rec.keep_until], () => where.replaceChildren(...storage(rec))); // apart: it moves during an upload
    const { composition, derived, archive_url, storage: _, ...recorded } = rec;
    draw('recording', recorded, () => files.replaceChildren(...recordingCard({ api, path, rec, conference: c, where, made, signal, changed: follow })));
    draw('made', [composition, derived, archive_url], () => made.replaceChildren(...composed({ rec, compose: api.may('POST /conferences/{conference}/recording/compose') ? compose : null })));
    made.hidden = !rec.files?.length || !OVER.has(c.state);
    draw('events', list, () => logCard.replaceChildren(...log(list)));
    linkCard.hidden = OVER.has(c.state);
    const moving = ['recording', 'processing', 'deleting'].includes(rec.state) || ['uploading', 'waiting'].includes(rec.storage?.state) || (!made.hidden && BUSY.has(composition?.state));
    return !OVER.has(c.state) || moving;
  }

  /** Asks for what is made of the recording, and looks until it is there. */
  async function compose() {
    await api.post(`${path}/recording/compose`);
    await refresh();
    follow();
  }

  function actions(c) {
    if (OVER.has(c.state)) return stateBadge(c.state);
    const verb = c.state === 'scheduled' ? 'cancel' : 'end'; // while somebody is inside it can only be ended
    const button = el('button', { class: 'plain small', testid: verb }, t(`console.${verb}`));
    button.onclick = async () => {
      if (!sure(button)) return;
      button.disabled = true;
      try { await api.post(`${path}/${verb}`); await refresh(); } catch (err) { button.disabled = false; button.textContent = words(err); }
    };
    const planned = c.state === 'scheduled' && !c.ongoing_since;
    const missed = el('button', { class: 'plain small', testid: 'no-show' }, t('plan.noShow'));
    missed.onclick = async () => {
      if (!sure(missed)) return;
      missed.disabled = true;
      try { await api.post(`${path}/no-show`); await refresh(); } catch (err) { missed.disabled = false; missed.textContent = words(err); }
    };
    const may = (operation) => api.may(`${operation.replace(' ', ' /conferences/{conference}')}`);
    return el('div', { class: 'actions' }, stateBadge(c.state), planned && may('PATCH ') && el('a', { class: 'button plain small', href: `#/conferences/${id}/plan`, testid: 'reschedule' }, t('plan.reschedule')),
      planned && begun(c) && may('POST /no-show') && missed, may(`POST /${verb}`) && button);
  }

  let following = false;
  /** Polls while something can change by itself. */
  async function follow() {
    if (following) return;
    following = true;
    await poll(signal, 2_000, async () => {
      try {
        return await refresh();
      } catch (err) {
        if (signal.aborted) return false;
        if (!seen.top) {
          const gone = err.status === 404;
          show(head(t(gone ? 'console.notFound' : 'console.failed'), { back: '#/', backText: t('console.conferences') }), failure(err, gone ? undefined : () => conference({ api, show, signal }, id)));
          return false;
        }
        problem.replaceChildren(failure(err));
        problem.hidden = false;
        return err.status !== 404 && err.status !== 401;
      }
    });
    following = false;
  }
  await follow();
}

const begun = (c) => new Date(c.starts_at) <= new Date();

function facts(c) {
  const row = (name, ...value) => [el('dt', {}, name), el('dd', {}, ...value)];
  const people = (c.participants ?? []).filter((p) => p.present).map((p) => `${p.name} (${t(`role.${p.role}`)})`).join(', ');
  const consents = (c.consents ?? []).map((k) => el('div', {}, icon(k.accepted ? 'check' : 'close'), `${nameOf(c, k.participant)}: ${t(k.accepted ? 'console.consented' : 'console.refused')}`));
  return [el('header', {}, el('h2', {}, t('console.details'))), el('dl', {},
    ...row(t('console.startsAt'), dateTime(c.starts_at)),
    ...row(t('console.length'), span(c.duration_minutes * 60)),
    ...row(t('role.seller'), el('a', { href: `#/sellers/${c.seller.id}` }, c.seller.name)),
    ...row(t('role.buyer'), el('a', { href: `#/buyers/${c.buyer.id}`, testid: 'buyer-link' }, c.buyer.name || t('buyer.erased'))),
    ...row(t('console.connected'), el('span', { testid: 'connected', data: { seconds: String(c.connected_seconds ?? 0) } }, clock(c.connected_seconds ?? 0))),
    ...(c.vehicle?.title ? row(t('vehicle.title'), c.vehicle.link ? el('a', { href: c.vehicle.link, rel: 'noopener noreferrer', target: '_blank' }, c.vehicle.title) : c.vehicle.title) : []),
    ...(c.declined_at ? row(t('plan.answer'), el('span', { testid: 'declined' }, t('plan.declined', { at: dateTime(c.declined_at) }), c.decline_reason ? ` ${c.decline_reason}` : ''))
      : c.accepted_at ? row(t('plan.answer'), t('plan.accepted', { at: dateTime(c.accepted_at) })) : []),
    ...(people ? row(t('console.inside'), people) : []),
    ...(consents.length ? row(t('consent.title'), ...consents) : []),
    ...(c.finish_reason ? row(t('console.reason'), el('span', { testid: 'finish-reason', data: { reason: c.finish_reason } }, tOr(`finish.${c.finish_reason}`, '') || c.finish_reason)) : []))];
}

/** @param {any} c @param {any} id a participant's id or object */
function nameOf(c, id) {
  const key = typeof id === 'object' ? id?.id : id;
  return (c.participants ?? []).find((p) => p.id === key)?.name ?? [c.seller, c.buyer].find((p) => p.id === key)?.name ?? String(key ?? '');
}
