/** The question whether one may be recorded: its words, their version and the answer as the log keeps it. */
import { language, t } from './text.js';

/** Of the words `consent.text` in all languages. Give them a new one with every change: it is evidence. A test holds them together. */
export const VERSION = '2026-11-25';

/** @param {any} conference @returns {string} the words */
export const consentText = (conference) => t('consent.text', { seller: conference.seller.name });

/** @param {any} conference @param {boolean} accepted @returns {import('../sdk/showroom.js').Consent} */
export const consentAnswer = (conference, accepted) => ({ accepted, text: consentText(conference), language: language(), version: VERSION });

/** Whether the question is asked at all. @param {any} conference */
export const asksConsent = (conference) => conference.recording === 'on';

/** Whether nobody is let in who says no. @param {any} conference */
export const needsConsent = (conference) => asksConsent(conference) && conference.without_consent === 'no_call';
