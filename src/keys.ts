/**
 * The keys a process starts with. In production they are given; elsewhere they are made once and kept in
 * the data directory, readable by its owner alone. What they are used for is derived or unwrapped here,
 * so that each key does one thing.
 */
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { QuarterdeckError } from './errors.ts';
import type { KeyRing } from './events/keys.ts';

const keyBytes = 32;

/** The key that wraps personal-data keys, where none was given. */
export const masterKeyIn = (dataDir: string): Promise<Buffer> => keptKey(dataDir, 'master.key');

/** The Ed25519 key (its seed) that signs the log, where none was given. */
export const signingKeyIn = (dataDir: string): Promise<Buffer> => keptKey(dataDir, 'signing.key');

/** 32 random bytes, made at first. */
const keptKey = async (dataDir: string, name: string): Promise<Buffer> => {
  const file = join(dataDir, name);
  await mkdir(dataDir, { recursive: true });
  const made = `${randomBytes(keyBytes).toString('base64')}\n`;
  // wx: of two processes that start at once, one makes the key and both read that one.
  await writeFile(file, made, { mode: 0o600, flag: 'wx' }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  await chmod(file, 0o600);
  const key = Buffer.from(await readFile(file, 'utf8'), 'base64');
  if (key.length !== keyBytes) throw new Error(`${file} does not hold a key: ${keyBytes} bytes in base64`);
  return key;
};

/**
 * The key of fingerprints, claims and cursors. It lives in the key ring, wrapped like the others, so that
 * it outlives a change of the master key. Reading it proves that the master key is the right one.
 */
export const hmacKeyOf = async (keyRing: KeyRing): Promise<Buffer> => {
  const subject = '$hmac';
  const keys = await keyRing.make([subject]).catch((cause: unknown) => {
    throw new QuarterdeckError(
      'unavailable',
      `The master key does not open the keys of this database: QUARTERDECK_MASTER_KEY, or master.key in the data directory, is not the one it was filled with. While it is being changed, QUARTERDECK_PREVIOUS_MASTER_KEYS names the other one. (${(cause as Error).message})`,
      { cause },
    );
  });
  const key = keys.get(subject);
  if (key === undefined) throw new Error('The key of fingerprints was destroyed in this database.');
  return key;
};
