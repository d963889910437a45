/** The thread that hashes pages of the log, one after another, until it is told to end. */
import { parentPort, workerData } from 'node:worker_threads';
import { createPool } from '../../db/pool.ts';
import { type Answer, type Asked, hashPage } from './hashing.ts';

const { url } = workerData as { readonly url: string };
const port = parentPort;
// An idle connection that breaks is replaced by the next page; one that breaks within a page fails the page.
const pool = createPool({ url, max: 1, applicationName: 'quarterdeck-sealer', onError: () => undefined });

const answered = async (asked: NonNullable<Asked>): Promise<Answer> => {
  try {
    return { page: await hashPage(pool, asked.after, asked.upTo) };
  } catch (error) {
    return { error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
};

port?.on('message', async (asked: Asked) => {
  if (asked !== undefined) return port.postMessage(await answered(asked));
  await pool.end();
  port.close();
});
