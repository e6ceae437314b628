/**
 * What survives a reload of this tab: the resume secret, the choices of the lobby and when it was last alive.
 * sessionStorage, keyed by conference; nothing here outlives the tab.
 */

/** @typedef {{resume: string, at: number, seconds: number, consent: any, wants: {mic: boolean, camera: boolean}, chosen: any}} Saved */

const key = (conference) => `showroom.session.${conference}`;

/** @param {string} conference @returns {Saved|null} */
export function load(conference) {
  try { return JSON.parse(sessionStorage.getItem(key(conference))); } catch { return null; }
}

/** @param {string} conference @param {Saved} saved */
export function save(conference, saved) {
  try { sessionStorage.setItem(key(conference), JSON.stringify(saved)); } catch { /* private mode: a reload asks again */ }
}

/** @param {string} conference */
export function forget(conference) {
  try { sessionStorage.removeItem(key(conference)); } catch { /* nothing was kept */ }
}

/** Whether the server still keeps the session. @param {Saved|null} saved */
export const isFresh = (saved) => Boolean(saved?.resume) && Date.now() - saved.at < saved.seconds * 1000;
