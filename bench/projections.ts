/**
 * The read side: rebuilding the accounts from a log of 240,000 events while the old version goes on
 * answering, and how far rows lag behind commands that come at an even pace over HTTP.
 */
import type { Bench, BenchContext } from './bench.ts';
import { interleave, type Loaded, median, rateOf } from './measure.ts';
import type { LagAnswer } from './processes/http-load.ts';
import { startProcess } from './processes.ts';
import { apiOf, projectedTo, startService, uploadAccounts } from './service.ts';

const accounts = 40_000;
/** Of each account, its opening included. */
const eventsEach = 6;
const perSecond = 500;
const lagAccounts = 20_000;

const rebuilds = async ({ server, rounds, say }: BenchContext) => {
  const sides = [];
  const engines = [];
  for (const personal of [false, true]) {
    const { applicationUrl } = await server.product(personal ? 'rebuild_personal' : 'rebuild');
    const duties = { project: true, work: false };
    const engine = await startProcess('processes/engine.ts', { applicationUrl, ...duties });
    engines.push(engine);
    await engine.ask('history', { prefix: 'a', accounts, eventsEach, personal });
    const name = personal ? 'rebuild, with names and e-mails' : 'rebuild';
    sides.push({ name, run: () => engine.ask<Loaded>('rebuild') });
  }
  const series = await interleave(sides, { rounds, postgresCpu: server.cpuMicros, unit: 'events/s', say });
  for (const engine of engines) await engine.stop();
  return series;
};

/** A fresh database for each, so that one round's leftovers are not the next one's load. */
const lags = async ({ server, rounds, seconds, say }: BenchContext): Promise<readonly LagAnswer[]> => {
  const service = await startService(await server.product('lag'));
  const api = await apiOf(service.url, 'ops@dev.test');
  await projectedTo(api, (await uploadAccounts(api, 'a', lagAccounts)).position);
  const asker = await startProcess('processes/http-load.ts', {});
  const headers = [`Cookie: ${api.cookie}`, `Origin: ${service.url}`];
  const target = { host: '127.0.0.1', port: Number(new URL(service.url).port), headers };
  const path = '/internal/v1/commands/change-plan';
  const answers: LagAnswer[] = [];
  for (let n = 0; n <= rounds; n++) {
    const asked = { target, path, clients: 400, seconds: Math.max(seconds, 10), prefix: 'a' };
    const answer = await asker.ask<LagAnswer>('lag', {
      ...asked,
      accounts: lagAccounts,
      perSecond,
      readEvery: 5,
    });
    say(`${n === 0 ? 'warm-up' : `round ${n}`}: lag p50 ${answer.p50Ms} ms, p99 ${answer.p99Ms} ms`);
    if (n > 0) answers.push(answer);
  }
  await asker.stop();
  await service.stop();
  return answers;
};

const run = async (context: BenchContext) => {
  const series = await rebuilds(context);
  const steady = await lags(context);
  const middle = (figure: keyof LagAnswer): number => median(steady.map((answer) => answer[figure]));
  return {
    settings: { events: accounts * eventsEach, accounts, perSecond, lagAccounts, lags: steady },
    series,
    claims: [
      { what: 'rebuild', value: rateOf(series, 'rebuild'), unit: 'events/s', atLeast: 25_000 },
      { what: `lag at ${perSecond} commands/s, p99`, value: middle('p99Ms'), unit: 'ms', atMost: 150 },
      { what: `lag at ${perSecond} commands/s, median`, value: middle('p50Ms'), unit: 'ms' },
    ],
  };
};

export const projections: Bench = { name: 'projections', shows: 'rebuilding rows, and their lag', run };
