/** The list of conferences, with filters, and the form for a new one. */
import { el, icon } from '../dom.js';
import { dateTime, language, t } from '../text.js';
import { once } from './api.js';
import { storageBanner } from './storage.js';
import { planBody, planFields } from './plan.js';
import { failure, field, form, head, poll, stateBadge } from './parts.js';

const STATES = ['scheduled', 'standby', 'waiting', 'ongoing', 'finished', 'cancelled'];

/** @param {import('./parts.js').Place} place */
export async function conferences({ api, show, signal }) {
  const create = api.may('POST /conferences') && el('a', { class: 'button primary', href: '#/new', testid: 'new-conference' }, icon('plus'), t('console.newConference'));
  const state = field('state', t('console.state'), { options: [['', t('console.all')], ...STATES.map((s) => [s, t(`state.${s}`)])] });
  const seller = field('seller', t('role.seller'), { options: [['', t('console.all')]] });
  const list = el('div', { class: 'stack', testid: 'conferences', 'aria-busy': 'true' }, el('span', { class: 'spinner' }));
  seller.hidden = Boolean(api.me?.seller); // there is one
  show(head(t('console.conferences'), { action: create }), api.may('GET /storage') && storageBanner(api, signal), el('div', { class: 'filters' }, state, seller), list);

  let shown = '';
  let pages = 1;
  async function load() {
    const query = new URLSearchParams({ limit: '50' });
    for (const f of [state, seller]) { const s = f.querySelector('select'); if (s.value) query.set(s.name, s.value); }
    const data = [];
    let next = null;
    for (let i = 0; i < pages; i++) {
      if (next) query.set('after', next);
      const page = await api.get(`/conferences?${query}`);
      data.push(...page.data);
      next = page.next;
      if (!next) break;
    }
    const now = JSON.stringify([data, next, language()]);
    if (signal.aborted || now === shown) return;
    shown = now;
    list.removeAttribute('aria-busy');
    list.replaceChildren(data.length ? rows(data) : empty(query.has('state') || query.has('seller'), create),
      next ? el('button', { class: 'plain', on: { click: () => { pages++; refresh(); } } }, t('console.more')) : '');
  }
  async function refresh() {
    try { await load(); } catch (err) { shown = ''; if (!signal.aborted) list.replaceChildren(failure(err, refresh)); }
  }
  for (const f of [state, seller]) f.addEventListener('change', () => { pages = 1; refresh(); });
  fillSellers(api, seller.querySelector('select'));
  await poll(signal, 5_000, refresh);
}

async function fillSellers(api, select) {
  try {
    for (const s of await api.all('/sellers')) select.append(el('option', { value: s.id }, s.name));
  } catch { /* the list itself shows what is wrong */ }
}

function rows(data) {
  return el('ul', { class: 'rows' }, ...data.map((c) => el('li', {},
    el('a', { href: `#/conferences/${c.id}`, testid: 'conference', data: { id: c.id } },
      el('time', { dateTime: c.starts_at }, dateTime(c.starts_at)),
      el('span', {}, el('strong', {}, c.subject || t('console.noSubject')), el('span', { class: 'muted' }, t('invitation.people', { seller: c.seller.name, buyer: c.buyer.name }))),
      stateBadge(c.state)))));
}

const empty = (filtered, create) => el('div', { class: 'empty', testid: 'empty' }, el('p', {}, t(filtered ? 'console.noneFound' : 'console.noConferences')),
  !filtered && create && el('a', { class: 'button primary', href: '#/new' }, icon('plus'), t('console.newConference')));

const hideIf = (hidden, node) => Object.assign(node, { hidden });

/** @param {import('./parts.js').Place} place */
export async function newConference({ api, show, signal }) {
  const [sellers, buyers] = await Promise.all([api.all('/sellers'), api.may('GET /buyers') ? api.all('/buyers') : []]);
  if (signal.aborted) return;
  const title = head(t('console.newConference'), { back: '#/', backText: t('console.conferences') });
  if (!sellers.length) {
    show(title, el('div', { class: 'empty' }, el('p', {}, t('console.sellerFirst')), api.may('POST /sellers') && el('a', { class: 'button primary', href: '#/sellers/new' }, t('console.newSeller'))));
    return;
  }
  let key = once();
  const buyer = field('buyer', t('role.buyer'), { options: [['', t('console.newBuyer')], ...buyers.map((b) => [b.id, b.name])] });
  const fresh = [field('buyer_name', t('console.buyerName'), { required: true, maxLength: 200, autocomplete: 'off' }),
    field('email', t('console.email'), { type: 'email', autocomplete: 'off' }), field('phone', t('console.phone'), { type: 'tel', autocomplete: 'off' })];
  const toggle = () => {
    const isNew = buyer.querySelector('select').value === '';
    for (const f of fresh) { f.hidden = !isNew; f.querySelector('input').disabled = !isNew; }
  };
  buyer.addEventListener('change', toggle);
  toggle();
  /** An answered try is over, a lost one may have worked: only the latter keeps its key. */
  const retryable = async (f) => {
    try { return await f(); } catch (err) { if (err.status) key = once(); throw err; }
  };
  let made = ''; // the buyer made by a first try whose second half failed
  show(title, form({
    testid: 'conference-form', submit: t('console.create'),
    fields: [
      field('subject', t('console.subject'), { required: true, maxLength: 200, full: true, placeholder: t('console.subjectExample') }),
      hideIf(Boolean(api.me?.seller), field('seller', t('role.seller'), { options: sellers.map((s) => [s.id, s.name]) })), hideIf(!buyers.length, buyer), ...fresh,
      ...planFields(null, sellers[0].language),
    ],
    async send(v) {
      let id = v.buyer || made;
      if (!id) {
        const person = { name: v.buyer_name, language: v.language };
        if (v.email) person.email = v.email;
        if (v.phone) person.phone = v.phone;
        id = (await api.post('/buyers', person)).id;
        made = id;
      }
      const c = await retryable(() => api.post('/conferences', {
        seller: v.seller, buyer: id, ...planBody(v),
      }, key));
      location.hash = `#/conferences/${c.id}`;
    },
  }));
}
