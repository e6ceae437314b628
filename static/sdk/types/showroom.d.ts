export { ShowroomError } from './errors.js';
export { Devices, canChooseSpeaker, canShareScreen, meter } from './devices.js';
export type Source = import('./media.js').Source;
export type Received = import('./media.js').Received;
export type Participant = {
    id: string;
    role: 'seller' | 'buyer' | 'guest';
    name: string;
    state: 'knocking' | 'present' | 'reconnecting';
    audio: boolean;
    video: boolean;
    screen: boolean;
};
export type Minutes = {
    remaining_seconds: number;
    level: 'ok' | 'most' | 'low' | 'last' | 'out';
    limit?: 'month' | 'conference';
};
export type Recording = {
    state: 'off' | 'on' | 'failed';
    participants: string[];
    message?: string;
};
export type Chat = {
    n: number;
    participant: string;
    name: string;
    text: string;
    at: string;
};
export type Consent = {
    accepted: boolean;
    text: string;
    language: string;
    version?: string;
};
export type State = 'idle' | 'connecting' | 'knocking' | 'joined' | 'reconnecting' | 'ended';
/** @typedef {import('./media.js').Source} Source */
/** @typedef {import('./media.js').Received} Received */
/** @typedef {{id: string, role: 'seller'|'buyer'|'guest', name: string, state: 'knocking'|'present'|'reconnecting', audio: boolean, video: boolean, screen: boolean}} Participant */
/** @typedef {{remaining_seconds: number, level: 'ok'|'most'|'low'|'last'|'out', limit?: 'month'|'conference'}} Minutes */
/** @typedef {{state: 'off'|'on'|'failed', participants: string[], message?: string}} Recording */
/** @typedef {{n: number, participant: string, name: string, text: string, at: string}} Chat */
/** @typedef {{accepted: boolean, text: string, language: string, version?: string}} Consent */
/** @typedef {'idle'|'connecting'|'knocking'|'joined'|'reconnecting'|'ended'} State */
export declare class Showroom extends EventTarget {
    #private;
    /** @type {State} */ state: State;
    /** This participant, once welcomed. @type {Participant|null} */ you: Participant | null;
    /** The others, by id. @type {Map<string, Participant>} */ participants: Map<string, Participant>;
    /** Who waits at the door, by id (seller side). @type {Map<string, Participant>} */ knocking: Map<string, Participant>;
    /** @type {any} */ conference: any;
    /** By how much the server's clock is ahead of this one, ms; times of the conference are the server's. */
    skew: number;
    /** @type {Minutes|null} */ minutes: Minutes | null;
    /** @type {Recording} */ recording: Recording;
    /** @type {Chat[]} */ messages: Chat[];
    /** Connection quality by participant id. @type {Record<string, import('./quality.js').Level>} */ levels: Record<string, import('./quality.js').Level>;
    /** How long the server keeps this session after its socket broke, seconds. */
    resumeSeconds: number;
    /** The secret with which a reloaded page joins as the same session; changes with every welcome. */
    get resume(): string;
    /** What is received now: tracks with their participant and source. @returns {Received[]} */
    get received(): Received[];
    /** The PeerConnection of now, for statistics; null before admission. */
    get pc(): RTCPeerConnection;
    /** What `state` last told the others. */
    get live(): {
        audio: boolean;
        video: boolean;
        screen: boolean;
    };
    /**
     * Joins a conference. Resolves when the server welcomed this side, who may still be knocking.
     * @param {string} url address of the server's /ws
     * @param {string} token the part after # of the access link
     * @param {{resume?: string, takeover?: boolean}} [options]
     * @returns {Promise<any>} the welcome; rejected with a ShowroomError
     */
    join(url: string, token: string, options?: {
        resume?: string;
        takeover?: boolean;
    }): Promise<any>;
    /**
     * Sends a track, or another one in its place. May be called before joining. Tells the others what is live.
     * @param {Source} source
     * @param {MediaStreamTrack} track stays the caller's to stop
     */
    publish(source: Source, track: MediaStreamTrack): Promise<void>;
    /** Stops sending. @param {Source} source */
    unpublish(source: Source): Promise<void>;
    /**
     * Silences or blanks a published track without letting the device go, so that it is back at once.
     * @param {Source} source
     * @param {boolean} enabled
     */
    enable(source: Source, enabled: boolean): void;
    /**
     * Says whether this person may be recorded, with the words that were shown and their version. May be said again at any time, the last
     * answer counts; before joining it goes with the join, and during a break of the connection as soon as it is back.
     * @param {boolean} accepted
     * @param {string} text
     * @param {string} language
     * @param {string} [version]
     */
    consent(accepted: boolean, text: string, language: string, version?: string): void;
    /** The last answer given here. @returns {Consent|null} */
    get answered(): Consent | null;
    /** Lets a knocking participant in. @param {string} participant */
    admit(participant: string): void;
    /** Turns a knocking participant away. @param {string} participant */
    deny(participant: string): void;
    /** Puts a participant out of the call. @param {string} participant */
    remove(participant: string): void;
    /** Ends the call for everybody (seller side). */
    end(): void;
    /**
     * Writes to everybody. The text comes back as a `chat` event.
     * @param {string} text 1 to 2000 characters
     * @returns {boolean} false when there is no connection now
     */
    say(text: string): boolean;
    /** Leaves the call. The `bye` event follows at once. */
    leave(): void;
    /** Drops the socket and comes back with resume; for tests and for hosts that know the network changed. */
    reconnect(): void;
}
