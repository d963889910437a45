/**
 * The keys that ID tokens are signed with. They live in PostgreSQL, the private half sealed under a key
 * that the master key wraps, so that every process signs with the same one. A key signs for 90 days; its
 * successor is published a day before it begins, and it stays published until nothing that it signed is
 * valid any more: nobody who caches our keys meets a signature that they cannot check.
 */
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose';
import type { Db, Queryable } from '../../db/pool.ts';
import { inTransaction } from '../../db/transaction.ts';
import { erased } from '../../events/codec.ts';
import type { Clock, TextCodec } from '../ports.ts';
import * as sql from '../sql/oidc-signing-keys.ts';
import { recordsSubject } from './records.ts';

export interface SigningKeys {
  /** Private JWKs that are published now, the one that signs first; made where there is none. */
  current(): Promise<readonly JWK[]>;
  /** A new key signs from now on, because the old one may be known to others. Its kid. */
  rotate(): Promise<string>;
}

const dayMs = 24 * 60 * 60_000;
const signsMs = 90 * dayMs;
/** How long before it signs a key is published, and how long after it has signed: caches of our keys live less. */
const publishedMs = dayMs;

const modulusBits = 2_048;
const context = 'oidc.SigningKey';

interface Row {
  readonly privateSealed: string;
  readonly signsFrom: string;
  readonly signsUntil: string;
}

interface Deps {
  readonly pool: Db;
  readonly codec: TextCodec;
  readonly clock: Clock;
  /** Told of every key but the first. */
  readonly onChanged?: (kid: string, why: 'due' | 'asked') => Promise<void>;
}

export const createSigningKeys = ({ pool, codec, clock, onChanged }: Deps): SigningKeys => {
  const published = async (db: Queryable): Promise<readonly Row[]> =>
    (await db.query<Row>({ ...sql.selectSigningKeys, values: [clock()] })).rows;

  /** Values of a row but for its times. Made before the transaction: it takes a tenth of a second. */
  const make = async () => {
    const { privateKey } = await generateKeyPair('RS256', { modulusLength: modulusBits, extractable: true });
    const secret = await exportJWK(privateKey);
    const { kty, n, e } = secret;
    const kid = await calculateJwkThumbprint({ kty, n, e } as JWK);
    const named = { kid, alg: 'RS256', use: 'sig' };
    const sealed = await codec.encryptText(recordsSubject, JSON.stringify({ ...secret, ...named }), context);
    return { kid, values: [kid, JSON.stringify({ kty, n, e, ...named }), sealed] };
  };

  const insert = (db: Queryable, values: readonly unknown[], from: number) => {
    const until = new Date(from + signsMs);
    const end = new Date(from + signsMs + publishedMs);
    return db.query({ ...sql.insertSigningKey, values: [...values, new Date(from), until, end] });
  };

  /** When the next key has to begin; undefined where that is far off, or the key is there already. */
  const dueAt = (rows: readonly Row[]): number | undefined => {
    const now = clock().getTime();
    const end = Math.max(0, ...rows.map(({ signsUntil }) => Date.parse(signsUntil)));
    return end - now > publishedMs ? undefined : Math.max(now, end);
  };

  const makeDue = async (): Promise<readonly Row[]> => {
    const { kid, values } = await make();
    let follows = false;
    const rows = await inTransaction(pool, async (tx) => {
      await tx.query(sql.lockSigningKeys);
      const before = await published(tx);
      const due = dueAt(before);
      if (due !== undefined) await insert(tx, values, due);
      follows = due !== undefined && before.length > 0;
      await tx.query({ ...sql.deleteOldSigningKeys, values: [clock()] });
      return published(tx);
    });
    if (follows) await onChanged?.(kid, 'due');
    return rows;
  };

  const open = async ({ privateSealed }: Row): Promise<JWK> => {
    const text = await codec.decryptText(recordsSubject, privateSealed, context);
    if (text === erased) throw new Error('The key that seals the signing keys of tokens was destroyed.');
    return JSON.parse(text) as JWK;
  };

  return {
    current: async () => {
      const found = await published(pool);
      const rows = dueAt(found) === undefined ? found : await makeDue();
      const now = clock().getTime();
      const signs = ({ signsFrom, signsUntil }: Row) =>
        Date.parse(signsFrom) <= now && now < Date.parse(signsUntil);
      const ordered = [...rows.filter(signs), ...rows.filter((row) => !signs(row))];
      return Promise.all(ordered.map(open));
    },
    rotate: async () => {
      const { kid, values } = await make();
      const now = clock();
      await inTransaction(pool, async (tx) => {
        await tx.query(sql.lockSigningKeys);
        await tx.query({ ...sql.retireSigningKeys, values: [now, new Date(now.getTime() + publishedMs)] });
        await insert(tx, values, now.getTime());
      });
      await onChanged?.(kid, 'asked');
      return kid;
    },
  };
};
