/**
 * What asking who it is and what they may do costs a command: the same process, log and accounts behind
 * three doors that take turns, one without a gate and a policy, one with both, and one whose role reaches
 * the rows of one region only.
 */
import type { Bench, BenchContext } from './bench.ts';
import { type Claim, interleave, type Loaded, rateOf, type Series } from './measure.ts';
import type { Door } from './processes/doors.ts';
import { startProcess } from './processes.ts';

const clients = 64;
const accounts = 20_000;
const path = '/internal/v1/commands/change-plan';

const names = {
  open: 'without gate and policy',
  session: 'with gate and policy',
  rows: 'and rows of one region only',
} as const;

const run = async ({ server, seconds, rounds, say }: BenchContext) => {
  const { applicationUrl } = await server.product('access');
  const product = await startProcess('processes/doors.ts', { applicationUrl });
  await product.ask('openAccounts', { prefix: 'a', count: accounts });
  const doors = await product.ask<Readonly<Record<keyof typeof names, Door>>>('doors');
  const asker = await startProcess('processes/http-load.ts', {});
  const side = (door: keyof typeof names) => ({
    name: names[door],
    run: async (): Promise<Loaded> => {
      const { port, cookie } = doors[door];
      const headers = [`Cookie: ${cookie}`, `Origin: http://127.0.0.1`];
      const target = { host: '127.0.0.1', port, headers };
      const before = await product.ask<number>('cpu');
      const loaded = await asker.ask<Loaded>('commands', {
        target,
        path,
        clients,
        seconds,
        prefix: 'a',
        accounts,
      });
      return { ...loaded, cpuMicros: (await product.ask<number>('cpu')) - before };
    },
  });
  const sides = (['open', 'session', 'rows'] as const).map(side);
  const series = await interleave(sides, { rounds, postgresCpu: server.cpuMicros, unit: 'requests/s', say });
  await asker.stop();
  await product.stop();
  const settings = { clients, accounts, command: 'change-plan', processes: 'one, and one that asks' };
  return { settings, series, claims: claimsOf(series) };
};

const claimsOf = (series: readonly Series[]): readonly Claim[] => [
  {
    what: 'requests/s with gate and policy, against without',
    value: rateOf(series, names.session) / rateOf(series, names.open),
    unit: '×',
    atLeast: 0.85,
  },
  {
    what: 'requests/s with a row scope, against without gate and policy',
    value: rateOf(series, names.rows) / rateOf(series, names.open),
    unit: '×',
  },
  {
    what: 'requests not answered with 200',
    value: series.flatMap(({ rounds }) => rounds).reduce((sum, { failed = 0 }) => sum + failed, 0),
    unit: '',
    atMost: 0,
  },
];

export const access: Bench = {
  name: 'access',
  shows: 'commands over HTTP with and without authentication and authorisation',
  run,
};
