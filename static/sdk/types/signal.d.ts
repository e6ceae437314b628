export type Message = {
    type: string;
    id?: string | number;
    [field: string]: any;
};
export declare class Signal extends EventTarget {
    #private;
    /** The answer to the question about recording that comes with every join. @type {object|null} */ consent: object | null;
    /** @param {string} url ws: or wss: address of the server's /ws */
    constructor(url: string);
    /** The secret with which a broken session is taken up again. */
    get resume(): string;
    /** Whether requests can be sent now. */
    get isOpen(): boolean;
    /**
     * Joins, trying a few times when the server cannot be reached.
     * @param {string} token
     * @param {{resume?: string, takeover?: boolean}} [options]
     * @returns {Promise<Message>} the welcome
     */
    open(token: string, { resume, takeover }?: {
        resume?: string;
        takeover?: boolean;
    }): Promise<Message>;
    /**
     * Sends a message and waits for the reply that repeats its id.
     * @param {string} type
     * @param {object} [fields]
     * @returns {Promise<Message>} rejected with a ShowroomError for an `error` reply
     */
    request(type: string, fields?: object): Promise<Message>;
    /**
     * Sends a message that has no reply.
     * @param {string} type
     * @param {object} [fields]
     * @returns {boolean} false when there is no socket now
     */
    send(type: string, fields?: object): boolean;
    /** Closes for good; nothing is retried after it. */
    close(): void;
    /** Closes the socket now and comes back; for a caller who knows that the network changed. */
    drop(): void;
}
