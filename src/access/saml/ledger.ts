/**
 * What must happen once, kept in PostgreSQL so that it is once over all processes and restarts: a
 * sign-in that we started is finished once, by the browser that started it; an assertion is used once.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Queryable } from '../../db/pool.ts';
import type { Clock } from '../ports.ts';
import * as sql from '../sql/saml.ts';

export type RequestKind = 'sign-in' | 'sign-out';

export interface StartedRequest {
  readonly id: string;
  readonly provider: string;
  readonly returnTo: string;
  /** The person was to prove who they are once more, from then on. */
  readonly provenFrom: Date | undefined;
  /** SHA-256 of the token of the session that the browser had at the start. */
  readonly sessionHash: Buffer | undefined;
  /** Whether this secret is the one that the browser was given at the start. */
  isOf(browserSecret: string | undefined): boolean;
}

export interface NewRequest {
  readonly id: string;
  readonly kind: RequestKind;
  readonly provider: string;
  readonly relayState: string;
  readonly browserSecret?: string;
  readonly returnTo: string;
  readonly forced?: boolean;
  /** Of the session that the browser has. */
  readonly sessionToken?: string | undefined;
}

export interface Ledger {
  start(request: NewRequest): Promise<void>;
  find(kind: RequestKind, relayState: string): Promise<StartedRequest | undefined>;
  /** False where it had been consumed or is over. */
  consume(db: Queryable, requestId: string): Promise<boolean>;
  /** False where it had been used before. */
  use(db: Queryable, provider: string, messageId: string, validUntil: Date): Promise<boolean>;
  sweep(): Promise<void>;
}

/** How long somebody may take at the identity provider's page. */
export const requestLifeMs = 15 * 60_000;
/** Beyond the message's own validity: more than any clock is off by. */
const rememberedForMs = 60 * 60_000;

const hash = (text: string): Buffer => createHash('sha256').update(text).digest();

export const newSecret = (): string => randomBytes(32).toString('base64url');

/** An XML ID must not begin with a digit. */
export const newMessageId = (): string => `_${randomBytes(20).toString('hex')}`;

export const createLedger = (db: Queryable, clock: Clock): Ledger => ({
  start: async ({ id, kind, provider, relayState, browserSecret, returnTo, forced = false, ...browser }) => {
    const expiresAt = new Date(clock().getTime() + requestLifeMs);
    const browserHash = browserSecret === undefined ? null : hash(browserSecret);
    const { sessionToken } = browser;
    const sessionHash = sessionToken === undefined ? null : hash(sessionToken);
    const values = [
      id,
      kind,
      provider,
      hash(relayState),
      browserHash,
      returnTo,
      expiresAt,
      forced,
      sessionHash,
    ];
    await db.query({ ...sql.insertRequest, values });
  },
  find: async (kind, relayState) => {
    type Row = Pick<StartedRequest, 'id' | 'provider' | 'returnTo'> & {
      readonly browserHash: Buffer | null;
      readonly forced: boolean;
      readonly expiresAt: string;
      readonly sessionHash: Buffer | null;
    };
    const { rows } = await db.query<Row>({ ...sql.selectRequest, values: [hash(relayState), kind, clock()] });
    const row = rows[0];
    if (row === undefined) return undefined;
    const { id, provider, returnTo, browserHash, forced, expiresAt } = row;
    const sessionHash = row.sessionHash ?? undefined;
    const provenFrom = forced ? new Date(Date.parse(expiresAt) - requestLifeMs) : undefined;
    const isOf = (secret: string | undefined) =>
      secret !== undefined && browserHash !== null && timingSafeEqual(hash(secret), browserHash);
    return { id, provider, returnTo, provenFrom, sessionHash, isOf };
  },
  consume: async (tx, requestId) =>
    (await tx.query({ ...sql.consumeRequest, values: [requestId, clock()] })).rowCount === 1,
  use: async (tx, provider, messageId, validUntil) => {
    const until = new Date(Math.max(validUntil.getTime(), clock().getTime()) + rememberedForMs);
    const { rowCount } = await tx.query({
      ...sql.insertUsedMessage,
      values: [provider, hash(messageId), until],
    });
    return rowCount === 1;
  },
  sweep: async () => {
    await db.query({ ...sql.deleteExpiredRequests, values: [clock()] });
    await db.query({ ...sql.deleteExpiredUsedMessages, values: [clock()] });
  },
});
