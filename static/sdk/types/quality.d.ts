/**
 * Connection quality from getStats: this side's uplink and downlink, and one word for both.
 *
 * Event (CustomEvent): `quality`, detail {level, uplink_loss, downlink_loss, rtt_ms, bitrate_in, bitrate_out},
 * losses as fractions of the last interval, bit rates in bits a second.
 */
export type Level = 'good' | 'fair' | 'poor' | 'lost';
/**
 * The worse of two levels; an unknown one does not count.
 * @param {Level|undefined} a
 * @param {Level|undefined} b
 * @returns {Level}
 */
export declare function worse(a: Level | undefined, b: Level | undefined): Level;
/**
 * One word for figures.
 * @param {number} loss fraction
 * @param {number} rtt ms
 * @returns {Level}
 */
export declare function level(loss: number, rtt: number): Level;
export declare class Quality extends EventTarget {
    #private;
    /** @param {() => RTCPeerConnection|null} pc the PeerConnection of now */
    constructor(pc: () => RTCPeerConnection | null);
    /** Starts measuring every two seconds. */
    start(): void;
    /** Stops measuring. */
    stop(): void;
}
