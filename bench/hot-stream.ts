/**
 * 64 clients send commands to one account, through the whole pipeline: from one process, where a lane
 * decides them in turn, and from two, which meet each other's versions. None may be refused.
 */
import type { Bench, BenchContext } from './bench.ts';
import { interleave, type Loaded, type Series } from './measure.ts';
import { type Measured, startProcess } from './processes.ts';

const clients = 64;

const run = async ({ server, seconds, rounds, say }: BenchContext) => {
  const { applicationUrl } = await server.product('hot_stream');
  const everything = { applicationUrl, project: true, work: true };
  const first = await startProcess('processes/engine.ts', everything);
  const second = await startProcess('processes/engine.ts', everything);
  await first.ask('openAccounts', { prefix: 'hot', count: 1 });
  const commands = (process: Measured, some: number) =>
    process.ask<Loaded>('oneStream', { clients: some, seconds, accountId: 'hot0' });
  const sides = [
    { name: 'one process', run: () => commands(first, clients) },
    {
      name: 'two processes',
      run: async () => {
        const half = clients / 2;
        const [a, b] = await Promise.all([commands(first, half), commands(second, half)]);
        return {
          operations: a.operations + b.operations,
          seconds: Math.max(a.seconds, b.seconds),
          cpuMicros: a.cpuMicros + b.cpuMicros,
          failed: (a.failed ?? 0) + (b.failed ?? 0),
        };
      },
    },
  ];
  const series = await interleave(sides, { rounds, postgresCpu: server.cpuMicros, unit: 'commands/s', say });
  await first.stop();
  await second.stop();
  const claims = series.map((one) => ({
    what: `commands refused, ${one.name}`,
    value: refused(one),
    unit: '',
    atMost: 0,
  }));
  return { settings: { clients, command: 'change-plan on one account' }, series, claims };
};

const refused = ({ rounds }: Series): number => rounds.reduce((sum, { failed = 0 }) => sum + failed, 0);

export const hotStream: Bench = { name: 'hot-stream', shows: '64 clients on one stream', run };
