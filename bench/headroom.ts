/**
 * 50 commands a second from people, first while nothing else is done and then beside a bulk job over
 * 100,000 accounts: how long they take, and how much of the job gets done meanwhile. Both figures of a
 * round come from the same seconds. The job's accounts are others than the people's.
 */
import type { Bench, BenchContext } from './bench.ts';
import { type Claim, interleave, type Loaded, median, type Series } from './measure.ts';
import { type Measured, startProcess } from './processes.ts';
import {
  type Api,
  apiOf,
  ended,
  type JobView,
  projectedTo,
  startService,
  uploadAccounts,
} from './service.ts';

const accounts = 100_000;
const peoplesAccounts = 2_000;
const perSecond = 50;
const clients = 16;
const path = '/internal/v1/commands/change-plan';

const idle = 'people, nothing beside';
const beside = 'people, beside bulk work';

interface Ground {
  readonly api: Api;
  readonly asking: () => Promise<Loaded>;
  /** Items a second of the job while people asked, of each round. */
  readonly bulkRates: number[];
}

const jobs = '/internal/v1/bulk-jobs';
const where = (status: string) => ({ status, accountId: { prefix: 'a' } });
const suspend = { command: 'suspend-account', input: { reason: 'review' }, where: where('active') };
const reactivate = { command: 'reactivate-account', where: where('suspended') };

const besideBulk = async ({ api, asking, bulkRates }: Ground): Promise<Loaded> => {
  const { id } = await api.post<JobView>(jobs, suspend);
  const look = () => api.get<JobView>(`${jobs}/${id}`);
  const [before, begun] = [await look(), performance.now()];
  const loaded = await asking();
  const [after, asked] = [await look(), performance.now()];
  bulkRates.push(rateOver(before, after, (asked - begun) / 1_000));
  const job = await ended(api, id);
  if (job.succeeded !== accounts) throw new Error(`the bulk job ended ${JSON.stringify(job)}`);
  await projectedTo(api, (await ended(api, (await api.post<JobView>(jobs, reactivate)).id)).position);
  return loaded;
};

/** One that ended meanwhile took less than the time that people asked. */
const rateOver = (before: JobView, after: JobView, seconds: number): number => {
  const { startedAt, finishedAt } = after;
  const ran = finishedAt === null ? seconds : (Date.parse(finishedAt) - Date.parse(startedAt ?? '')) / 1_000;
  return (after.succeeded - (finishedAt === null ? before.succeeded : 0)) / ran;
};

const groundOf = async (url: string, asker: Measured, seconds: number): Promise<Ground> => {
  const api = await apiOf(url, 'ops@dev.test');
  await uploadAccounts(api, 'a', accounts);
  await projectedTo(api, (await uploadAccounts(api, 'p', peoplesAccounts)).position);
  const headers = [`Cookie: ${api.cookie}`, `Origin: ${url}`];
  const target = { host: '127.0.0.1', port: Number(new URL(url).port), headers };
  const asked = { target, path, clients, perSecond, seconds, prefix: 'p', accounts: peoplesAccounts };
  return { api, asking: () => asker.ask<Loaded>('evenly', asked), bulkRates: [] };
};

const run = async ({ server, rounds, seconds, say }: BenchContext) => {
  const service = await startService(await server.product('headroom'));
  const asker = await startProcess('processes/http-load.ts', {});
  const ground = await groundOf(service.url, asker, seconds);
  const sides = [
    { name: idle, run: ground.asking },
    { name: beside, run: () => besideBulk(ground) },
  ];
  const postgresCpu = () => Promise.resolve(undefined);
  const series = await interleave(sides, { rounds, postgresCpu, unit: 'commands/s', say });
  await asker.stop();
  await service.stop();
  // The first round of each is a warm-up.
  return {
    settings: { accounts, perSecond, command: 'change-plan', bulkRates: ground.bulkRates },
    series,
    claims: claimsOf(series, ground.bulkRates.slice(1)),
  };
};

const p95Of = (series: readonly Series[], name: string): number =>
  median(series.find((one) => one.name === name)?.rounds.map(({ p95Ms = Number.NaN }) => p95Ms) ?? []);

const claimsOf = (series: readonly Series[], bulkRates: readonly number[]): readonly Claim[] => [
  { what: 'p95 of commands, nothing beside', value: p95Of(series, idle), unit: 'ms' },
  { what: 'p95 of commands, beside bulk work', value: p95Of(series, beside), unit: 'ms' },
  {
    what: 'p95 beside bulk work, above the idle one',
    value: p95Of(series, beside) - p95Of(series, idle),
    unit: 'ms',
    atMost: 25,
  },
  { what: 'bulk items a second meanwhile', value: median(bulkRates), unit: 'items/s', atLeast: 3_000 },
];

export const headroom: Bench = {
  name: 'headroom',
  shows: '50 commands a second alone and beside a bulk job of 100,000 accounts',
  run,
};
