/** Lists that are read page by page, with filters; and looking for a buyer. */
import { el } from '../dom.js';
import { language, t } from '../text.js';
import { failure, poll } from './parts.js';

/**
 * A list that follows its filters, asks for more, and looks again now and then.
 * @param {{api: import('./api.js').API, path: string, signal: AbortSignal, query: () => Record<string, string>, rows: (data: any[]) => Node, empty: (filtered: boolean) => Node, every?: number, testid: string}} o
 * @returns {{list: HTMLElement, refresh: (again?: boolean) => Promise<void>, run: () => Promise<void>}} again: from the first page
 */
export function pages({ api, path, signal, query, rows, empty, every = 10_000, testid }) {
  const list = el('div', { class: 'stack', testid, 'aria-busy': 'true' }, el('span', { class: 'spinner' }));
  let shown = '';
  let wanted = 1;
  let asked = 0;
  async function load() {
    const turn = ++asked;
    const chosen = Object.fromEntries(Object.entries(query()).filter(([, v]) => v));
    const q = new URLSearchParams({ limit: '50', ...chosen });
    const data = [];
    let next = null;
    for (let i = 0; i < wanted; i++) {
      if (next) q.set('after', next);
      const page = await api.get(`${path}?${q}`);
      data.push(...page.data);
      next = page.next;
      if (!next) break;
    }
    const now = JSON.stringify([data, next, language()]);
    // Not while a later question is under way, nor under a dialog.
    if (signal.aborted || now === shown || turn !== asked || list.querySelector('dialog[open]')) return;
    shown = now;
    list.removeAttribute('aria-busy');
    list.replaceChildren(data.length ? rows(data) : empty(Object.keys(chosen).length > 0),
      next ? el('button', { class: 'plain', testid: 'more', on: { click: () => { wanted++; refresh(); } } }, t('console.more')) : '');
  }
  async function refresh(again = false) {
    if (again) wanted = 1;
    try { await load(); } catch (err) { shown = ''; if (!signal.aborted) list.replaceChildren(failure(err, () => refresh())); }
  }
  return { list, refresh, run: () => poll(signal, every, () => refresh()) };
}

/** Calls f when nothing was typed for a moment. @param {() => void} f */
export function patient(f) {
  let timer = 0;
  return () => { clearTimeout(timer); timer = window.setTimeout(f, 250); };
}

/**
 * An input that finds a buyer by name, address, number or reference.
 * @param {{api: import('./api.js').API, signal: AbortSignal, chosen: (id: string) => void}} o
 * @returns {HTMLElement}
 */
export function buyerFilter({ api, signal, chosen }) {
  const names = el('datalist', { id: 'buyer-names' });
  const input = el('input', { type: 'search', name: 'buyer', testid: 'buyer-filter', autocomplete: 'off', placeholder: t('buyer.search') });
  input.setAttribute('list', 'buyer-names');
  /** @type {Map<string, string>} */ let found = new Map();
  const look = patient(async () => {
    const text = input.value.trim();
    if (!text) { chosen(''); return; }
    if (found.has(text)) { chosen(/** @type {string} */ (found.get(text))); return; }
    try {
      const { data } = await api.get(`/buyers?limit=20&q=${encodeURIComponent(text)}`);
      if (signal.aborted || input.value.trim() !== text) return;
      found = new Map(data.map((b) => [[b.name, b.phone || b.email].filter(Boolean).join(' · '), b.id]));
      names.replaceChildren(...[...found.keys()].map((value) => el('option', { value })));
      if (found.size === 1) chosen([...found.values()][0]);
    } catch { /* a seller's key lists no buyers */ }
  });
  input.addEventListener('input', look);
  return el('label', {}, el('span', {}, t('role.buyer')), input, names);
}

/** Two days as from and to, in this browser's zone. @param {() => void} changed */
export function dayFilters(changed) {
  const from = el('input', { type: 'date', name: 'from', testid: 'from', on: { change: changed } });
  const to = el('input', { type: 'date', name: 'to', testid: 'to', on: { change: changed } });
  const start = (value, days) => {
    if (!value) return '';
    const d = new Date(`${value}T00:00:00`);
    d.setDate(d.getDate() + days);
    return d.toISOString();
  };
  return { nodes: [el('label', {}, el('span', {}, t('filter.from')), from), el('label', {}, el('span', {}, t('filter.to')), to)],
    query: () => ({ from: start(from.value, 0), to: start(to.value, 1) }) };
}
