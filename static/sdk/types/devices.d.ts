/**
 * Camera, microphone, speaker and screen: opening, switching, levels, and why something is missing.
 *
 * Events (CustomEvent): `change` (the list of devices or an open track changed; detail {source} for a track),
 * `lost` ({source}: a device went away or the screen share was stopped by the browser's own button).
 */
import { ShowroomError } from './errors.js';
export type Source = import('./media.js').Source;
/** Whether this browser can share a screen (phones cannot). */
export declare const canShareScreen: () => boolean;
/** Whether this browser can choose the loudspeaker. */
export declare const canChooseSpeaker: () => boolean;
export declare class Devices extends EventTarget {
    #private;
    /** Chosen devices, by id; empty: the browser's choice. */
    chosen: {
        mic: string;
        camera: string;
        speaker: string;
    };
    constructor();
    /** @param {Source} source @returns {MediaStreamTrack|null} the open track */
    track(source: Source): MediaStreamTrack | null;
    /**
     * The devices there are; labels are empty until a permission was given.
     * @returns {Promise<{mic: MediaDeviceInfo[], camera: MediaDeviceInfo[], speaker: MediaDeviceInfo[]}>}
     */
    list(): Promise<{
        mic: MediaDeviceInfo[];
        camera: MediaDeviceInfo[];
        speaker: MediaDeviceInfo[];
    }>;
    /**
     * Opens the microphone or camera, or switches to another one.
     * @param {'mic'|'camera'} source
     * @param {string} [id] device id
     * @returns {Promise<MediaStreamTrack>} rejected with a ShowroomError: denied, blocked, missing, in_use, insecure, failed
     */
    open(source: 'mic' | 'camera', id?: string): Promise<MediaStreamTrack>;
    /**
     * Opens microphone and camera with one question to the person, and each alone where both together fail.
     * @param {Array<'mic'|'camera'>} sources
     * @returns {Promise<{mic: ShowroomError|null, camera: ShowroomError|null}>} what went wrong
     */
    start(sources: Array<'mic' | 'camera'>): Promise<{
        mic: ShowroomError | null;
        camera: ShowroomError | null;
    }>;
    /**
     * Asks the user for a screen or window. Resolves to what was chosen, audio where the browser gives it.
     * @returns {Promise<{screen: MediaStreamTrack, screen_audio: MediaStreamTrack|null}>}
     */
    openScreen(): Promise<{
        screen: MediaStreamTrack;
        screen_audio: MediaStreamTrack | null;
    }>;
    /** Stops a track and lets the device go (the camera's light goes out). @param {Source} source */
    close(source: Source): void;
    /** Lets everything go. */
    closeAll(): void;
}
/**
 * Loudness of a track, 0 to 1, about ten times a second.
 * @param {MediaStreamTrack} track
 * @param {(level: number) => void} tell
 * @returns {() => void} stops it
 */
export declare function meter(track: MediaStreamTrack, tell: (level: number) => void): () => void;
