export declare class ShowroomCall extends HTMLElement {
    #private;
    static observedAttributes: string[];
    constructor();
    connectedCallback(): void;
    disconnectedCallback(): void;
    attributeChangedCallback(): void;
    /** Leaves the call, or stops waiting at the door. */
    leave(): Promise<any>;
    /** Ends the call for everybody (seller). */
    end(): Promise<any>;
    /** @param {boolean} on */
    microphone(on: boolean): Promise<any>;
    /** @param {boolean} on */
    camera(on: boolean): Promise<any>;
    /** Plays a recording. */
    play(): Promise<any>;
    /** Halts a recording. */
    pause(): Promise<any>;
    /** Goes to a place of a recording. @param {number} seconds */
    seek(seconds: number): Promise<any>;
    /** What is going on in the frame. */
    status(): Promise<any>;
    /**
     * Any command of docs/embedding.md.
     * @param {string} command
     * @param {Record<string, any>} [more] what goes besides
     * @returns {Promise<any>} its result; rejected with a ShowroomError
     */
    command(command: string, more?: Record<string, any>): Promise<any>;
}
