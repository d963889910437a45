/**
 * The peer of `bulk`: the same commands as one BullMQ job an item, on the same backend as ours, each job
 * sending the command through the pipeline of this process. The queue is filled by `addBulk` in batches
 * while the worker is already at it; finished jobs are removed, as ours are.
 */
import { createPostgresBackend, Queue, Worker, withBackend } from 'bullmq';
import { Redis } from 'ioredis';
import { systemSources } from '#engine/clock';
import { createPool } from '#engine/db/pool';
import { areas } from '#engine/domain/index';
import { createEngine, type Engine } from '#engine/engine';
import type { Loaded } from '../measure.ts';
import { masterKey, principalOf, signingKey } from './commands.ts';
import { serveTasks } from './serve.ts';

interface Opening {
  readonly applicationUrl: string;
  readonly redisUrl?: string;
  readonly concurrency: number;
}

interface Item {
  readonly accountId: string;
}

interface Filled {
  addBulk(jobs: { name: string; data: Item; opts: object }[]): Promise<unknown>;
  close(): Promise<void>;
}

interface Working {
  on(event: 'completed' | 'failed', listener: () => void): unknown;
  close(): Promise<void>;
}

const queueName = 'items';
const batch = 1_000;
const gone = { removeOnComplete: true, removeOnFail: true };

let engine: Engine;
let queue: Filled;
let worker: Working;
const ends: (() => Promise<void>)[] = [];

let left = 0;
let failed = 0;
let allDone: (() => void) | undefined;

const suspend = async ({ data }: { data: Item }): Promise<void> => {
  const input = { accountId: data.accountId, reason: 'review' };
  const answer = await engine.commands.execute({ name: 'suspend-account', input, principal: principalOf(1) });
  if (answer.kind !== 'done' || answer.done.events.length !== 1) failed++;
};

const onPostgres = (connectionString: string, concurrency: number): void => {
  const { Queue: PgQueue, Worker: PgWorker } = withBackend(createPostgresBackend);
  const connection = (max: number) => ({ connectionString, schema: 'bullmq', skipMigrations: true, max });
  queue = new PgQueue<Item>(queueName, { connection: connection(4) });
  worker = new PgWorker<Item>(queueName, suspend, { connection: connection(20), concurrency });
};

const onRedis = (url: string, concurrency: number): void => {
  const connections = [new Redis(url), new Redis(url, { maxRetriesPerRequest: null })] as const;
  queue = new Queue<Item>(queueName, { connection: connections[0] });
  worker = new Worker<Item>(queueName, suspend, { connection: connections[1], concurrency });
  ends.push(async () => {
    for (const one of connections) one.disconnect();
  });
};

const open = async ({ applicationUrl, redisUrl, concurrency }: Opening): Promise<void> => {
  const pool = createPool({ url: applicationUrl, max: 20, onError: console.error });
  engine = await createEngine({
    ...systemSources,
    areas,
    pool,
    directUrl: applicationUrl,
    masterKey,
    signingKey,
    publicUrl: 'http://127.0.0.1:7400',
    allowedNetworks: ['127.0.0.0/8'],
    trustedProxies: [],
    redisUrls: [],
    onError: (error, doing) => console.error(doing, error),
    say: () => undefined,
  });
  if (redisUrl === undefined) onPostgres(applicationUrl, concurrency);
  else onRedis(redisUrl, concurrency);
  const one = (): void => {
    left--;
    if (left === 0) allDone?.();
  };
  worker.on('completed', one);
  worker.on('failed', () => {
    failed++;
    one();
  });
  ends.push(async () => {
    await worker.close();
    await queue.close();
    await engine.stop();
    await pool.end();
  });
};

const items = async ({ ids }: { readonly ids: readonly string[] }): Promise<Loaded> => {
  const cpuBefore = process.cpuUsage();
  const begun = performance.now();
  left = ids.length;
  failed = 0;
  const done = new Promise<void>((resolve) => {
    allDone = resolve;
  });
  for (let n = 0; n < ids.length; n += batch) {
    const jobs = ids
      .slice(n, n + batch)
      .map((accountId) => ({ name: 'item', data: { accountId }, opts: gone }));
    await queue.addBulk(jobs);
  }
  await done;
  const cpu = process.cpuUsage(cpuBefore);
  const seconds = (performance.now() - begun) / 1_000;
  return { operations: ids.length, seconds, cpuMicros: cpu.user + cpu.system, failed };
};

serveTasks({ open, items }, async () => {
  for (const end of ends.toReversed()) await end();
});
