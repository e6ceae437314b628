/**
 * The files of a recording on one time line: who has which file when. Pure; times are milliseconds.
 */

/** @typedef {{name: string, participant: string, participant_name: string, role: string, source: string, offset_ms: number, duration_ms: number, url: string, size: number, live?: boolean, gaps?: Gap[]}} File */
/** @typedef {{track: string, start_ms: number, end_ms: number, reason: string}} Gap */
/** @typedef {{key: string, participant: string, name: string, screen: boolean, files: File[]}} Lane */

const ROLES = ['seller', 'buyer', 'guest'];
const SHOWN_GAP_MS = 1_500; // a camera that is off for less keeps its last picture

/**
 * One lane a person and one a shared screen; a person's later files follow the earlier ones.
 * @param {File[]} files
 * @returns {Lane[]}
 */
export function lanes(files) {
  /** @type {Map<string, Lane>} */ const all = new Map();
  const order = [...files].sort((a, b) => a.offset_ms - b.offset_ms);
  for (const f of order) {
    const screen = f.source.includes('screen');
    const key = `${f.participant}:${screen ? 'screen' : 'camera'}`;
    const lane = all.get(key) ?? { key, participant: f.participant, name: f.participant_name || f.participant, screen, files: [] };
    lane.files.push(f);
    all.set(key, lane);
  }
  const role = (l) => ROLES.indexOf(l.files[0].role);
  return [...all.values()].sort((a, b) => Number(a.screen) - Number(b.screen) || role(a) - role(b));
}

/** When the first file begins. @param {File[]} files */
export const beginning = (files) => Math.min(...files.map((f) => f.offset_ms));

/** The end of the last file. @param {File[]} files */
export const length = (files) => files.reduce((end, f) => Math.max(end, f.offset_ms + f.duration_ms), 0);

/** The file of a lane at a time; where two overlap, the later one. @param {Lane} lane @param {number} at @returns {File|null} */
export const fileAt = (lane, at) => lane.files.findLast((f) => at >= f.offset_ms && at < f.offset_ms + f.duration_ms) ?? null;

/** Whether a file has a picture at a time. @param {File} f @param {number} at on the common line */
export function hasPicture(f, at) {
  const t = at - f.offset_ms;
  return !(f.gaps ?? []).some((g) => g.track === 'video' && g.end_ms - g.start_ms > SHOWN_GAP_MS && t >= g.start_ms && t < g.end_ms);
}
