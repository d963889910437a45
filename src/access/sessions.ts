/**
 * Sessions of people in a browser. The token is 256 random bits, of which only the SHA-256 is stored; a
 * session ends when it idles, when its absolute life is over, or when it is revoked, and revoking holds
 * from the next request on in this process and within a notification's time in every other.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { Db, Queryable } from '../db/pool.ts';
import { outcomeUnknown, provesRollback } from '../db/sqlstate.ts';
import { QuarterdeckError } from '../errors.ts';
import { erased } from '../events/codec.ts';
import type { People, SealedTexts } from './people.ts';
import type { Clock, NewId, OnError, TextCodec } from './ports.ts';
import type { Attributes } from './principal.ts';
import type { NameIdForm } from './saml/identity.ts';
import { createSessionCache } from './session-cache.ts';
import * as sql from './sql/sessions.ts';

export interface SessionLimits {
  readonly idleMs: number;
  readonly absoluteMs: number;
  /** A last use is written at most this often. */
  readonly touchMs: number;
  readonly cacheMs: number;
}

export const defaultSessionLimits: SessionLimits = {
  idleMs: 8 * 60 * 60_000,
  absoluteMs: 24 * 60 * 60_000,
  touchMs: 60_000,
  cacheMs: 1_000,
};

export interface Session {
  readonly id: string;
  readonly personId: string;
  readonly tool: string;
  readonly provider: string;
  readonly groups: readonly string[];
  readonly attributes: Attributes;
  readonly email?: string;
  readonly name?: string;
  readonly sessionIndex: string | null;
  readonly nameIdForm: NameIdForm | null;
  /** Milliseconds since 1970, as those below. */
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly authenticatedAt: number;
}

export interface NewSession {
  readonly personId: string;
  readonly tool: string;
  readonly sessionIndex?: string;
  readonly nameIdForm?: NameIdForm;
  /** The provider's own end of the session, where it named one. */
  readonly notAfter?: Date;
  /** When the person proved at the provider who they are; now, where it is not said. */
  readonly authenticatedAt?: Date;
  readonly seenFrom?: SeenFrom;
}

/** By what and from where somebody signed in. */
export interface SeenFrom {
  readonly ip: string;
  /** What the browser calls itself (`User-Agent`). */
  readonly browser?: string;
}

export interface Begun {
  readonly token: string;
  readonly id: string;
  readonly expiresAt: Date;
}

export interface Revoked {
  readonly id: string;
  readonly personId: string;
}

/** A session as one looks at it from outside. */
export interface SessionSeen {
  readonly id: string;
  readonly personId: string;
  readonly email?: string;
  readonly name?: string;
  readonly tool: string;
  /** Milliseconds since 1970, as the two below. */
  readonly createdAt: number;
  readonly lastUsedAt: number;
  readonly expiresAt: number;
  /** Absent where it was not kept, or the person's key is gone. */
  readonly seenFrom?: SeenFrom;
}

export interface Sessions {
  begin(db: Queryable, session: NewSession): Promise<Begun>;
  authenticate(token: string): Promise<Session | undefined>;
  revoke(token: string): Promise<Revoked | undefined>;
  /** `hash`: SHA-256 of its token. */
  revokeByHash(hash: Buffer): Promise<Revoked | undefined>;
  /** All of a person's, or those that the provider calls `sessionIndex`. */
  revokeOf(personId: string, sessionIndex?: string, db?: Queryable): Promise<readonly Revoked[]>;
  /** By its id, and only where it is that person's, if one is named. */
  revokeById(id: string, personId: string | undefined): Promise<Revoked | undefined>;
  /** Those that are alive, of one person or of everybody, the newest first; `before`: an id. */
  list(wanted: {
    readonly personId: string | undefined;
    readonly before: string | undefined;
    readonly limit: number;
  }): Promise<readonly SessionSeen[]>;
  /** A notification's payload. */
  onRevoked(payload: string): void;
  /** Notifications may have been missed. */
  forgetAll(): void;
  sweep(): Promise<void>;
}

interface SessionRow extends SealedTexts {
  readonly id: string;
  readonly personId: string;
  readonly tool: string;
  readonly provider: string;
  readonly groups: readonly string[];
  readonly attributes: Attributes;
  readonly sessionIndex: string | null;
  readonly nameIdForm: NameIdForm | null;
  readonly createdAt: string;
  readonly lastUsedAt: string;
  readonly expiresAt: string;
  readonly authenticatedAt: string;
}

type ListedRow = Pick<
  SessionRow,
  'id' | 'personId' | 'tool' | 'createdAt' | 'lastUsedAt' | 'expiresAt' | keyof SealedTexts
> & { readonly begunSealed: string | null };

interface Live {
  readonly session: Session;
  lastUsedAt: number;
}

interface Deps {
  readonly pool: Db;
  readonly people: Pick<People, 'unseal'>;
  readonly codec: TextCodec;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly onError: OnError;
  readonly limits: SessionLimits;
  /** Whether revocations by other processes arrive now; while they do not, nothing is remembered. */
  readonly heard: () => boolean;
}

const tokenPattern = /^[A-Za-z0-9_-]{43}$/;

const hashOf = (token: string): Buffer => createHash('sha256').update(token).digest();

/** A database that cannot be asked says nothing about who somebody is: try again, do not sign in again. */
export const notNow = (cause: unknown): never => {
  if (!provesRollback(cause) && !outcomeUnknown(cause)) throw cause;
  const message = 'Sessions cannot be read at the moment.';
  throw new QuarterdeckError('unavailable', message, { retryAfterSeconds: 1, cause });
};

const seenContext = 'session';
const browserCharactersMax = 300;

export const createSessions = (deps: Deps): Sessions => {
  const { pool, people, codec, clock, newId, onError, limits, heard } = deps;
  const cache = createSessionCache<Live>(limits.cacheMs, heard);

  const read = async (hash: Buffer): Promise<Live | undefined> => {
    const row = (await pool.query<SessionRow>({ ...sql.selectSession, values: [hash] }).catch(notNow))
      .rows[0];
    if (row === undefined) return undefined;
    const { emailSealed, nameSealed, createdAt, lastUsedAt, expiresAt, authenticatedAt, ...rest } = row;
    const texts = await people.unseal(row.personId, { emailSealed, nameSealed });
    const times = {
      createdAt: Date.parse(createdAt),
      expiresAt: Date.parse(expiresAt),
      authenticatedAt: Date.parse(authenticatedAt),
    };
    return { session: { ...rest, ...texts, ...times }, lastUsedAt: Date.parse(lastUsedAt) };
  };

  /** Not waited for: at worst an idle session ends a minute early. */
  const touch = (live: Live, hash: Buffer, now: Date): void => {
    const due = now.getTime() - limits.touchMs;
    if (live.lastUsedAt > due) return;
    live.lastUsedAt = now.getTime();
    pool
      .query({ ...sql.touchSession, values: [hash, now, new Date(due)] })
      .catch((error: unknown) => onError(error, 'noting the last use of a session'));
  };

  const sealSeen = async (personId: string, seen: SeenFrom | undefined): Promise<string | null> => {
    if (seen === undefined) return null;
    const kept = { ...seen, ...(seen.browser && { browser: seen.browser.slice(0, browserCharactersMax) }) };
    return (await codec.encryptText(personId, JSON.stringify(kept), seenContext)) || null;
  };

  const openSeen = async (personId: string, sealed: string | null): Promise<{ seenFrom?: SeenFrom }> => {
    const text = sealed === null ? erased : await codec.decryptText(personId, sealed, seenContext);
    return text === erased ? {} : { seenFrom: JSON.parse(text) as SeenFrom };
  };

  const revoked = async (
    statement: { name: string; text: string },
    values: unknown[],
    db: Queryable = pool,
  ): Promise<Revoked[]> => {
    const { rows } = await db.query<Revoked & { hash: string }>({
      ...statement,
      values: [clock(), ...values],
    });
    for (const { hash } of rows) cache.forget(hash);
    return rows.map(({ id, personId }) => ({ id, personId }));
  };

  return {
    begin: async (db, { personId, tool, sessionIndex, nameIdForm, notAfter, authenticatedAt, seenFrom }) => {
      const token = randomBytes(32).toString('base64url');
      const now = clock();
      const end = Math.min(
        now.getTime() + limits.absoluteMs,
        notAfter?.getTime() ?? Number.POSITIVE_INFINITY,
      );
      const expiresAt = new Date(end);
      const id = newId();
      const proven = authenticatedAt ?? now;
      const form = nameIdForm === undefined ? null : JSON.stringify(nameIdForm);
      const seen = await sealSeen(personId, seenFrom);
      const who = [hashOf(token), id, personId, tool, sessionIndex ?? null];
      const values = [...who, now, expiresAt, proven, form, seen];
      await db.query({ ...sql.insertSession, values });
      return { token, id, expiresAt };
    },
    authenticate: async (token) => {
      if (!tokenPattern.test(token)) return undefined;
      const hash = hashOf(token);
      const live = await cache.get(hash.toString('hex'), () => read(hash));
      const now = clock();
      if (live === undefined || now.getTime() >= live.session.expiresAt) return undefined;
      if (now.getTime() - live.lastUsedAt >= limits.idleMs) return undefined;
      touch(live, hash, now);
      return live.session;
    },
    revoke: async (token) => (await revoked(sql.revokeByToken, [hashOf(token)]))[0],
    revokeByHash: async (hash) => (await revoked(sql.revokeByToken, [hash]))[0],
    revokeOf: (personId, sessionIndex, db) =>
      revoked(sql.revokeByPerson, [personId, sessionIndex ?? null], db),
    revokeById: async (id, personId) => (await revoked(sql.revokeById, [id, personId ?? null]))[0],
    list: async ({ personId, before, limit }) => {
      const now = clock();
      const idleSince = new Date(now.getTime() - limits.idleMs);
      const values = [now, idleSince, personId ?? null, before ?? null, limit];
      const { rows } = await pool.query<ListedRow>({ ...sql.listSessions, values }).catch(notNow);
      return Promise.all(
        rows.map(async ({ emailSealed, nameSealed, begunSealed, ...row }) => {
          const { createdAt, lastUsedAt, expiresAt, ...rest } = row;
          return {
            ...rest,
            ...(await openSeen(rest.personId, begunSealed)),
            ...(await people.unseal(rest.personId, { emailSealed, nameSealed })),
            createdAt: Date.parse(createdAt),
            lastUsedAt: Date.parse(lastUsedAt),
            expiresAt: Date.parse(expiresAt),
          };
        }),
      );
    },
    onRevoked: (payload) => (payload === '*' ? cache.forgetAll() : cache.forget(payload)),
    forgetAll: cache.forgetAll,
    sweep: async () => {
      const now = clock();
      await pool.query({
        ...sql.deleteEndedSessions,
        values: [now, new Date(now.getTime() - limits.idleMs)],
      });
    },
  };
};
