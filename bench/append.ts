/**
 * Appending through the log's own API against emmett and against pgbench's bare inserts: 64 clients, one
 * event each, on streams of their own at the version they expect. Ours has its codec at work on every
 * command (a reason of its own each) and is measured twice: the log alone, and with all else that a
 * process of the product does, the projector above all.
 */
import type { Bench, BenchContext } from './bench.ts';
import { type Claim, interleave, type Loaded, rateOf, type Series, type Side } from './measure.ts';
import { installPeers, versionOf } from './peers.ts';
import { pgbench, pgbenchSettings, preparePgbench } from './pgbench.ts';
import { type Measured, startProcess } from './processes.ts';

const clients = 64;
const streams = 100;
const emmettConnections = 64;
const pgbenchClients = [1, 8, 32];

const load = { clients, streams, metadata: 'reason' };

/** A process of ours on a database of its own, with accounts to work on. */
const ours = async ({ server }: BenchContext, database: string, everything: boolean): Promise<Measured> => {
  const { applicationUrl } = await server.product(database);
  const duties = { project: everything, work: everything };
  const process = await startProcess('processes/engine.ts', { applicationUrl, ...duties });
  await process.ask('openAccounts', { prefix: 'a', count: clients * streams });
  return process;
};

/** Two processes on one database, each with half of the clients' streams. */
const pair = async ({ server }: BenchContext): Promise<readonly Measured[]> => {
  const { applicationUrl } = await server.product('pair');
  const both = [];
  for (const prefix of ['a', 'b']) {
    const one = await startProcess('processes/engine.ts', { applicationUrl, project: true, work: true });
    await one.ask('openAccounts', { prefix, count: clients * streams });
    both.push(one);
  }
  return both;
};

const together = (loads: readonly Loaded[]): Loaded => ({
  operations: loads.reduce((sum, { operations }) => sum + operations, 0),
  seconds: Math.max(...loads.map(({ seconds }) => seconds)),
  cpuMicros: loads.reduce((sum, { cpuMicros }) => sum + cpuMicros, 0),
});

const run = async (context: BenchContext) => {
  const { server, seconds, rounds, say } = context;
  await installPeers(say);
  const hasPgbench = await versionOf('pgbench');
  const emmettPlace = await server.empty('emmett');
  const pgbenchPlace = await server.empty('pgbench');
  if (hasPgbench !== undefined) await preparePgbench(pgbenchPlace);

  const log = await ours(context, 'log_alone', false);
  const whole = await ours(context, 'whole', true);
  const two = await pair(context);
  const emmett = await startProcess('peers/emmett.mjs', {
    url: emmettPlace.ownerUrl,
    connections: emmettConnections,
  });
  await emmett.ask('openAccounts', { prefix: 'a', count: clients * streams });

  const append = (process: Measured) => () =>
    process.ask<Loaded>('append', { ...load, seconds, prefix: 'a' });
  const halves = () =>
    Promise.all(
      two.map((one, n) =>
        one.ask<Loaded>('append', { ...load, seconds, clients: clients / 2, prefix: n === 0 ? 'a' : 'b' }),
      ),
    );
  const sides: Side[] = [
    { name: 'quarterdeck, everything on', run: append(whole) },
    { name: 'emmett 0.42', run: append(emmett) },
    { name: 'quarterdeck, the log alone', run: append(log) },
    { name: 'quarterdeck, two processes', run: async () => together(await halves()) },
    ...(hasPgbench === undefined ? [] : pgbenchClients).map((count) => ({
      name: `pgbench, ${count} client${count === 1 ? '' : 's'}`,
      run: () => pgbench(pgbenchPlace, count, seconds),
    })),
  ];
  const series = await interleave(sides, { rounds, postgresCpu: server.cpuMicros, unit: 'events/s', say });
  for (const process of [log, whole, ...two, emmett]) await process.stop();
  return {
    settings: {
      clients,
      streamsOfEachClient: streams,
      personalMetadata: 'e-mail, name, address and a reason of its own in every command, sealed',
      emmett: { connections: emmettConnections, autoMigration: 'None', inlineProjections: 'none' },
      pgbench: hasPgbench === undefined ? 'not on this machine' : { version: hasPgbench, ...pgbenchSettings },
    },
    series,
    claims: claimsOf(series, hasPgbench !== undefined),
  };
};

const claimsOf = (series: readonly Series[], hasPgbench: boolean): readonly Claim[] => {
  const whole = rateOf(series, 'quarterdeck, everything on');
  const log = rateOf(series, 'quarterdeck, the log alone');
  const emmett = rateOf(series, 'emmett 0.42');
  const best = Math.max(
    ...series.filter((s) => s.name.startsWith('pgbench')).map((s) => rateOf([s], s.name)),
  );
  const two = rateOf(series, 'quarterdeck, two processes');
  return [
    { what: 'everything on, against emmett', value: whole / emmett, unit: '×', atLeast: 6 },
    { what: 'the log alone, against emmett', value: log / emmett, unit: '×' },
    ...(hasPgbench
      ? [
          { what: 'everything on, against the best of pgbench', value: whole / best, unit: '×', atLeast: 2 },
          { what: 'the log alone, against the best of pgbench', value: log / best, unit: '×' },
        ]
      : []),
    { what: 'two processes against one', value: two / whole, unit: '×', atLeast: 1 },
  ];
};

export const append: Bench = {
  name: 'append',
  shows: 'appending through the log against emmett 0.42 and pgbench',
  run,
};
