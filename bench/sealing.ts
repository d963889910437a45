/**
 * What sealing costs and how far it lags: the same appends on two databases, one of which has its sealer at
 * work in the same process. Nothing else runs, so that the sealer has to share with appends at their limit.
 */
import type { Bench, BenchContext } from './bench.ts';
import { interleave, type Loaded, rateOf } from './measure.ts';
import { type Measured, startProcess } from './processes.ts';
import type { Place } from './server.ts';

const clients = 64;
const streams = 100;
const load = { clients, streams, metadata: 'reason', prefix: 'a' };

const open = async ({ applicationUrl }: Place, seal: boolean): Promise<Measured> => {
  const process = await startProcess('processes/engine.ts', {
    applicationUrl,
    seal,
    project: false,
    work: false,
  });
  await process.ask('openAccounts', { prefix: 'a', count: clients * streams });
  return process;
};

const run = async ({ server, seconds, rounds, say }: BenchContext) => {
  const plainPlace = await server.product('unsealed');
  const sealedPlace = await server.product('sealed');
  const plain = await open(plainPlace, false);
  const sealed = await open(sealedPlace, true);
  const side = (process: Measured) => () => process.ask<Loaded>('append', { ...load, seconds });
  const series = await interleave(
    [
      { name: 'without the sealer', run: side(plain) },
      { name: 'with the sealer', run: side(sealed) },
    ],
    { rounds, postgresCpu: server.cpuMicros, unit: 'events/s', say },
  );
  const lag = await sealed.ask<{ p50: number; p99: number; unsealed: number }>('sealingLag');
  for (const process of [plain, sealed]) await process.stop();
  const cost = 100 * (1 - rateOf(series, 'with the sealer') / rateOf(series, 'without the sealer'));
  return {
    settings: { clients, streamsOfEachClient: streams },
    series,
    claims: [
      { what: 'slower with the sealer', value: cost, unit: '%', atMost: 5 },
      { what: 'from append to checkpoint, p50', value: lag.p50, unit: 'ms' },
      { what: 'from append to checkpoint, p99', value: lag.p99, unit: 'ms', atMost: 1_000 },
      { what: 'not sealed at the end', value: lag.unsealed, unit: 'events', atMost: 0 },
    ],
  };
};

export const sealing: Bench = { name: 'sealing', shows: 'appending with and without the sealer', run };
