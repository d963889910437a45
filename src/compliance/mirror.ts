/**
 * Tombstones outside the database: one file an erasure, so that a restored backup does not bring a key back. Whoever
 * reads them learns nothing: the name is an HMAC of the subject and the subject itself is sealed, both under keys
 * derived from one that is kept in the database. They lie under a folder of that key, so that databases may share a
 * mirror.
 */
import { createHmac } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { QuarterdeckError } from '../errors.ts';
import { open, seal } from '../events/sealing.ts';
import type { Storage } from '../storage/storage.ts';

export interface Tombstone {
  readonly subject: string;
  /** Of the event that recorded the erasure. */
  readonly position: number;
  readonly erasedAt: string;
}

export interface Tombstones {
  nameOf(subject: string): string;
  /** Durable when it resolves. @throws QuarterdeckError `unavailable` */
  write(tombstone: Tombstone): Promise<void>;
  /** @throws QuarterdeckError `unavailable` */
  names(): Promise<readonly string[]>;
  /** @throws Error where it is not what was written. */
  read(name: string): Promise<Tombstone>;
}

const file = z.object({
  version: z.literal(1),
  subject: z.base64(),
  position: z.int(),
  erasedAt: z.string(),
});

/** The log waits while a tombstone is written. */
const writeMsMax = 5_000;
const bytesMax = 10_000;

const unavailable = (why: string, cause?: unknown): QuarterdeckError =>
  new QuarterdeckError(
    'unavailable',
    `The tombstone cannot be written to QUARTERDECK_LOG_MIRROR (${why}): nothing was erased.`,
    {
      retryAfterSeconds: 30,
      ...(cause === undefined ? {} : { cause }),
    },
  );

const limited = async (work: Promise<unknown>): Promise<void> => {
  const patience = new AbortController();
  const late = sleep(writeMsMax, undefined, { signal: patience.signal }).then(
    () => {
      throw unavailable(`no answer within ${writeMsMax / 1_000} s`);
    },
    () => undefined,
  );
  await Promise.race([work, late]).finally(() => patience.abort());
};

const textOf = async (content: AsyncIterable<Buffer>): Promise<string> => {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of content) {
    bytes += part.length;
    if (bytes > bytesMax) throw new Error('it is longer than any tombstone');
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
};

/** `secret`: the key of fingerprints, 32 bytes. Without a mirror nothing can be written, and nothing is there. */
export const createTombstones = (mirror: Storage | undefined, secret: Buffer): Tombstones => {
  const derived = (use: string): Buffer => createHmac('sha256', secret).update(`tombstones ${use}`).digest();
  const naming = derived('name');
  const sealing = derived('seal');
  const folder = `erasures/${derived('folder').toString('hex').slice(0, 16)}/`;
  const nameOf = (subject: string): string =>
    `${folder}${createHmac('sha256', naming).update(subject).digest('hex')}.json`;

  return {
    nameOf,
    async write({ subject, position, erasedAt }) {
      if (mirror === undefined) throw unavailable('it is not set');
      const name = nameOf(subject);
      const sealed = seal(sealing, subject, name).toString('base64');
      const text = `${JSON.stringify({ version: 1, subject: sealed, position, erasedAt })}\n`;
      try {
        await limited(mirror.write(name, Buffer.from(text)));
      } catch (error) {
        if (error instanceof QuarterdeckError) throw error;
        throw unavailable(error instanceof Error ? error.message : 'it failed', error);
      }
    },
    async names() {
      const found: string[] = [];
      try {
        if (mirror !== undefined) for await (const { name } of mirror.list(folder)) found.push(name);
      } catch (cause) {
        // Serving without it might serve somebody who was erased.
        const message = 'QUARTERDECK_LOG_MIRROR cannot be read, which says whose data was erased';
        throw new QuarterdeckError('unavailable', `${message}: ${(cause as Error).message}`, { cause });
      }
      return found;
    },
    async read(name) {
      try {
        const content = await mirror?.read(name);
        if (content === undefined) throw new Error('it is gone');
        const { subject, position, erasedAt } = file.parse(JSON.parse(await textOf(content)));
        return {
          subject: open(sealing, Buffer.from(subject, 'base64'), name).toString('utf8'),
          position,
          erasedAt,
        };
      } catch (cause) {
        throw new Error(`The tombstone ${name} in QUARTERDECK_LOG_MIRROR is not what was written there.`, {
          cause,
        });
      }
    },
  };
};
