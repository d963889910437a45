/**
 * Suspending 100,000 accounts as one bulk job of the product, asked for over HTTP with a filter, against
 * the same commands as one BullMQ job an item. Both work on the same database with the product's
 * projector running; the peer does fewer items, because it takes so long, and rates are compared. What
 * was suspended is reactivated in between. Queues are on PostgreSQL; on Redis too where it is there.
 */
import type { Bench, BenchContext } from './bench.ts';
import { type Claim, interleave, type Loaded, median, rateOf, type Series } from './measure.ts';
import { versionOf } from './peers.ts';
import { type Measured, startProcess } from './processes.ts';
import { startRedis } from './redis.ts';
import {
  type Api,
  apiOf,
  ended,
  type JobView,
  projectedTo,
  type Service,
  startService,
  uploadAccounts,
} from './service.ts';

const accounts = 100_000;
/** Those with the prefix `p` are the peer's. */
const peerAccounts = 5_000;
const peerConcurrency = 64;
const roundsMax = 3;

interface Growth {
  readonly mebibytes: number[];
}

const mebibyte = 2 ** 20;

/** One bulk job over all accounts that have the status; rate from acceptance to the end, and memory meanwhile. */
const bulkJob = async (
  api: Api,
  service: Service,
  growth: Growth | undefined,
  body: object,
): Promise<Loaded> => {
  const cpuBefore = await service.cpuMicros();
  const before = await service.residentBytes();
  let most = before;
  const look = async (): Promise<void> => {
    most = Math.max(most, await service.residentBytes());
  };
  const watching = setInterval(() => void look(), 50);
  const begun = performance.now();
  const { id } = await api.post<JobView>('/internal/v1/bulk-jobs', body);
  const accepted = performance.now();
  const job = await ended(api, id);
  const seconds = ranFor(job) ?? (performance.now() - accepted) / 1_000;
  clearInterval(watching);
  if (job.succeeded !== job.total) throw new Error(`the bulk job ended ${JSON.stringify(job)}`);
  growth?.mebibytes.push((most - before) / mebibyte);
  const cpuMicros = (await service.cpuMicros()) - cpuBefore;
  await projectedTo(api, job.position);
  return { operations: job.total, seconds, cpuMicros, p50Ms: accepted - begun };
};

/** From the moment that the job was accepted to its end, by its own times. */
const ranFor = ({ startedAt, finishedAt }: JobView): number | undefined =>
  startedAt === null || finishedAt === null
    ? undefined
    : (Date.parse(finishedAt) - Date.parse(startedAt)) / 1_000;

interface Ground {
  readonly api: Api;
  readonly service: Service;
  readonly peer: Measured;
  /** Another process of the product on the same database and queues. */
  readonly startWorker: () => Promise<Service>;
}

const names = {
  one: 'quarterdeck, one bulk job',
  two: 'the same, a second worker process beside it',
  peer: 'BullMQ, one job an item',
} as const;

const suspended = { command: 'suspend-account', input: { reason: 'review' } };
const reactivated = { command: 'reactivate-account', where: { status: 'suspended' } };
const ids = Array.from({ length: peerAccounts }, (_, n) => `p${n}`);

const sidesOf = ({ api, service, peer, startWorker }: Ground, growth: Growth | undefined) => [
  {
    name: names.one,
    run: async () => {
      const where = { status: 'active', accountId: { prefix: 'a' } };
      const loaded = await bulkJob(api, service, growth, { ...suspended, where });
      await bulkJob(api, service, undefined, reactivated);
      return loaded;
    },
  },
  {
    name: names.two,
    run: async () => {
      const worker = await startWorker();
      const where = { status: 'active', accountId: { prefix: 'a' } };
      const loaded = await bulkJob(api, service, undefined, { ...suspended, where });
      await worker.stop();
      await bulkJob(api, service, undefined, reactivated);
      return loaded;
    },
  },
  {
    name: names.peer,
    run: async () => {
      const loaded = await peer.ask<Loaded>('items', { ids });
      await bulkJob(api, service, undefined, reactivated);
      return loaded;
    },
  },
];

const onBackend = async (
  { server, rounds, say }: BenchContext,
  redisUrl: string | undefined,
): Promise<{ series: readonly Series[]; growth: Growth }> => {
  const place = await server.product(redisUrl === undefined ? 'bulk' : 'bulk_redis');
  const queues: Readonly<Record<string, string>> = redisUrl === undefined ? {} : { REDIS_URL: redisUrl };
  const service = await startService(place, queues);
  const api = await apiOf(service.url, 'ops@dev.test');
  await uploadAccounts(api, 'a', accounts);
  await projectedTo(api, (await uploadAccounts(api, 'p', peerAccounts)).position);
  const { applicationUrl } = place;
  const peer = await startProcess('processes/bullmq-items.ts', {
    applicationUrl,
    concurrency: peerConcurrency,
    ...(redisUrl === undefined ? {} : { redisUrl }),
  });
  const growth: Growth = { mebibytes: [] };
  const startWorker = () => startService(place, { ...queues, QUARTERDECK_ROLE: 'worker' });
  const sides = sidesOf({ api, service, peer, startWorker }, growth);
  const postgresCpu = () => Promise.resolve(undefined);
  const counted = redisUrl === undefined ? Math.min(rounds, roundsMax) : 1;
  const series = await interleave(sides, { rounds: counted, postgresCpu, unit: 'items/s', warmups: 0, say });
  await peer.stop();
  await service.stop();
  return { series, growth };
};

const run = async (context: BenchContext) => {
  const { series, growth } = await onBackend(context, undefined);
  const claims = claimsOf(series, growth);
  const settings = {
    accounts,
    peerAccounts,
    peerConcurrency,
    peerRetries: 'none',
    p50: 'time to accept the job, ms',
  };
  if ((await versionOf('redis-server')) === undefined) return { settings, series, claims };
  const redis = await startRedis();
  const onRedis = await onBackend(context, redis.url);
  await redis.stop();
  const named = onRedis.series.map((one) => ({ ...one, name: `${one.name}, on Redis` }));
  return { settings, series: [...series, ...named], claims };
};

const claimsOf = (series: readonly Series[], { mebibytes }: Growth): readonly Claim[] => {
  const [own, two, peer] = [names.one, names.two, names.peer].map((name) => rateOf(series, name)) as [
    number,
    number,
    number,
  ];
  return [
    { what: 'items a second of a bulk job', value: own, unit: 'items/s', atLeast: 10_000 },
    { what: 'against one BullMQ job an item', value: own / peer, unit: '×', atLeast: 12 },
    { what: 'two worker processes against one', value: two / own, unit: '×', atLeast: 1 },
    { what: 'growth of resident memory, first job', value: mebibytes[0] ?? 0, unit: 'MiB', atMost: 150 },
    { what: 'growth of resident memory, median', value: median(mebibytes), unit: 'MiB' },
  ];
};

export const bulk: Bench = {
  name: 'bulk',
  shows: 'suspending 100,000 accounts in bulk against BullMQ alone',
  run,
};
