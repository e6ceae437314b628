/** How a page looks in another site's frame: the parameters accent, logo and hide of its address (docs/embedding.md). */

/** What may be hidden. What tells people that they are recorded, and how to leave, is not among it. */
const HIDDEN = new Set(['header', 'language', 'chat', 'share', 'settings', 'fullscreen', 'timer', 'minutes', 'quality']);
/** The keys of what is hidden do nothing either. */
const KEYS = { chat: 'c', share: 's', fullscreen: 'f' };
const GROUND = { light: [255, 255, 255], dark: [21, 30, 29] }; // --card of base.css
const READABLE = 4.5; // contrast of text, WCAG 2.2 section 1.4.3

/** @param {URLSearchParams} asked */
export function look(asked) {
  const accent = /^[0-9a-f]{6}$/i.exec(asked.get('accent') ?? '')?.[0];
  if (accent) paint(accent);
  const logo = picture(asked.get('logo'));
  const brand = document.querySelector('.brand');
  if (logo && brand) {
    const img = document.createElement('img');
    img.className = 'logo';
    img.alt = '';
    img.referrerPolicy = 'no-referrer';
    img.src = logo;
    brand.replaceChildren(img);
  }
  const hide = (asked.get('hide') ?? '').split(',').filter((word) => HIDDEN.has(word));
  document.body.dataset.hide = hide.join(' ');
  const keys = new Set(hide.map((word) => KEYS[word]).filter(Boolean));
  window.addEventListener('keydown', (e) => {
    const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(/** @type {HTMLElement} */ (e.target).tagName ?? '');
    if (!typing && keys.has(e.key.toLowerCase())) e.stopPropagation();
  }, true);
}

/** An address of a picture that the policy lets through: https or this server's. @param {string|null} text */
function picture(text) {
  if (!text) return '';
  try {
    const url = new URL(text, location.origin);
    return url.protocol === 'https:' || url.origin === location.origin ? url.href : '';
  } catch {
    return '';
  }
}

/** Sets the accent, moved towards black or white until text in it can be read. @param {string} hex */
function paint(hex) {
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const apply = () => {
    const ground = dark.matches ? GROUND.dark : GROUND.light;
    const ink = dark.matches ? [255, 255, 255] : [0, 0, 0];
    let c = [0, 2, 4].map((i) => parseInt(hex.slice(i, i + 2), 16));
    for (let i = 0; i < 20 && contrast(c, ground) < READABLE; i++) c = mix(c, ink, 0.1);
    const set = (name, color) => document.documentElement.style.setProperty(name, `rgb(${color.join(' ')})`);
    set('--accent', c);
    set('--accent-strong', mix(c, ink, 0.25));
    set('--accent-soft', mix(c, ground, 0.85));
    set('--on-accent', contrast(c, [255, 255, 255]) >= READABLE ? [255, 255, 255] : [0, 0, 0]);
  };
  dark.addEventListener('change', apply);
  apply();
}

const mix = (a, b, part) => a.map((v, i) => Math.round(v + (b[i] - v) * part));

/** WCAG 2.2, "contrast ratio" and "relative luminance". */
function contrast(a, b) {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}

function luminance(color) {
  const [r, g, b] = color.map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
