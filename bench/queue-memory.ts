/**
 * What Redis holds of one bulk job of 1,000,000 items, from before it is accepted until it has run for a while:
 * the items are in PostgreSQL, a queue entry is a chunk, and only as many as workers soon take are queued.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { Bench, BenchContext } from './bench.ts';
import { versionOf } from './peers.ts';
import { startRedis } from './redis.ts';
import { type Api, apiOf, type JobView, startService } from './service.ts';

const items = 1_000_000;
const watchedMs = 30_000;
const mebibyte = 2 ** 20;

const usedBytes = async (redis: Redis): Promise<number> =>
  Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1] ?? Number.NaN);

const start = (api: Api): Promise<JobView> => {
  const lines = ['accountId', ...Array.from({ length: items }, (_, n) => `nobody-${n}`)];
  const input = encodeURIComponent(JSON.stringify({ reason: 'review' }));
  const path = `/internal/v1/bulk-jobs?command=suspend-account&input=${input}`;
  return api.post<JobView>(path, lines.join('\n'), 'text/csv');
};

const watch = async (redis: Redis, api: Api, { id }: JobView): Promise<{ most: number; decided: number }> => {
  let most = 0;
  for (const end = performance.now() + watchedMs; performance.now() < end; await sleep(100)) {
    most = Math.max(most, await usedBytes(redis));
  }
  const job = await api.get<JobView & { readonly rejected: number }>(`/internal/v1/bulk-jobs/${id}`);
  await api.post(`/internal/v1/bulk-jobs/${id}/cancel`, {});
  return { most, decided: job.rejected };
};

const run = async ({ server, say }: BenchContext) => {
  if ((await versionOf('redis-server')) === undefined) {
    say('left out: redis-server is not on the PATH');
    return { settings: {}, series: [], claims: [] };
  }
  const backend = await startRedis();
  const redis = new Redis(backend.url);
  const service = await startService(await server.product('queue_memory'), { REDIS_URL: backend.url });
  try {
    const api = await apiOf(service.url, 'ops@dev.test');
    const before = await usedBytes(redis);
    const job = await start(api);
    const accepted = await usedBytes(redis);
    const { most, decided } = await watch(redis, api, job);
    if (decided === 0) throw new Error('the job did not run while it was watched');
    const grown = (bytes: number): number => (bytes - before) / mebibyte;
    return {
      settings: { items, watchedMs, decidedMeanwhile: decided },
      series: [],
      claims: [
        { what: 'Redis, when the job is accepted', value: grown(accepted), unit: 'MiB' },
        { what: 'Redis, at most while it runs', value: grown(most), unit: 'MiB', atMost: 5 },
      ],
    };
  } finally {
    await service.stop();
    redis.disconnect();
    await backend.stop();
  }
};

export const queueMemory: Bench = {
  name: 'queue-memory',
  shows: 'what Redis holds of a job of 1,000,000 items',
  run,
};
