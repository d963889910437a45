/** What we know of a request beside what oidc-provider sees of it, and who is signed in where it came from. */
import type { IncomingMessage } from 'node:http';
import { type Cookies, cookieIn } from '../cookies.ts';
import type { Session, Sessions } from '../sessions.ts';

export interface RequestFacts {
  /** The client's address behind trusted proxies. */
  readonly ip: string;
  /** A code that a link to the page for devices carried; shown in its field, never submitted by itself. */
  readonly userCode?: string | undefined;
}

const facts = new WeakMap<IncomingMessage, RequestFacts>();

export const setFacts = (request: IncomingMessage, known: RequestFacts): void => {
  facts.set(request, known);
};

export const factsOf = (request: IncomingMessage): RequestFacts => facts.get(request) ?? { ip: '' };

export type SessionOf = (request: IncomingMessage) => Promise<Session | undefined>;

export const createSessionOf =
  (cookies: Cookies, sessions: Pick<Sessions, 'authenticate'>): SessionOf =>
  async (request) => {
    const token = cookieIn(request.headers.cookie, cookies.sessionName);
    return token === undefined ? undefined : sessions.authenticate(token);
  };
