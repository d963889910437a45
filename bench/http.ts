/**
 * Commands over HTTP, through everything a request passes (network, session, body, pipeline, log), with
 * the projector and the workers in the same process as they are by default; against an express route that
 * only parses the body with the same schema and answers. Accounts take turns.
 */
import type { Bench, BenchContext } from './bench.ts';
import { type Claim, interleave, type Loaded, rateOf, type Series } from './measure.ts';
import { type Measured, startProcess } from './processes.ts';
import { apiOf, startService, uploadAccounts } from './service.ts';

const clients = 64;
const accounts = 20_000;
const path = '/internal/v1/commands/change-plan';

/** The CPU time of the server that was asked in place of the asker's. */
const servedBy = async (cpu: () => Promise<number>, asking: () => Promise<Loaded>): Promise<Loaded> => {
  const before = await cpu();
  const loaded = await asking();
  return { ...loaded, cpuMicros: (await cpu()) - before };
};

const run = async ({ server, seconds, rounds, say }: BenchContext) => {
  const service = await startService(await server.product('http'));
  const api = await apiOf(service.url, 'ops@dev.test');
  await uploadAccounts(api, 'a', accounts);
  const bare = await startProcess(
    'processes/bare-express.mjs',
    {},
    { env: { ...process.env, NODE_ENV: 'production' } },
  );
  const asker = await startProcess('processes/http-load.ts', {});
  const asking = (port: number, headers: readonly string[]) => {
    const target = { host: '127.0.0.1', port, headers };
    return () => asker.ask<Loaded>('commands', { target, path, clients, seconds, prefix: 'a', accounts });
  };
  const session = [`Cookie: ${api.cookie}`, `Origin: ${service.url}`];
  const barePort = await bare.ask<number>('port');
  const sides = [
    {
      name: 'quarterdeck',
      run: () => servedBy(service.cpuMicros, asking(Number(new URL(service.url).port), session)),
    },
    {
      name: 'bare express 5',
      // The same headers, so that they are read too.
      run: () => servedBy(() => bare.ask<number>('cpu'), asking(barePort, session)),
    },
  ];
  const series = await interleave(sides, { rounds, postgresCpu: server.cpuMicros, unit: 'requests/s', say });
  await endAll([asker, bare]);
  await service.stop();
  return {
    settings: { clients, accounts, command: 'change-plan', processes: 'one each, and one that asks' },
    series,
    claims: claimsOf(series),
  };
};

const endAll = async (processes: readonly Measured[]): Promise<void> => {
  for (const one of processes) await one.stop();
};

const claimsOf = (series: readonly Series[]): readonly Claim[] => [
  {
    what: 'requests/s against bare express',
    value: rateOf(series, 'quarterdeck') / rateOf(series, 'bare express 5'),
    unit: '×',
    atLeast: 0.5,
  },
  {
    what: 'requests not answered with 200',
    value: series.flatMap(({ rounds }) => rounds).reduce((sum, { failed = 0 }) => sum + failed, 0),
    unit: '',
    atMost: 0,
  },
];

export const http: Bench = { name: 'http', shows: 'commands over HTTP against a bare express route', run };
