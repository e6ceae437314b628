/**
 * Errors of the Showroom SDK.
 *
 * `code` is one of the stable words of docs/protocol.md, or one of the client's own:
 * `network` (the server could not be reached), `closed` (the session is over),
 * `timeout` (no reply in time), `unsupported` (the browser lacks something),
 * and for devices `denied`, `blocked`, `missing`, `in_use`, `insecure`, `failed`.
 */
export declare class ShowroomError extends Error {
    /** @type {string} */
    code: string;
    /**
     * @param {string} code
     * @param {string} message words for people
     * @param {unknown} [cause]
     */
    constructor(code: string, message: string, cause?: unknown);
}
