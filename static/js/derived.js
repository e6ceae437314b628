/** The files that were made of a recording after the call, for the pages that offer them. */
import { t } from './text.js';

/** @param {any} d a derived file @returns {string} such as "Video (MP4)" */
export const derivedName = (d) => `${t(`composed.${d.kind}`)} (${d.name.split('.').pop().toUpperCase()})`;

/** The address that saves instead of playing. @param {string} url */
export const saving = (url) => `${url}&download=1`;

/** Videos first, then the sound. @param {any} rec */
export const playable = (rec) => (rec.derived ?? []).filter((d) => d.kind === 'video' || d.kind === 'audio').sort((a, b) => b.kind.localeCompare(a.kind));

/** The still that stands for a recording. @param {any} rec */
export const poster = (rec) => (rec.derived ?? []).find((d) => d.kind === 'poster');
