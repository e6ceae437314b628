/** The reference of the HTTP API: the OpenAPI file, for people. */
import { byID, el } from './dom.js';
import { begin, languageSwitch, t } from './text.js';

const VERBS = ['get', 'post', 'put', 'patch', 'delete'];
const DEPTH = 6; // of fields in fields

/** @type {any} */ let file = null;

/** What a $ref points to, with what stands beside it. @param {any} v */
function resolve(v) {
  if (!v?.$ref) return v ?? {};
  const { $ref, ...beside } = v;
  const found = $ref.slice(2).split('/').reduce((at, key) => at?.[key], file);
  return { ...resolve(found), ...beside };
}

/** Text with `code` in it, a blank line for a paragraph. @param {string} [text] @returns {Node[]} */
function prose(text = '') {
  return text.trim().split(/\n\s*\n/).filter(Boolean).map((p) => el('p', {}, ...coded(p)));
}

const coded = (text) => text.split('`').map((part, i) => (i % 2 ? el('code', {}, part) : part));

/** A schema's kind in a few words. @param {any} s */
function kind(s) {
  if (s.enum) return [s.enum.map((v) => `"${v}"`).join(' | '), s.default && t('api.default', { value: s.default })].filter(Boolean).join(', ');
  const type = Array.isArray(s.type) ? s.type.join(' | ') : s.type ?? '';
  const more = [];
  if (s.type === 'array') return `${kind(resolve(s.items)) || 'object'}[]`;
  if (s.format) more.push(s.format);
  if (s.minimum !== undefined || s.maximum !== undefined) more.push(`${s.minimum ?? ''}–${s.maximum ?? ''}`);
  if (s.maxLength) more.push(t('api.upTo', { n: s.maxLength }));
  if (s.default !== undefined) more.push(t('api.default', { value: String(s.default) }));
  if (s.examples?.length) more.push(`${t('api.example')} ${s.examples[0]}`);
  return [type, ...more].filter(Boolean).join(', ');
}

/** @param {string} name @param {any} schema @param {boolean} needed @param {number} depth */
function line(name, schema, needed, depth) {
  const s = resolve(schema);
  return el('li', {}, el('code', {}, name), el('small', {}, kind(s)), needed && el('small', { class: 'needed' }, t('api.required')),
    ...prose(s.description), depth < DEPTH && fields(s.type === 'array' ? resolve(s.items) : s, depth + 1));
}

/** The fields of an object, or nothing. @param {any} s @param {number} [depth] */
function fields(s, depth = 0) {
  if (s['x-types']) return el('ul', { class: 'fields' }, ...Object.entries(s['x-types']).map(([name, text]) => el('li', {}, el('code', {}, name), ...prose(text))));
  const needed = s.required ?? [];
  const names = [...needed, ...Object.keys(s.properties ?? {}).filter((n) => !needed.includes(n))];
  if (!names.length) return null;
  return el('ul', { class: 'fields' }, ...names.map((n) => line(n, s.properties[n], needed.includes(n), depth)));
}

/** Who may ask, in words. @param {any} op */
function who(op) {
  const [[scheme, scopes]] = Object.entries((op.security ?? [{}])[0]).length ? Object.entries(op.security[0]) : [['', []]];
  if (!scheme) return t('api.anybody');
  return scheme === 'apiKey' ? `${t('api.key')} ${scopes.join(', ')}` : t(`api.who.${scheme}`);
}

/** A request to copy. @param {string} verb @param {string} path @param {any} op */
function example(verb, path, op) {
  const lines = [`curl ${verb === 'get' ? '' : `-X ${verb.toUpperCase()} `}${location.origin}${path}`];
  if (op.security?.[0] && !op.security[0].signature) lines.push(`-H 'Authorization: Bearer ${op.security[0].apiKey ? 'sk_…' : 'TOKEN'}'`);
  const body = resolve(op.requestBody).content?.['application/json'];
  if (body) {
    const s = resolve(body.schema);
    const sample = Object.fromEntries((s.required ?? []).map((n) => [n, sampleOf(resolve(s.properties[n]))]));
    lines.push("-H 'Content-Type: application/json'", `-d '${JSON.stringify(sample)}'`);
  }
  return el('pre', { tabIndex: 0, 'aria-label': t('api.request') }, lines.join(' \\\n  '));
}

function sampleOf(s) {
  if (s.examples) return s.examples[0];
  if (s.enum) return s.enum[0];
  if (s.type === 'integer') return s.minimum ?? 1;
  if (s.type === 'array') return [];
  if (s.type === 'object') return {};
  return s.pattern ? `${s.pattern.replace(/^\^/, '')}…` : '…';
}

function operation(verb, path, item, op) {
  const parameters = [...(item.parameters ?? []), ...(op.parameters ?? [])].map(resolve);
  const body = resolve(op.requestBody).content?.['application/json'];
  const answers = Object.entries(op.responses).filter(([status]) => status !== 'default').map(([status, r]) => answer(status, resolve(r)));
  return el('details', { class: 'operation', id: op.operationId, testid: 'operation' },
    el('summary', {}, el('code', { class: 'verb', data: { verb: verb.toUpperCase() } }, verb.toUpperCase()), el('code', {}, path), el('span', {}, op.summary)),
    el('div', { class: 'body' }, ...prose(op.description), el('p', { class: 'muted' }, who(op)), example(verb, path, op),
      ...(parameters.length ? [el('h3', {}, t('api.parameters')), el('ul', { class: 'fields' }, ...parameters.map((p) => line(p.in === 'header' ? `${p.name}:` : p.name, { description: p.description, ...resolve(p.schema), ...(p.description && { description: p.description }) }, p.required, DEPTH)))] : []),
      ...(body ? [el('h3', {}, t('api.body')), fields(resolve(body.schema)) ?? el('p', { class: 'muted' }, '{}')] : []), ...answers.flat()));
}

function answer(status, r) {
  const [type, content] = Object.entries(r.content ?? {})[0] ?? [];
  return [el('h3', {}, `${status} `, el('span', { class: 'muted' }, `${r.description}${type && type !== 'application/json' ? ` (${type})` : ''}`)), content?.schema && fields(resolve(content.schema))].filter(Boolean);
}

function draw() {
  const byTag = new Map(file.tags.map((tag) => [tag.name, []]));
  for (const path of Object.keys(file.paths).sort()) {
    for (const verb of VERBS) {
      const op = file.paths[path][verb];
      if (op) byTag.get(op.tags[0]).push({ verb, path, op, node: operation(verb, path, file.paths[path], op) });
    }
  }
  const view = byID('view');
  const problem = fields(file.components.schemas.Problem);
  view.replaceChildren(el('section', { class: 'intro' }, el('h1', {}, file.info.title), ...prose(file.info.description), el('h2', {}, t('api.errors')), problem),
    ...[...byTag].map(([name, ops]) => el('section', { class: 'tag', id: slug(name) }, el('h2', {}, name), ...prose(file.tags.find((g) => g.name === name).description), ...ops.map((o) => o.node),
      name === 'Events' && fields(file.components.schemas.EventTypes))));
  const find = el('input', { type: 'search', placeholder: t('api.find'), 'aria-label': t('api.find'), testid: 'find' });
  const links = [...byTag].map(([name, ops]) => el('section', {}, el('h2', {}, el('a', { href: `#${slug(name)}` }, name)),
    el('ul', {}, ...ops.map((o) => el('li', {}, el('a', { href: `#${o.op.operationId}` }, o.op.summary))))));
  find.oninput = () => {
    const word = find.value.trim().toLowerCase();
    for (const o of [...byTag.values()].flat()) o.node.hidden = !`${o.verb} ${o.path} ${o.op.summary} ${o.op.operationId}`.toLowerCase().includes(word);
  };
  byID('contents').replaceChildren(find, ...links);
  goTo();
}

const slug = (name) => name.toLowerCase().replaceAll(' ', '-');

/** Opens what the address names. */
function goTo() {
  const e = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
  if (!e) return;
  if (e instanceof HTMLDetailsElement) e.open = true;
  e.scrollIntoView();
}

async function main() {
  begin();
  languageSwitch(byID('language'));
  window.addEventListener('hashchange', goTo);
  try {
    const response = await fetch('/api/openapi.json');
    if (!response.ok) throw new Error(String(response.status));
    file = await response.json();
  } catch {
    byID('view').replaceChildren(el('p', { class: 'error', role: 'alert' }, t('code.network')));
    return;
  }
  document.addEventListener('languagechange', draw);
  draw();
}

main();
