/**
 * What a page in another site's frame says to the page around it, and is told by it (docs/embedding.md, version 1).
 * The server lets only the configured origins frame a page (frame-ancestors); only they are spoken to and listened to.
 */
import { look } from './look.js';

const VERSION = 1;

/** Why a command was not done; `code` is in docs/embedding.md. */
export class Refusal extends Error {
  /** @param {string} code @param {string} message */
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

/**
 * @typedef {(event: string, detail?: Record<string, any>) => void} Tell
 * @param {'join'|'watch'} page
 * @param {Record<string, (m: any) => any>} commands by name; what one returns is in the answer, what it throws is the refusal
 * @returns {Tell} does nothing in a page that is not in a frame
 */
export function frame(page, commands) {
  const around = window.parent;
  if (around === window) return () => {};
  look(new URLSearchParams(location.search));
  const allowed = origins();
  const tell = async (event, detail = {}) => {
    for (const origin of addressees(await allowed)) around.postMessage({ showroom: VERSION, event, detail }, origin);
  };
  window.addEventListener('message', async (e) => {
    const m = e.data;
    if (e.source !== around || typeof m?.showroom !== 'number' || typeof m.command !== 'string') return;
    if (!(await allowed).includes(e.origin)) return;
    tell('answer', { id: m.id ?? null, command: m.command, ...await obey(commands, m) });
  });
  tell('ready', { page });
  return tell;
}

async function obey(commands, m) {
  try {
    if (m.showroom !== VERSION) throw new Refusal('unknown_version', `this server speaks version ${VERSION}`);
    if (!Object.hasOwn(commands, m.command)) throw new Refusal('unknown_command', `this page knows ${Object.keys(commands).join(', ')}`);
    return { ok: true, result: (await commands[m.command](m)) ?? null };
  } catch (err) {
    return { ok: false, code: err.code ?? 'internal', message: err.message };
  }
}

/** The origins that may frame this page; its own is always among them. @returns {Promise<string[]>} */
async function origins() {
  let listed = [];
  try {
    const response = await fetch('/embed.json', { cache: 'no-cache' });
    if (response.ok) listed = (await response.json()).origins;
  } catch { /* nobody is told anything, the call goes on */ }
  return [location.origin, ...listed.map((o) => new URL(o).origin)];
}

/** The origin around, where the browser tells it; else all that may be, of which the browser delivers to the right one. @param {string[]} allowed */
function addressees(allowed) {
  const around = location.ancestorOrigins?.[0];
  return around ? allowed.filter((o) => o === around) : allowed;
}
