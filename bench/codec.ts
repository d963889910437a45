/**
 * What protecting personal data costs: the same append without any personal field, with those of a
 * sign-in (sealed once, then alike), with a reason of each command's own, and with a personal field in
 * the event too. The log alone, so that nothing else is in the figures. Reported, without a target.
 */
import type { Bench, BenchContext } from './bench.ts';
import { interleave, type Loaded, rateOf } from './measure.ts';
import { startProcess } from './processes.ts';

const clients = 64;
const streams = 100;

const variants = [
  { name: 'nothing personal', metadata: 'none' },
  { name: 'e-mail, name and address of a session', metadata: 'session' },
  { name: 'these and a reason of its own', metadata: 'reason' },
  { name: 'these and a personal field in the event', metadata: 'reason', personalData: true },
] as const;

const run = async ({ server, seconds, rounds, say }: BenchContext) => {
  const { applicationUrl } = await server.product('codec');
  const duties = { project: false, work: false };
  const engine = await startProcess('processes/engine.ts', { applicationUrl, ...duties });
  await engine.ask('openAccounts', { prefix: 'a', count: clients * streams });
  const sides = variants.map(({ name, ...asked }) => ({
    name,
    run: () => engine.ask<Loaded>('append', { clients, streams, seconds, prefix: 'a', ...asked }),
  }));
  const series = await interleave(sides, { rounds, postgresCpu: server.cpuMicros, unit: 'events/s', say });
  await engine.stop();
  const plain = rateOf(series, variants[0].name);
  const claims = variants.slice(1).map(({ name }) => ({
    what: `${name}, against nothing`,
    value: rateOf(series, name) / plain,
    unit: '×',
  }));
  return { settings: { clients, streamsOfEachClient: streams }, series, claims };
};

export const codec: Bench = { name: 'codec', shows: 'what sealing personal fields costs an append', run };
