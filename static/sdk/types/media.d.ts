export type Source = 'mic' | 'camera' | 'screen' | 'screen_audio';
export type Slot = {
    mid: string;
    participant: string;
    source: Source;
    kind: 'audio' | 'video';
};
export type Received = Slot & {
    track: MediaStreamTrack;
};
export declare class Media extends EventTarget {
    #private;
    /**
     * @param {import('./signal.js').Signal} signal
     * @param {RTCIceServer[]} [iceServers]
     */
    constructor(signal: import('./signal.js').Signal, iceServers?: RTCIceServer[]);
    /** The PeerConnection of now, for statistics. */
    get pc(): RTCPeerConnection;
    /** State of the PeerConnection, `new` before the first offer. */
    get state(): RTCPeerConnectionState;
    /** What is received now: the assigned slots with their tracks. @returns {Received[]} */
    get received(): Received[];
    /** Makes the first offer, on a new PeerConnection. */
    start(): Promise<void>;
    /**
     * After the socket came back: keeps a working PeerConnection, else restarts ICE, else starts anew.
     * @param {boolean} resumed what the welcome said
     */
    resume(resumed: boolean): Promise<void>;
    /** Restarts ICE: an offer with new credentials. */
    restart(): Promise<void>;
    /**
     * Sends a track, another one instead of it, or nothing (null). Never needs a new offer.
     * @param {Source} source
     * @param {MediaStreamTrack|null} track
     */
    setTrack(source: Source, track: MediaStreamTrack | null): Promise<void>;
    /** @param {Slot[]} slots the server's whole list */
    assign(slots: Slot[]): void;
    /**
     * The server has more to show than there are slots.
     * @param {number} audio
     * @param {number} video
     */
    addSlots(audio: number, video: number): Promise<void>;
    /** Stops receiving and sending; tracks given to setTrack are the caller's to stop. */
    close(): void;
}
