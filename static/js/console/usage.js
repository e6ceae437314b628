/** The minutes of a seller: the month, call by call, earlier months, who gave how many, and a file for spreadsheets. */
import { el, icon } from '../dom.js';
import { clock, date, dateTime, number, t } from '../text.js';
import { failure, head, words } from './parts.js';

/** How much of a month is used. @param {any} u @returns {Node[]} */
export function bar(u) {
  const share = u.cap_seconds ? Math.min(1, u.used_seconds / u.cap_seconds) : 1;
  const fill = el('span');
  fill.style.width = `${share * 100}%`;
  return [el('div', { class: share >= 0.8 ? 'bar high' : 'bar', role: 'img', 'aria-label': number(share, { style: 'percent' }) }, fill),
    el('p', { testid: 'used', data: { seconds: String(u.used_seconds), cap: String(u.cap_seconds) } }, t('console.usedOf', { used: clock(u.used_seconds), cap: number(u.cap_seconds / 60), left: clock(u.remaining_seconds) }))];
}

/** A month by its name, 2026-11. @param {string} month */
const monthName = (month) => date(`${month}-15T12:00:00Z`, { month: 'long', year: 'numeric', timeZone: 'UTC' });

/** @param {import('./parts.js').Place} place @param {string} id */
export async function usage({ api, show, signal }, id) {
  const path = `/sellers/${encodeURIComponent(id)}`;
  const [s, months, settings] = await Promise.all([api.get(path), api.get(`${path}/usage/months`), api.get(`${path}/usage/settings`)]);
  if (signal.aborted) return;
  const choice = el('select', { testid: 'usage-month', 'aria-label': t('console.month') }, ...months.data.map((u) => el('option', { value: u.month }, monthName(u.month))));
  const save = el('button', { class: 'plain small', testid: 'usage-csv' }, icon('download'), t('usage.csv'));
  const problem = el('p', { class: 'error', role: 'alert', hidden: true });
  const calls = el('div', { class: 'stack' });
  show(head(t('console.usage'), { back: `#/sellers/${id}`, backText: s.name }),
    el('section', { class: 'card', testid: 'usage' }, el('header', {}, choice, save), problem, calls),
    el('section', { class: 'card', testid: 'months' }, el('header', {}, el('h2', {}, t('usage.months'))), table(['console.month', 'usage.spent', 'usage.cap'],
      months.data.map((u) => [monthName(u.month), clock(u.used_seconds), t('usage.minutes', { n: number(u.cap_seconds / 60) })]), 'month')),
    el('section', { class: 'card', testid: 'settings' }, el('header', {}, el('h2', {}, t('usage.settings'))), table(['usage.when', 'usage.who', 'usage.cap', 'usage.limit'],
      settings.data.map((x) => [dateTime(x.at), who(x), t('usage.minutes', { n: number(x.monthly_minutes) }), limit(x.conference_minutes)]), 'setting')));

  async function load() {
    const month = choice.value;
    calls.replaceChildren(el('span', { class: 'spinner' }));
    try {
      const u = await api.get(`${path}/usage/calls?month=${month}`);
      if (signal.aborted || month !== choice.value) return;
      calls.replaceChildren(...bar(u), u.data.length ? table(['console.startsAt', 'console.subject', 'role.buyer', 'usage.spent'],
        u.data.map((c) => [date(c.from, { dateStyle: 'medium', timeStyle: 'short', timeZone: u.time_zone }), el('a', { href: `#/conferences/${c.conference}` }, c.subject || t('console.noSubject')), c.buyer.name, clock(c.seconds)]), 'usage-call')
        : el('p', { class: 'muted', testid: 'no-usage' }, t('usage.none')),
      el('p', { class: 'hint' }, t('usage.zone', { zone: u.time_zone })));
    } catch (err) {
      if (!signal.aborted) calls.replaceChildren(failure(err, load));
    }
  }
  choice.onchange = load;
  save.onclick = async () => {
    problem.hidden = true;
    save.disabled = true;
    try {
      await download(await api.file(`${path}/usage.csv?month=${choice.value}`), `usage-${choice.value}.csv`);
    } catch (err) {
      problem.textContent = words(err);
      problem.hidden = false;
    }
    save.disabled = false;
  };
  await load();
}

const who = (x) => x.by_name || (x.by === 'system' ? t('usage.system') : x.by);
const limit = (minutes) => (minutes ? t('usage.minutes', { n: number(minutes) }) : t('usage.noLimit'));

/** Saves a table; the mark before it tells spreadsheets that it is UTF-8. @param {Blob} file @param {string} name */
async function download(file, name) {
  const url = URL.createObjectURL(new Blob(['\ufeff', file], { type: 'text/csv' }));
  el('a', { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** @param {string[]} columns keys of the text table @param {(string|Node)[][]} rows @param {string} testid of a row */
const table = (columns, rows, testid) => el('div', { class: 'scroll', tabIndex: 0, role: 'region', 'aria-label': t(columns[0]) }, el('table', {},
  el('thead', {}, el('tr', {}, ...columns.map((key) => el('th', { scope: 'col' }, t(key))))),
  el('tbody', {}, ...rows.map((row) => el('tr', { testid }, ...row.map((cell) => el('td', {}, cell)))))));
