/** The watch page: all files of a recording as one, with one set of controls. */
import { derivedName, playable, poster, saving } from './derived.js';
import { byID, el, icon, placeIcons, setIcon } from './dom.js';
import { Refusal, frame } from './frame/frame.js';
import { begin, clock, dateTime, label, languageSwitch, put, size, suggest, t } from './text.js';
import { Conductor } from './watch/conductor.js';
import { BEHIND_MS, Live } from './watch/live.js';
import { Stage, drawLanes } from './watch/stage.js';
import { beginning, fileAt, lanes, length } from './watch/timeline.js';

const token = location.hash.slice(1);
const STEP_MS = 5_000;

/** @type {Conductor|null} */ let playing = null;
function player() {
  if (!playing) throw new Refusal('not_playing', 'there is nothing to play yet');
  return playing;
}
const tell = frame('watch', {
  play: () => player().play(),
  pause: () => player().pause(),
  seek({ seconds }) {
    if (!(seconds >= 0 && seconds < Infinity)) throw new Refusal('bad_command', 'seconds: 0 or more');
    player().seek(seconds * 1000);
  },
  status: () => ({ playing: playing?.playing ?? false, seconds: (playing?.time ?? 0) / 1000, duration: (playing?.length ?? 0) / 1000 }),
});

function show(phase) {
  for (const p of ['loading', 'message', 'player']) byID(p).hidden = p !== phase;
  document.body.dataset.phase = phase;
}

/** @param {string} title key @param {string} text key @param {boolean} [again] */
function message(title, text, again = false) {
  put(byID('message-title'), title);
  put(byID('message-text'), text);
  byID('again').hidden = !again;
  byID('again').onclick = () => location.reload();
  show('message');
  tell('error', { code: text.split('.')[1], final: !again && text !== 'watch.soon' });
  byID('message-title').focus();
}

async function load() {
  let response;
  try {
    response = await fetch('/api/v1/watch', { headers: { Authorization: `Bearer ${token}` }, cache: 'no-store' });
  } catch {
    return { code: 'network' };
  }
  const body = await response.json().catch(() => ({}));
  return response.ok ? { recording: body } : { code: body.code ?? 'internal' };
}

async function main() {
  begin();
  placeIcons();
  languageSwitch(byID('language'));
  window.addEventListener('hashchange', () => location.reload());
  if (!token) return message('watch.badTitle', 'watch.bad');
  const { recording, code } = await load();
  if (!recording) {
    if (code === 'token_expired') return message('watch.expiredTitle', 'watch.expired');
    if (/^(token_|unauthorized|not_found)/.test(code)) return message('watch.badTitle', 'watch.bad');
    return message('ended.broken', code === 'network' ? 'code.network' : 'code.internal', true);
  }
  suggest(recording.conference.language);
  if (recording.files.length) return play(recording);
  if (recording.state === 'recording' || recording.state === 'processing') {
    setTimeout(() => location.reload(), 5_000);
    return message('watch.soonTitle', 'watch.soon');
  }
  if (recording.state === 'deleting' || recording.state === 'deleted') return message('watch.noneTitle', 'watch.deleted');
  message('watch.noneTitle', recording.state === 'failed' ? 'watch.failed' : 'watch.none');
}

const runs = (recording) => recording.state === 'recording' || recording.state === 'processing';

/**
 * @param {any} recording what GET /watch said
 * @param {{at: number, playing: boolean}} [before] where a page was that is built anew, because somebody came or went while the call runs
 */
function play(recording, before) {
  const { files, conference } = recording;
  const rows = lanes(files);
  const ending = new AbortController();
  let total = Math.max(recording.duration_ms ?? 0, length(files));
  const stage = new Stage(byID('tiles'), rows);
  const conductor = new Conductor(rows, total, (f) => stage.video(f));
  const video = (f) => conductor.video(f);
  conductor.seek(beginning(files)); // a face greets, not "not in the call"
  let drawn = drawLanes(byID('lanes'), rows, total);
  conductor.live = runs(recording);

  function words() {
    document.title = `${conference.subject} · Showroom`;
    byID('title').textContent = conference.subject;
    byID('when').textContent = `${t('invitation.people', { seller: conference.seller.name, buyer: conference.buyer.name })} · ${dateTime(recording.origin ?? conference.starts_at)}`;
    byID('files').replaceChildren(...whole(), ...files.map(download));
    byID('duration').textContent = clock(total / 1000);
    byID('seek').max = String(total);
    state();
    tick();
  }

  function download(f) {
    const what = t(f.source.includes('screen') ? 'source.screen' : 'source.camera');
    return el('li', { testid: 'file' }, el('span', {}, el('strong', {}, f.participant_name || f.participant), el('span', { class: 'muted' }, `${what} · ${clock(f.duration_ms / 1000)} · ${size(f.size)}`)),
      f.live ? el('span', { class: 'muted' }, t('watch.live')) : el('a', { class: 'button plain', href: f.url, download: f.name, testid: 'download' }, icon('download'), t('console.download')));
  }

  /** Everybody in one file, where it was made. */
  function whole() {
    return playable(recording).map((d) => el('li', { testid: 'whole', data: { kind: d.kind } }, el('span', {}, el('strong', {}, derivedName(d)), el('span', { class: 'muted' }, `${clock(d.duration_ms / 1000)} · ${size(d.size)}`)),
      el('a', { class: 'button plain', href: saving(d.url), download: '', testid: `save-${d.kind}` }, icon('download'), t('console.download'))));
  }

  function tick() {
    const at = conductor.time;
    stage.render(at, video);
    drawn.play(at);
    byID('live').classList.toggle('on', total - at < BEHIND_MS + 4_000);
    byID('now').textContent = clock(at / 1000);
    byID('now').dataset.ms = String(Math.round(at));
    if (!seeking) byID('seek').value = String(at);
    byID('seek').setAttribute('aria-valuetext', t('watch.position', { now: clock(at / 1000), total: clock(total / 1000) }));
  }

  function state() {
    const on = conductor.playing;
    setIcon(byID('play'), on ? 'pause' : 'play');
    label(byID('play'), on ? 'watch.pause' : 'watch.play');
    byID('big-play').hidden = on;
    byID('waiting').hidden = !conductor.waiting;
    byID('live').hidden = !conductor.live;
    byID('player').dataset.state = conductor.waiting ? 'waiting' : on ? 'playing' : conductor.ended ? 'ended' : 'paused';
  }

  let seeking = false;
  const toggle = () => (conductor.playing ? conductor.pause() : conductor.play());
  const toEnd = () => conductor.seek(conductor.live ? total - BEHIND_MS : total);
  byID('live').onclick = () => { toEnd(); if (!conductor.playing) conductor.play(); };
  const step = (ms) => conductor.seek(conductor.time + ms);
  const seek = byID('seek');
  seek.oninput = () => { seeking = true; conductor.seek(Number(seek.value)); };
  seek.onchange = () => { seeking = false; };
  byID('play').onclick = toggle;
  byID('big-play').onclick = toggle;
  byID('tiles').onclick = toggle;
  byID('speed').onchange = () => { conductor.rate = Number(byID('speed').value); };
  const full = () => (document.fullscreenElement ? document.exitFullscreen() : byID('screen').requestFullscreen?.())?.catch(() => {});
  byID('full').onclick = full;

  let muted = false;
  const sound = () => {
    conductor.sound(Number(byID('volume').value), muted);
    const silent = muted || Number(byID('volume').value) === 0;
    setIcon(byID('sound'), silent ? 'speaker-off' : 'speaker');
    label(byID('sound'), silent ? 'watch.unmute' : 'watch.mute');
  };
  byID('volume').oninput = () => { muted = false; sound(); };
  byID('sound').onclick = () => { muted = !muted; sound(); };

  const keys = { ' ': toggle, k: toggle, ArrowLeft: () => step(-STEP_MS), ArrowRight: () => step(STEP_MS), Home: () => conductor.seek(0), End: toEnd, l: () => { if (conductor.live) byID('live').click(); }, f: full, m: () => byID('sound').click() };
  /** What has been recorded since; false when the page was built anew with it. */
  function news(next) {
    if (!runs(next) || next.files.map((f) => f.name).join() !== files.map((f) => f.name).join()) {
      const before = { at: conductor.time, playing: conductor.playing };
      ending.abort();
      conductor.close();
      play(next, before);
      return false;
    }
    next.files.forEach((f, i) => Object.assign(files[i], f));
    total = Math.max(next.duration_ms, length(files));
    conductor.length = total;
    drawn = drawLanes(byID('lanes'), rows, total);
    byID('duration').textContent = clock(total / 1000);
    byID('seek').max = String(total);
    tick();
    return true;
  }

  document.addEventListener('keydown', (e) => {
    const at = /** @type {HTMLElement} */ (e.target);
    if (e.ctrlKey || e.metaKey || e.altKey || at.tagName === 'SELECT' || at.id === 'volume') return;
    if (e.key === ' ' && /^(BUTTON|A)$/.test(at.tagName)) return; // the key presses it
    const action = keys[e.key.length === 1 ? e.key.toLowerCase() : e.key];
    if (action) { e.preventDefault(); action(); }
  }, { signal: ending.signal });

  conductor.addEventListener('tick', tick);
  conductor.addEventListener('state', () => { state(); tick(); });
  playing = conductor;
  let ran = false;
  conductor.addEventListener('state', () => {
    if (conductor.playing !== ran) tell(conductor.playing ? 'playing' : 'paused', { seconds: conductor.time / 1000 });
    ran = conductor.playing;
  });
  document.addEventListener('languagechange', words, { signal: ending.signal });
  const often = setInterval(() => { drawn.load(video); if (!conductor.playing) tick(); }, 500);
  ending.signal.addEventListener('abort', () => clearInterval(often));
  if (conductor.live) {
    const live = new Live(stage, conductor, files, async () => (await load()).recording, news);
    ending.signal.addEventListener('abort', () => live.close());
  } else {
    watchErrors(files, video, conductor);
  }
  conductor.rate = Number(byID('speed').value);
  sound();
  words();
  show('player');
  if (!before) tell('loaded', { duration: total / 1000 });
  if (!before) still(poster(recording), files.map(video));
  if (before) conductor.seek(before.at);
  if (before?.playing) conductor.play();
  /** @type {any} */ (window).showroomPlayer = { conductor, fileAt: (i) => fileAt(rows[i], conductor.time) }; // for tests and the curious
}

/** Shows a still until the first picture is there. */
function still(d, videos) {
  const img = byID('poster');
  if (!d) return;
  img.src = d.url;
  img.hidden = false;
  for (const v of videos) v.addEventListener('loadeddata', () => { img.hidden = true; }, { once: true });
}

/** Says when a file cannot be loaded: most often the addresses in an open page have expired. */
function watchErrors(files, video, conductor) {
  for (const f of files) {
    video(f).addEventListener('error', () => {
      const expired = f.expires_at && new Date(f.expires_at) < new Date();
      const note = byID('note');
      put(note, expired ? 'watch.pageExpired' : 'watch.fileFailed');
      note.hidden = false;
      if (expired) conductor.pause();
    });
  }
}

main();
