/**
 * The key ring: one AES-256 key a subject of personal data, wrapped by the master key. Destroying a subject's
 * key makes everything sealed under it unreadable for ever, wherever a copy of the ciphertext lies; its row
 * stays, so that none is made again.
 */
import { setImmediate as yieldToOthers } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import { arrayText } from '../db/array-text.ts';
import type { Queryable } from '../db/pool.ts';
import { type MasterKeys, mastersOf, unwrapAll } from './master-keys.ts';
import { randomOf } from './randomness.ts';
import { destroySubjectKeys, makeSubjectKeys, selectSubjectKeys } from './sql/subject-keys.ts';

/** PostgreSQL notification channel: the key of the subject that is its payload was destroyed. */
export const keysChannel = 'quarterdeck_keys';

export interface KeyRing {
  /** Keys of the given subjects, made where there were none; `undefined` where one was destroyed. */
  make(subjects: readonly string[]): Promise<ReadonlyMap<string, Buffer | undefined>>;
  /** Keys of the given subjects; `undefined` where there is none (any more). */
  find(subjects: readonly string[]): Promise<ReadonlyMap<string, Buffer | undefined>>;
  /** The subject's key was destroyed, here or elsewhere; without one, any may have been: nothing is remembered. */
  forget(subject?: string): void;
  /** Whether word of destroyed keys arrives. While it does not, nothing is remembered. */
  hearing(heard: boolean): void;
  /** Calls back when something was forgotten, for whoever keeps what was opened with it. */
  onForgotten(listener: () => void): void;
  /** For ever: no key is made for them again. Every process that hears of it forgets theirs. */
  destroy(subjects: readonly string[]): Promise<void>;
}

type Keys = Map<string, Buffer | undefined>;

/** `wrapped` is null where the key was destroyed. */
interface KeyRow {
  readonly subject: string;
  readonly wrapped: Buffer | null;
  readonly wrappedBy: string | null;
}

type Present = KeyRow & { readonly wrapped: Buffer };

const keyBytes = 32;
/**
 * Bounds what a process remembers, and for how long if word of a destroyed key were lost unseen. At a minute, a round
 * of known subjects was mostly of keys that had to be asked for again; and so was a job over as many subjects as are
 * remembered, since those it asks for first were pushed out last.
 */
const cachedKeysMax = 250_000;
/** Remembered as text of its bytes a key takes 120 bytes with its subject, as a Buffer 314. */
const inMemory = 'latin1';
/** What was read while the transaction that destroys a key is not committed yet is not remembered. */
const doubtedForMs = 5_000;
const cachedForMs = 10 * 60_000;

/** Each wrapped by the master key in use or by one of the others. @throws where a master key is missing or wrong. */
export const createKeyRing = (db: Queryable, masterKeys: Buffer | MasterKeys): KeyRing => {
  const master = mastersOf(masterKeys);
  const cache = new LRUCache<string, string>({ max: cachedKeysMax, ttl: cachedForMs });
  const doubted = new LRUCache<string, true>({ max: cachedKeysMax, ttl: doubtedForMs });
  const listeners: (() => void)[] = [];
  let hears = true;
  /** Grows with each forgetting: what was read before one is used once and not remembered. */
  let forgotten = 0;

  const remember = (subject: string, key: Buffer, since: number): void => {
    if (hears && since === forgotten && !doubted.has(subject)) cache.set(subject, key.toString(inMemory));
  };

  const unwrap = async (rows: readonly KeyRow[], into: Keys, since: number): Promise<void> => {
    const present = rows.filter((row): row is Present => row.wrapped !== null);
    const keys = await unwrapAll(master, present);
    for (const { subject } of rows) into.set(subject, undefined);
    present.forEach(({ subject }, n) => {
      into.set(subject, keys[n]);
      remember(subject, keys[n] as Buffer, since);
    });
  };

  const select = async (subjects: readonly string[], into: Keys): Promise<void> => {
    const since = forgotten;
    const values = [arrayText(subjects)];
    const { rows } = await db.query<KeyRow>({ ...selectSubjectKeys, values });
    await unwrap(rows, into, since);
  };

  /** Which are at hand, and which are not. */
  const lookUp = (subjects: readonly string[]): { found: Keys; missing: string[] } => {
    const found: Keys = new Map();
    const missing: string[] = [];
    for (const subject of new Set(subjects)) {
      const key = cache.get(subject);
      if (key === undefined) missing.push(subject);
      else found.set(subject, Buffer.from(key, inMemory));
    }
    return { found, missing };
  };

  let asked: { readonly subjects: Set<string>; readonly answer: Promise<Keys> } | undefined;

  /** Many streams are loaded together and each opens its own: what all of them miss is one question. */
  const selectTogether = (subjects: readonly string[]): Promise<Keys> => {
    if (asked === undefined) {
      const all = new Set<string>();
      const answer = (async () => {
        await yieldToOthers();
        asked = undefined;
        const keys: Keys = new Map();
        await select([...all], keys);
        return keys;
      })();
      asked = { subjects: all, answer };
    }
    for (const subject of subjects) asked.subjects.add(subject);
    return asked.answer;
  };

  const find = async (subjects: readonly string[]): Promise<Keys> => {
    const { found, missing } = lookUp(subjects);
    if (missing.length === 0) return found;
    const keys = await selectTogether(missing);
    for (const subject of missing) if (keys.has(subject)) found.set(subject, keys.get(subject));
    return found;
  };

  /**
   * What is not at hand is most often new, because whoever read the subject's data has its key: so keys are
   * made for all of these, in one round trip, and thrown away where there was one.
   */
  const make = async (subjects: readonly string[]): Promise<Keys> => {
    const { found, missing } = lookUp(subjects);
    if (missing.length === 0) return found;
    const fresh = new Map(missing.map((subject) => [subject, randomOf(keyBytes)]));
    const since = forgotten;
    const wrapped = await master.current.wrap([...fresh].map(([subject, key]) => ({ subject, key })));
    const hex = arrayText(wrapped.map((bytes) => `\\x${bytes.toString('hex')}`));
    const { rows } = await db.query<KeyRow & { readonly there: boolean }>({
      ...makeSubjectKeys,
      values: [arrayText(missing), hex, master.current.id],
    });
    for (const { subject } of rows) fresh.delete(subject);
    for (const [subject, key] of fresh) {
      remember(subject, key, since);
      found.set(subject, key);
    }
    await unwrap(
      rows.filter(({ there }) => there),
      found,
      since,
    );
    const taken = rows.filter(({ there }) => !there).map(({ subject }) => subject);
    if (taken.length > 0) await select(taken, found);
    return found;
  };

  const forget = (subject?: string): void => {
    forgotten++;
    if (subject === undefined) cache.clear();
    else {
      cache.delete(subject);
      doubted.set(subject, true);
    }
    for (const listener of listeners) listener();
  };

  const destroy = async (subjects: readonly string[]): Promise<void> => {
    await db.query({ ...destroySubjectKeys, values: [arrayText([...new Set(subjects)]), keysChannel] });
    for (const subject of subjects) forget(subject);
  };

  return {
    find,
    make,
    forget,
    destroy,
    hearing(heard) {
      hears = heard;
      forget();
    },
    onForgotten: (listener) => void listeners.push(listener),
  };
};
