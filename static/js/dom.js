/** Building and finding elements; text goes in by textContent only (docs: no markup from data). */

/**
 * The element with an id; a missing one is a bug of the page.
 * @param {string} id
 * @returns {any}
 */
export function byID(id) {
  const e = document.getElementById(id);
  if (!e) throw new Error(`no element #${id} in this page`);
  return e;
}

/**
 * An element. Properties are set as properties where the element has them, else as attributes;
 * `on` holds event listeners, `data` data-attributes, `class` the class.
 * @param {string} tag
 * @param {Record<string, any>} [props]
 * @param {...(Node|string|null|undefined|false)} children
 * @returns {any}
 */
export function el(tag, props = {}, ...children) {
  const e = document.createElement(tag);
  for (const [k, v] of Object.entries(props)) {
    if (v === undefined || v === null || v === false) continue;
    if (k === 'on') for (const [type, f] of Object.entries(v)) e.addEventListener(type, f);
    else if (k === 'data') Object.assign(e.dataset, v);
    else if (k === 'class') e.className = v;
    else if (k === 'testid') e.setAttribute('data-testid', v);
    else if (k in e && !k.startsWith('aria') && k !== 'list' && k !== 'form') /** @type {any} */ (e)[k] = v;
    else e.setAttribute(k, v === true ? '' : v);
  }
  e.append(...children.filter((c) => c !== null && c !== undefined && c !== false).map((c) => /** @type {any} */ (c)));
  return e;
}

const SVG = 'http://www.w3.org/2000/svg';

/** A picture from icons.svg, hidden from screen readers. @param {string} name */
export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS(SVG, 'use');
  use.setAttribute('href', `/static/icons.svg#${name}`);
  svg.append(use);
  return svg;
}

/** Puts the pictures into every element with data-icon below root. @param {ParentNode} [root] */
export function placeIcons(root = document) {
  for (const e of root.querySelectorAll('[data-icon]')) setIcon(e, /** @type {HTMLElement} */ (e).dataset.icon);
}

/** Shows another picture in an element. @param {Element} e @param {string} name */
export function setIcon(e, name) {
  const old = e.querySelector(':scope > svg.icon');
  if (old) old.querySelector('use').setAttribute('href', `/static/icons.svg#${name}`);
  else e.prepend(icon(name));
}

/** Up to two letters that stand for a name. @param {string} name */
export function initials(name) {
  const words = name.trim().split(/\s+/).filter(Boolean);
  const letters = words.length > 1 ? [words[0], words[words.length - 1]] : words;
  return letters.map((w) => [...w][0]).join('').toLocaleUpperCase() || '?';
}

/** A hue from a name, so that the same person has the same colour everywhere. @param {string} name */
export function hue(name) {
  let h = 0;
  for (const c of name) h = (h * 31 + c.codePointAt(0)) % 360;
  return h;
}

/** Copies text, also where the clipboard API is missing (a page without TLS). @param {string} text */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = el('textarea', { value: text, class: 'offscreen' });
    document.body.append(area);
    area.select();
    document.execCommand('copy');
    area.remove();
  }
}
