/**
 * Who turns a page of the log into leaf hashes: this thread, or one beside it with a connection of its own, so that a
 * process whose one thread is busy appending is not held up by every event that it appends.
 */
import { setImmediate as yieldToOthers } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { Queryable } from '../../db/pool.ts';
import { type StoredPage, selectStoredPage } from './sql/leaves.ts';
import { leavesOfPage } from './stored-page.ts';

export interface HashedPage {
  readonly count: number;
  /** null where there is no event. */
  readonly first: number | null;
  readonly last: number | null;
  /** 32 bytes each; undefined: an event is not stored as canonical JSON. */
  readonly hashes: Uint8Array | undefined;
}

export interface Hashing {
  /** Events behind `after` up to and with `upTo`. One page at a time. */
  page(after: number, upTo: number): Promise<HashedPage>;
  close(): Promise<void>;
}

/** Hashed in one turn of the event loop: half a millisecond. */
const turnEvents = 200;

export const hashPage = async (db: Queryable, after: number, upTo: number): Promise<HashedPage> => {
  const { rows } = await db.query<StoredPage>({ ...selectStoredPage, values: [after, upTo] });
  const page = rows[0] as StoredPage;
  const { count, first, last } = page;
  const leaves = leavesOfPage(page);
  for (let done = 0; done < count; done += turnEvents) {
    if (!leaves.hash(turnEvents)) return { count, first, last, hashes: undefined };
    await yieldToOthers();
  }
  return { count, first, last, hashes: leaves.hashes };
};

export const hashHere = (db: Queryable): Hashing => ({
  page: (after, upTo) => hashPage(db, after, upTo),
  close: async () => undefined,
});

/** undefined: to end. */
export type Asked = { readonly after: number; readonly upTo: number } | undefined;

export interface Answer {
  readonly page?: HashedPage;
  readonly error?: string;
}

const isBuilt = import.meta.url.endsWith('.js');
const builtProgram = new URL('./hashing-thread.js', import.meta.url);

/** Of what lives shortly: with half of this, pages of text are moved about before they are done with. */
const youngMebibytesMax = 24;

const startThread = (url: string, program: URL): Worker => {
  const resourceLimits = { maxYoungGenerationSizeMb: youngMebibytesMax };
  const thread = new Worker(program, { workerData: { url }, resourceLimits });
  thread.unref();
  // Whoever waits for a page is told; while nobody does, it is started anew by the next one.
  thread.on('error', () => undefined);
  return thread;
};

const ask = (thread: Worker, asked: Asked): Promise<HashedPage> =>
  new Promise((resolve, reject) => {
    const done = (): void => {
      thread.off('message', settle).off('error', fail).off('exit', ended);
    };
    const fail = (error: Error): void => {
      done();
      reject(error);
    };
    const ended = (code: number): void => fail(new Error(`The thread that hashes ended with code ${code}.`));
    const settle = ({ page, error }: Answer): void => {
      done();
      if (page === undefined) reject(new Error(error));
      else resolve(page);
    };
    thread.once('message', settle).once('error', fail).once('exit', ended);
    thread.postMessage(asked);
  });

/** The thread is started when it is first asked, and anew after it failed. */
export const hashBeside = (url: string, program = builtProgram): Hashing => {
  let running: Worker | undefined;

  const thread = (): Worker => {
    if (running !== undefined) return running;
    const started = startThread(url, program);
    started.once('exit', () => {
      if (running === started) running = undefined;
    });
    running = started;
    return started;
  };

  return {
    page: (after, upTo) => ask(thread(), { after, upTo }),
    async close() {
      const last = running;
      if (last === undefined) return;
      await new Promise((resolve) => {
        last.once('exit', resolve);
        last.ref();
        last.postMessage(undefined);
      });
    },
  };
};

/** From source it is done here: a thread would have to be told how to read it, and takes a second to. */
export const hashingOf = (db: Queryable, url: string): Hashing => (isBuilt ? hashBeside(url) : hashHere(db));
