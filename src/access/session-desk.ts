/**
 * Sessions as their owners see them: where somebody is signed in, and ending one of them from afar. One's
 * own need no permission, but to a tool that acts as somebody; those of others are listed with
 * `sessions:read` and ended with `sessions:revoke`.
 * Ending one holds from the next request on in every process, and closes its open sockets.
 */
import { invalidInput, notPermitted, QuarterdeckError } from '../errors.ts';
import { SessionRevoked } from './engine-events.ts';
import type { Origin } from './origin.ts';
import { isSelf } from './principal.ts';
import type { Recorder } from './recorder.ts';
import { whoIs } from './recorder.ts';
import type { SessionSeen, Sessions } from './sessions.ts';

/** A session as it is answered; times are ISO 8601 in UTC. */
export interface SessionView {
  readonly id: string;
  readonly personId: string;
  readonly email?: string;
  readonly name?: string;
  readonly tool: string;
  readonly createdAt: string;
  readonly lastUsedAt: string;
  readonly expiresAt: string;
  /** Where somebody signed in from and by what: its address, and what the browser calls itself. */
  readonly ip?: string;
  readonly browser?: string;
  /** The one that this very request came with. */
  readonly current: boolean;
}

export interface SessionsAsked extends Origin {
  /** A person's id, or `*` for everybody; one's own sessions without it. */
  readonly person?: string;
  readonly cursor?: string;
  readonly limit?: number;
}

export interface SessionPage {
  readonly data: readonly SessionView[];
  /** null on the last page. */
  readonly nextCursor: string | null;
}

export interface SessionDesk {
  /** The newest first. @throws QuarterdeckError `not_permitted` */
  list(asked: SessionsAsked): Promise<SessionPage>;
  /** @throws QuarterdeckError `not_found`: also for a session of somebody else, unless one may end those. */
  revoke(asked: Origin & { readonly id: string }): Promise<void>;
}

const pageMax = 500;
const pageDefault = 100;

export const createSessionDesk = (sessions: Sessions, recorder: Recorder): SessionDesk => ({
  async list({ principal, person = principal.id, cursor, limit = pageDefault }) {
    if (!isSelf(principal, person) && !principal.permissions.has('sessions:read'))
      throw notPermitted('sessions:read');
    if (person !== '*' && person !== principal.id && !person.startsWith('person:'))
      throw invalidInput('person', 'Give the id of a person, person:…, or * for everybody.');
    const most = Math.min(limit, pageMax);
    const seen = await sessions.list({
      personId: person === '*' ? undefined : person,
      before: cursor,
      limit: most,
    });
    const nextCursor = seen.length < most ? null : (seen.at(-1)?.id ?? null);
    return { data: seen.map((one) => viewOf(one, principal.sessionId)), nextCursor };
  },
  async revoke({ principal, ip, id }) {
    const anybodys = principal.permissions.has('sessions:revoke');
    const own = isSelf(principal, principal.id) ? principal.id : '';
    const ended = await sessions.revokeById(id, anybodys ? undefined : own);
    if (ended === undefined) throw new QuarterdeckError('not_found', `There is no session ${id}.`);
    const { personId } = ended;
    await recorder.record(SessionRevoked.of({ session: id, person: personId }), whoIs(principal, ip));
  },
});

const viewOf = (
  { createdAt, lastUsedAt, expiresAt, seenFrom, ...rest }: SessionSeen,
  own: string | undefined,
): SessionView => ({
  ...rest,
  ...seenFrom,
  createdAt: new Date(createdAt).toISOString(),
  lastUsedAt: new Date(lastUsedAt).toISOString(),
  expiresAt: new Date(expiresAt).toISOString(),
  current: rest.id === own,
});
