/**
 * Appending while another connection holds an old snapshot open (an analyst's transaction, a dump): dead
 * rows then cannot be removed, and whatever is updated in place for every append would slow down. With and
 * without in turn. The snapshot is aged by as many commands as ten minutes at 500 a second bring, at full
 * speed; with --minutes by that much real time at 500 a second.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Bench, BenchContext } from './bench.ts';
import { interleave, type Loaded, rateOf, type Side } from './measure.ts';
import { type Measured, startProcess } from './processes.ts';
import type { Place } from './server.ts';

const clients = 64;
const streams = 100;
const load = { clients, streams, prefix: 'a', metadata: 'reason' };
const commandsOfTenMinutes = 300_000;

const holdSnapshot = async ({ applicationUrl }: Place): Promise<pg.Client> => {
  const client = new pg.Client(applicationUrl);
  await client.connect();
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY');
  await client.query('SELECT count(*) FROM projections');
  return client;
};

const age = async (engine: Measured, minutes: number | undefined): Promise<void> => {
  if (minutes !== undefined) {
    const pace = { ...load, perSecond: 500 };
    for (let n = 0; n < minutes; n++) await engine.ask('paced', { ...pace, seconds: 60 });
    return;
  }
  for (let left = commandsOfTenMinutes; left > 0; ) {
    left -= (await engine.ask<Loaded>('append', { ...load, seconds: 5 })).operations;
  }
};

const run = async ({ server, seconds, rounds, minutes, say }: BenchContext) => {
  const place = await server.product('snapshot');
  const everything = { applicationUrl: place.applicationUrl, project: true, work: true };
  const engine = await startProcess('processes/engine.ts', everything);
  await engine.ask('openAccounts', { prefix: 'a', count: clients * streams });
  const append = () => engine.ask<Loaded>('append', { ...load, seconds });
  let held: pg.Client | undefined;
  const release = async () => {
    await held?.query('COMMIT');
    await held?.end();
    held = undefined;
  };
  // One long-lived snapshot for all rounds of a side would leave nothing to compare with in turn.
  const sides: Side[] = [
    {
      name: 'without a snapshot',
      run: async () => {
        await release();
        await vacuum(place);
        await sleep(500);
        return append();
      },
    },
    {
      name: 'with an old snapshot open',
      run: async () => {
        held = await holdSnapshot(place);
        await age(engine, minutes);
        return append();
      },
    },
  ];
  // The rounds' own CPU figures would count the ageing too.
  const postgresCpu = () => Promise.resolve(undefined);
  const series = await interleave(sides, { rounds, postgresCpu, unit: 'events/s', warmups: 0, say });
  await release();
  await engine.stop();
  const value = rateOf(series, sides[1]?.name ?? '') / rateOf(series, sides[0]?.name ?? '');
  return {
    settings: {
      clients,
      streamsOfEachClient: streams,
      aged: minutes === undefined ? `${commandsOfTenMinutes} commands at full speed` : `${minutes} minutes`,
    },
    series,
    claims: [{ what: 'with an old snapshot, against without', value, unit: '×', atLeast: 0.8 }],
  };
};

/** What autovacuum would do sooner or later: the side without a snapshot starts from clean tables. */
const vacuum = async ({ applicationUrl, ownerUrl }: Place): Promise<void> => {
  for (const [url, tables] of [
    [ownerUrl, 'projections'],
    [applicationUrl, ''],
  ] as const) {
    const client = new pg.Client(url);
    client.on('notice', () => undefined);
    await client.connect();
    await client.query(`VACUUM ${tables}`);
    await client.end();
  }
};

export const snapshot: Bench = {
  name: 'snapshot',
  shows: 'appending while another connection holds an old snapshot',
  run,
};
