/**
 * What may be told of an address, in the log as in the process's own: not its query, and no segment that can be
 * no name or id of ours, because it may be anybody's e-mail address, or that looks like a secret: somebody who puts
 * a key into a path by mistake must not have it kept for ever.
 */
import { defaultCustomerCredentials } from './customer-credentials.ts';

const ofOurs = /^[A-Za-z0-9._$-]{1,100}$/;

/** Tokens of our own, JSON Web Tokens, and what is too long and too mixed to be a name. */
const secrets = [/^qd[a-z]_/, /^eyJ/, /^(?=.*[a-z])(?=.*[A-Z])(?=.*\d)[A-Za-z0-9_-]{40,}$/];

const looksSecret = (segment: string, patterns: readonly RegExp[]): boolean =>
  [...secrets, ...defaultCustomerCredentials.patterns, ...patterns].some((pattern) => pattern.test(segment));

/** `patterns`: what the policy says customers' keys look like, beside those that are known anyway. */
export const toldPath = (url: string, patterns: readonly RegExp[] = []): string =>
  (url.split('?', 1)[0] ?? '').replaceAll(/[^/]+/g, (segment) =>
    ofOurs.test(segment) && !looksSecret(segment, patterns) ? segment : '…',
  );
