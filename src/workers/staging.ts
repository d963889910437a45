/**
 * Writes items into chunks as they come, while the job is still invisible. Holds one chunk being filled
 * and one being written, so that its memory does not grow with the upload. A process that dies here
 * leaves a staged job that nobody sees and that the relay drops.
 */
import type { Db } from '../db/pool.ts';
import { QuarterdeckError } from '../errors.ts';
import type { StoredItem } from './items.ts';
import { createRepeats } from './repeats.ts';
import { itemsMax } from './sources/source.ts';
import { dropStagedJob, insertChunk, touchJob } from './sql/staging.ts';

export const chunkItems = 500;
const touchEveryMs = 30_000;

export interface Staging {
  add(items: readonly StoredItem[]): Promise<void>;
  /** Writes what is left; the number of items. */
  finish(): Promise<number>;
  /** Ends the signs of life. */
  stop(): Promise<void>;
}

/** `firstItems`: how many the first chunk takes, which may be fewer than the others. */
export const createStaging = (pool: Db, jobId: string, firstItems = chunkItems): Staging => {
  const repeats = createRepeats();
  let filling: StoredItem[] = [];
  let chunk = 0;
  let total = 0;
  let after: number | null = null;
  let writing: Promise<unknown> = Promise.resolve();
  const touching = setInterval(() => {
    void pool.query({ ...touchJob, values: [jobId] }).catch(() => undefined);
  }, touchEveryMs);
  touching.unref();

  const flush = async (): Promise<void> => {
    const values = [jobId, chunk, total - filling.length, filling.length, after, JSON.stringify(filling)];
    filling = [];
    after = null;
    chunk++;
    await writing;
    writing = pool.query({ ...insertChunk, values });
    // Its error is thrown by whoever awaits it next, and is no unhandled rejection until then.
    writing.catch(() => undefined);
  };

  const place = (item: StoredItem): void => {
    const before = item.t === null ? undefined : repeats.seen(item.t, chunk);
    if (before !== undefined) after = Math.max(after ?? 0, before);
    filling.push(item);
    total++;
  };

  return {
    async add(items) {
      for (const item of items) {
        if (total === itemsMax) throw tooMany();
        place(item);
        if (filling.length === (chunk === 0 ? firstItems : chunkItems)) await flush();
      }
    },
    async finish() {
      if (filling.length > 0) await flush();
      await writing;
      return total;
    },
    async stop() {
      clearInterval(touching);
      await writing.catch(() => undefined);
    },
  };
};

export const dropStaged = async (pool: Db, jobId: string): Promise<void> => {
  await pool.query({ ...dropStagedJob, values: [jobId] });
};

const tooMany = (): QuarterdeckError =>
  new QuarterdeckError('too_large', `A bulk job takes ${itemsMax} items; split the work into several jobs.`, {
    extra: { limitItems: itemsMax },
  });
