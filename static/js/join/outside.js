/** The call in another site's frame: its events to the page around, and that page's commands. */
import { Refusal, frame } from '../frame/frame.js';
import { choose, languages } from '../text.js';

/** Reasons after which the conference is over for everybody. */
const OVER = new Set(['ended', 'minutes_exhausted', 'time_limit', 'conference_over', 'cancelled', 'conference_cancelled']);
const WITH_DEVICES = new Set(['lobby', 'knocking', 'call']);

/**
 * @param {import('./own.js').Own} own
 * @param {() => import('../../sdk/showroom.js').Showroom|null} room the one of now
 */
export function outside(own, room) {
  let phase = 'loading';
  let inside = false;

  function current() {
    const r = room();
    if (!r) throw new Refusal('not_in_call', 'nobody has joined here');
    return r;
  }

  /** @param {'mic'|'camera'} source */
  const turn = (source) => async ({ on }) => {
    if (typeof on !== 'boolean') throw new Refusal('bad_command', 'on: true or false');
    if (!WITH_DEVICES.has(phase)) throw new Refusal('not_in_call', 'the devices are not open yet');
    await own.set(source, on);
    const problem = on && own.problems[source];
    if (problem) throw new Refusal(problem.code, problem.message);
  };

  const live = () => ({ microphone: own.isOn('mic'), camera: own.isOn('camera'), screen: own.isOn('screen') });
  const tell = frame('join', {
    leave: () => current().leave(),
    end() {
      if (current().you?.role !== 'seller') throw new Refusal('forbidden', 'only the seller ends the call for everybody');
      current().end();
    },
    microphone: turn('mic'),
    camera: turn('camera'),
    language({ language }) {
      if (!languages.includes(language)) throw new Refusal('bad_command', `language: ${languages.join(', ')}`);
      choose(language);
    },
    status: () => ({ phase, ...live(), people: people(room()), recording: room()?.recording.state ?? 'off' }),
  });
  let before = '';
  own.addEventListener('change', () => {
    const now = live();
    if (JSON.stringify(now) !== before) tell('devices', now);
    before = JSON.stringify(now);
  });

  return {
    /** @param {string} name */
    phase(name) {
      if (name !== phase) tell('phase', { phase: name });
      phase = name;
    },

    /** Tells what happens in a room from now on. @param {import('../../sdk/showroom.js').Showroom} r */
    follow(r) {
      inside = false;
      let recording = '';
      const on = (types, f) => { for (const type of types) r.addEventListener(type, (e) => f(/** @type {CustomEvent} */ (e).detail)); };
      const recorded = () => {
        if (r.recording.state !== recording) tell('recording', { state: r.recording.state });
        recording = r.recording.state;
      };
      on(['welcome', 'admitted'], () => {
        if (r.state !== 'joined') return;
        if (!inside) tell('joined', { participant: r.you.id, role: r.you.role, conference: r.conference?.id });
        inside = true;
        recorded();
        tell('people', { people: people(r) });
      });
      on(['joined', 'changed', 'left'], () => tell('people', { people: people(r) }));
      on(['knock'], ({ participant }) => tell('knock', person(participant)));
      on(['recording'], recorded);
      on(['minutes'], ({ remaining_seconds, level }) => tell('minutes', { remaining_seconds, level }));
      on(['problem'], ({ code, message }) => tell('error', { code, message, final: false }));
    },

    /** Nothing follows but another try. @param {string} code @param {number} seconds how long the call was */
    over(code, seconds) {
      if (inside || code === 'left') tell('left', { reason: code, seconds });
      else tell('error', { code, final: true });
      if (OVER.has(code)) tell('ended', { reason: code });
      inside = false;
    },
  };
}

const person = ({ id, role, name }) => ({ id, role, name });
const people = (r) => [...(r?.participants.values() ?? [])].map(person);
