/**
 * The key ring: one AES-256 key a subject of personal data, wrapped (AES-256-GCM, the subject as
 * additional data) by the master key. Destroying a subject's key makes everything sealed under it
 * unreadable for ever, wherever a copy of the ciphertext lies.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Queryable } from '../db/pool.ts';
import { randomOf } from './randomness.ts';
import { insertSubjectKeys, selectSubjectKeys } from './sql/subject-keys.ts';

export interface KeyRing {
  /** Keys of the given subjects, made where there were none; `undefined` where one was destroyed. */
  make(subjects: readonly string[]): Promise<ReadonlyMap<string, Buffer | undefined>>;
  /** Keys of the given subjects; `undefined` where there is none (any more). */
  find(subjects: readonly string[]): Promise<ReadonlyMap<string, Buffer | undefined>>;
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

  const select = async (
    subjects: readonly string[],
    into: Map<string, Buffer | undefined>,
  ): Promise<void> => {
    const { rows } = await db.query<{ subject: string; wrapped: Buffer | null }>({
      ...selectSubjectKeys,
      values: [subjects],
    });
    for (const { subject, wrapped } of rows) {
      const key = wrapped === null ? undefined : open(masterKey, wrapped, subject);
      if (key !== undefined) cache.set(subject, key);
      into.set(subject, key);
    }
  };

  const find = async (subjects: readonly string[]): Promise<Map<string, Buffer | undefined>> => {
    const found = new Map<string, Buffer | undefined>();
    const missing: string[] = [];
    for (const subject of new Set(subjects)) {
      const key = cache.get(subject);
      if (key === undefined) missing.push(subject);
      else found.set(subject, key);
    }
    if (missing.length > 0) await select(missing, found);
    return found;
  };

  const make = async (subjects: readonly string[]): Promise<Map<string, Buffer | undefined>> => {
    const found = await find(subjects);
    const unknown = [...new Set(subjects)].filter((subject) => !found.has(subject));
    if (unknown.length === 0) return found;
    const made = new Map(unknown.map((subject) => [subject, randomOf(keyBytes)]));
    const wrapped = [...made].map(([subject, key]) => seal(masterKey, key, subject));
    const { rows } = await db.query<{ subject: string }>({
      ...insertSubjectKeys,
      values: [unknown, wrapped],
    });
    for (const { subject } of rows) {
      const key = made.get(subject) as Buffer;
      cache.set(subject, key);
      found.set(subject, key);
    }
    // Others made keys for these at the same moment, and came first.
    const taken = unknown.filter((subject) => !found.has(subject));
    if (taken.length > 0) await select(taken, found);
    return found;
  };

  return { find, make };
};
