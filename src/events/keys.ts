/**
 * The key ring: one AES-256 key a subject of personal data, wrapped (AES-256-GCM, the subject as
 * additional data) by the master key. Destroying a subject's key makes everything sealed under it
 * unreadable for ever, wherever a copy of the ciphertext lies.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { arrayText } from '../db/array-text.ts';
import type { Queryable } from '../db/pool.ts';
import { randomOf } from './randomness.ts';
import { destroySubjectKeys, makeSubjectKeys, selectSubjectKeys } from './sql/subject-keys.ts';

export interface KeyRing {
  /** Keys of the given subjects, made where there were none; `undefined` where one was destroyed. */
  make(subjects: readonly string[]): Promise<ReadonlyMap<string, Buffer | undefined>>;
  /** Keys of the given subjects; `undefined` where there is none (any more). */
  find(subjects: readonly string[]): Promise<ReadonlyMap<string, Buffer | undefined>>;
  /** For ever: no key is made for them again. Other processes may use theirs for another minute. */
  destroy(subjects: readonly string[]): Promise<void>;
}

type Keys = Map<string, Buffer | undefined>;

/** `wrapped` is null where the key was destroyed. */
interface KeyRow {
  readonly subject: string;
  readonly wrapped: Buffer | null;
}

const keyBytes = 32;
const ivBytes = 12;
const tagBytes = 16;
/** Bounds what a process remembers, and for how long it may use a key that another has destroyed. */
const cachedKeysMax = 100_000;
const cachedForMs = 60_000;

/** `iv ‖ tag ‖ ciphertext`, AES-256-GCM with a random 96-bit iv. */
export const seal = (key: Buffer, plaintext: Buffer | string, associated: string): Buffer => {
  const iv = randomOf(ivBytes);
  const cipher = createCipheriv('aes-256-gcm', key, iv);
  cipher.setAAD(Buffer.from(associated));
  const body = typeof plaintext === 'string' ? cipher.update(plaintext, 'utf8') : cipher.update(plaintext);
  cipher.final();
  return Buffer.concat([iv, cipher.getAuthTag(), body]);
};

/** @throws Error when the key, the associated text or a byte of `sealed` is not what it was. */
export const open = (key: Buffer, sealed: Buffer, associated: string): Buffer => {
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, ivBytes), {
    authTagLength: tagBytes,
  });
  decipher.setAAD(Buffer.from(associated));
  decipher.setAuthTag(sealed.subarray(ivBytes, ivBytes + tagBytes));
  return Buffer.concat([decipher.update(sealed.subarray(ivBytes + tagBytes)), decipher.final()]);
};

export const createKeyRing = (db: Queryable, masterKey: Buffer): KeyRing => {
  const cache = new LRUCache<string, Buffer>({ max: cachedKeysMax, ttl: cachedForMs });

  const unwrap = ({ subject, wrapped }: KeyRow, into: Keys): void => {
    const key = wrapped === null ? undefined : open(masterKey, wrapped, subject);
    if (key !== undefined) cache.set(subject, key);
    into.set(subject, key);
  };

  const select = async (subjects: readonly string[], into: Keys): Promise<void> => {
    const values = [arrayText(subjects)];
    const { rows } = await db.query<KeyRow>({ ...selectSubjectKeys, values });
    for (const row of rows) unwrap(row, into);
  };

  /** Which are at hand, and which are not. */
  const lookUp = (subjects: readonly string[]): { found: Keys; missing: string[] } => {
    const found: Keys = new Map();
    const missing: string[] = [];
    for (const subject of new Set(subjects)) {
      const key = cache.get(subject);
      if (key === undefined) missing.push(subject);
      else found.set(subject, key);
    }
    return { found, missing };
  };

  const find = async (subjects: readonly string[]): Promise<Keys> => {
    const { found, missing } = lookUp(subjects);
    if (missing.length > 0) await select(missing, found);
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
    const wrapped = [...fresh].map(([subject, key]) => `\\x${seal(masterKey, key, subject).toString('hex')}`);
    const { rows } = await db.query<KeyRow & { made: boolean }>({
      ...makeSubjectKeys,
      values: [arrayText(missing), arrayText(wrapped)],
    });
    for (const row of rows) {
      if (!row.made) {
        unwrap(row, found);
        continue;
      }
      const key = fresh.get(row.subject) as Buffer;
      cache.set(row.subject, key);
      found.set(row.subject, key);
    }
    const taken = missing.filter((subject) => !found.has(subject));
    if (taken.length > 0) await select(taken, found);
    return found;
  };

  const destroy = async (subjects: readonly string[]): Promise<void> => {
    await db.query({ ...destroySubjectKeys, values: [arrayText([...new Set(subjects)])] });
    for (const subject of subjects) cache.delete(subject);
  };

  return { find, make, destroy };
};
