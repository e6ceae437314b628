/**
 * Connection quality from getStats: this side's uplink and downlink, and one word for both.
 *
 * Event (CustomEvent): `quality`, detail {level, uplink_loss, downlink_loss, rtt_ms, bitrate_in, bitrate_out},
 * losses as fractions of the last interval, bit rates in bits a second.
 */

/** @typedef {'good'|'fair'|'poor'|'lost'} Level */

const ORDER = ['good', 'fair', 'poor', 'lost'];
const INTERVAL_MS = 2_000;

/**
 * The worse of two levels; an unknown one does not count.
 * @param {Level|undefined} a
 * @param {Level|undefined} b
 * @returns {Level}
 */
export function worse(a, b) {
  return /** @type {Level} */ (ORDER[Math.max(ORDER.indexOf(a ?? ''), ORDER.indexOf(b ?? ''), 0)]);
}

/**
 * One word for figures.
 * @param {number} loss fraction
 * @param {number} rtt ms
 * @returns {Level}
 */
export function level(loss, rtt) {
  if (loss > 0.08 || rtt > 800) return 'poor';
  if (loss > 0.025 || rtt > 350) return 'fair';
  return 'good';
}

export class Quality extends EventTarget {
  #pc;
  #timer = 0;
  /** @type {Map<string, {lost: number, received: number}>} */ #before = new Map();
  #bytes = { in: 0, out: 0, at: 0 };

  /** @param {() => RTCPeerConnection|null} pc the PeerConnection of now */
  constructor(pc) {
    super();
    this.#pc = pc;
  }

  /** Starts measuring every two seconds. */
  start() {
    clearInterval(this.#timer);
    this.#timer = setInterval(() => this.#measure(), INTERVAL_MS);
  }

  /** Stops measuring. */
  stop() { clearInterval(this.#timer); }

  async #measure() {
    const pc = this.#pc();
    if (!pc) return;
    if (pc.connectionState !== 'connected') { this.#say({ level: 'lost', uplink_loss: 0, downlink_loss: 0, rtt_ms: 0, bitrate_in: 0, bitrate_out: 0 }); return; }
    let report;
    try { report = await pc.getStats(); } catch { return; } // closed meanwhile
    const now = { lost: 0, received: 0, up: 0, rtt: 0, in: 0, out: 0 };
    report.forEach((s) => this.#add(s, now));
    const seconds = (performance.now() - this.#bytes.at) / 1000;
    const downlink_loss = now.lost + now.received > 0 ? now.lost / (now.lost + now.received) : 0;
    const figures = {
      level: level(Math.max(downlink_loss, now.up), now.rtt), uplink_loss: now.up, downlink_loss, rtt_ms: now.rtt,
      bitrate_in: Math.max(0, (now.in - this.#bytes.in) * 8 / seconds), bitrate_out: Math.max(0, (now.out - this.#bytes.out) * 8 / seconds),
    };
    this.#bytes = { in: now.in, out: now.out, at: performance.now() };
    this.#say(figures);
  }

  #add(s, now) {
    if (s.type === 'inbound-rtp') {
      const b = this.#before.get(s.id) ?? { lost: 0, received: 0 };
      now.lost += Math.max(0, s.packetsLost - b.lost);
      now.received += Math.max(0, s.packetsReceived - b.received);
      this.#before.set(s.id, { lost: s.packetsLost, received: s.packetsReceived });
    } else if (s.type === 'remote-inbound-rtp') {
      now.up = Math.max(now.up, s.fractionLost ?? 0);
      now.rtt = Math.max(now.rtt, (s.roundTripTime ?? 0) * 1000);
    } else if (s.type === 'candidate-pair' && s.nominated) {
      now.rtt = Math.max(now.rtt, (s.currentRoundTripTime ?? 0) * 1000);
    } else if (s.type === 'transport') {
      now.in += s.bytesReceived ?? 0;
      now.out += s.bytesSent ?? 0;
    }
  }

  #say(detail) { this.dispatchEvent(new CustomEvent('quality', { detail })); }
}
