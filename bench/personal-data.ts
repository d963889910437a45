/**
 * What it costs that somebody can be erased: appends of commands with a personal field against the same without one,
 * where the subject is known already and where each command brings a new one, whose key is made, wrapped and stored
 * first. The log alone; all four sides carry the sealed metadata of a session.
 */
import type { Bench, BenchContext } from './bench.ts';
import { interleave, type Loaded, rateOf } from './measure.ts';
import { startProcess } from './processes.ts';

const clients = 64;
const streams = 100;

const names = {
  plain: 'a change without personal data',
  known: 'a change with a personal field of a known subject',
  opened: 'an account opened without personal data',
  fresh: 'an account opened with a name: a new subject each',
} as const;

const run = async ({ server, seconds, rounds, say }: BenchContext) => {
  const { applicationUrl } = await server.product('personal_data');
  const duties = { project: false, work: false };
  const engine = await startProcess('processes/engine.ts', { applicationUrl, ...duties });
  await engine.ask('openAccounts', { prefix: 'p', count: clients * streams, personal: true });
  const change = (personalData: boolean) => () =>
    engine.ask<Loaded>('append', {
      clients,
      streams,
      seconds,
      prefix: 'p',
      metadata: 'session',
      personalData,
    });
  const open = (personal: boolean) => () =>
    engine.ask<Loaded>('openUnderLoad', { clients, seconds, personal });
  const sides = [
    { name: names.plain, run: change(false) },
    { name: names.known, run: change(true) },
    { name: names.opened, run: open(false) },
    { name: names.fresh, run: open(true) },
  ];
  const series = await interleave(sides, { rounds, postgresCpu: server.cpuMicros, unit: 'events/s', say });
  await engine.stop();
  const claims = [
    {
      what: 'known subjects, against nothing personal',
      value: rateOf(series, names.known) / rateOf(series, names.plain),
      unit: '×',
      atLeast: 0.8,
    },
    {
      what: 'new subjects, against nothing personal',
      value: rateOf(series, names.fresh) / rateOf(series, names.opened),
      unit: '×',
      atLeast: 0.6,
    },
  ];
  return { settings: { clients, streamsOfEachClient: streams }, series, claims };
};

export const personalData: Bench = {
  name: 'personal-data',
  shows: 'what it costs that somebody’s data can be erased',
  run,
};
