/**
 * Searching the audit log: 5,000,000 events are written and indexed, then every filter and the pairs that people
 * combine are asked for, in both orders, with other values each time, one search after the other as a person asks.
 */
import pg from 'pg';
import { permissions } from '#engine/access/principal';
import { createAudit } from '#engine/audit/audit';
import { createAuditIndex } from '#engine/audit/index/audit-index';
import type { EventFilter } from '#engine/audit/request';
import { createPool } from '#engine/db/pool';
import { areas } from '#engine/domain/index';
import { engineEvents } from '#engine/engine-events';
import { createCodec } from '#engine/events/codec';
import { createEventLog } from '#engine/events/event-log';
import { createKeyRing } from '#engine/events/keys';
import { createRegistry } from '#engine/events/registry';
import { accounts, jobEvery, people, personOf, reasonOf, writeLog } from './audit-log.ts';
import { peersOf } from './audit-search-peers.ts';
import type { Bench, BenchContext } from './bench.ts';
import { masterKey } from './processes/commands.ts';

const events = Number(process.env.QUARTERDECK_BENCH_EVENTS ?? 5_000_000);
const searchesEach = 60;

/** n: which one of many; each names other values. */
type Asking = (n: number) => EventFilter;

const spread = (n: number, of: number): number => (n * 7919 + 13) % of;
/** Mostly those who did much. */
const person = (n: number): string => personOf(spread(n, n % 3 === 0 ? people : 5));
const account = (n: number): string => `account-${spread(n * 31, accounts)}`;
const types = [
  'InvoiceRaised',
  'InvoiceSettled',
  'AccountSuspended',
  'CommandRefused',
  'AccessDenied',
  'SignedIn',
];
const commands = ['raise-invoice', 'settle-invoice', 'suspend-account', 'issue-credit'];
const tools = ['importer', 'console', 'support-desk', 'back-office'];
const pick = <T>(values: readonly T[], n: number): T => values[n % values.length] as T;
const job = (n: number): string => `job-${spread(n, Math.ceil(events / jobEvery))}`;

/** A month of the year that the log covers. */
const month = (n: number): EventFilter => {
  const days = Math.max(1, (events * 5) / 86_400);
  const from = new Date(
    Date.UTC(2026, 0, 1) + spread(n, Math.max(1, Math.floor(days - days / 10))) * 86_400_000,
  );
  return { from: from.toISOString(), to: new Date(from.getTime() + (days / 10) * 86_400_000).toISOString() };
};

const asked: Readonly<Record<string, Asking>> = {
  'no filter': () => ({}),
  stream: (n) => ({ stream: account(n) }),
  actor: (n) => ({ actor: person(n) }),
  type: (n) => ({ type: pick(types, n) }),
  command: (n) => ({ command: pick(commands, n) }),
  tool: (n) => ({ tool: pick(tools, n) }),
  about: (n) => ({ about: account(n) }),
  outcome: (n) => ({
    outcome: pick(['succeeded', 'rejected', 'refused', 'denied', 'unchanged', 'failed'], n),
  }),
  reason: (n) => ({ reason: pick(['refund', 'goodwill outage', 'chargeback legal', 'fraud'], n) }),
  'reason, of one ticket': (n) => ({ reason: reasonOf(spread(n, people), n % 20).split(', ')[1] ?? '' }),
  correlation: (n) => ({ correlation: pick(correlations, n) }),
  bulkJob: (n) => ({ bulkJob: job(n) }),
  commandId: (n) => ({ commandId: pick(commandIds, n) }),
  session: (n) => ({ session: `s-${spread(n, 5)}-${spread(n, Math.ceil(events / 20_000))}` }),
  'actor + type': (n) => ({ actor: person(n), type: pick(types, n) }),
  'actor + command': (n) => ({ actor: person(n), command: pick(commands, n) }),
  'about + type': (n) => ({ about: account(n), type: 'InvoiceSettled' }),
  'tool + outcome': (n) => ({ tool: pick(tools, n), outcome: pick(['rejected', 'denied', 'succeeded'], n) }),
  'bulkJob + outcome': (n) => ({ bulkJob: job(n), outcome: pick(['rejected', 'succeeded'], n) }),
  'reason + actor': (n) => ({ actor: person(n), reason: 'refund' }),
  'type + tool that never meet, each in a third of the log': (n) =>
    n % 2 === 0 ? { type: 'InvoiceSettled', tool: 'console' } : { command: 'change-plan', tool: 'importer' },
  'actor + outcome that never meet': (n) => ({
    actor: personOf(n % 3),
    outcome: 'failed',
    type: 'InvoiceRaised',
  }),
  'actor + tool that meet once in a while': (n) => ({
    actor: personOf(100 + n),
    tool: 'back-office',
    type: 'AccessDenied',
  }),
};

const pairs = Object.keys(asked).filter((name) => name.includes('+'));

let correlations: readonly string[] = [];
let commandIds: readonly string[] = [];

const percentile = (values: readonly number[], part: number): number =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * part))] ??
  Number.NaN;

const run = async ({ server, say }: BenchContext) => {
  const place = await server.product('audit_search');
  const onError = (error: unknown) => say(String(error));
  const pool = createPool({ url: place.applicationUrl, onError });
  const owner = new pg.Pool({ connectionString: place.ownerUrl, max: 1 });
  const codec = createCodec(createKeyRing(pool, masterKey));
  const registry = createRegistry([...areas.flatMap((area) => area.events), ...engineEvents]);
  await writeLog(owner, codec, events, say);
  const log = createEventLog({ pool, codec, registry, onError });
  await log.start();
  const index = createAuditIndex({
    pool,
    log,
    codec,
    aboutOf: ({ type, data }) => [
      ...(registry.find(type)?.refs(data) ?? []),
      ...(type === 'FieldsRead'
        ? (data.keys as readonly unknown[]).map((key) => `account-${String(key)}`)
        : []),
    ],
    isOld: () => false,
    secret: masterKey,
    leaderUrl: place.applicationUrl,
    onError,
    logLine: say,
  });
  const begun = performance.now();
  const cpuBefore = process.cpuUsage();
  await index.catchUp();
  const seconds = (performance.now() - begun) / 1_000;
  const cpu = process.cpuUsage(cpuBefore);
  say(`indexed in ${seconds.toFixed(1)} s`);
  await owner.query('VACUUM ANALYZE audit_postings, audit_words, audit_fresh');
  const [sizes] = (
    await owner.query(`SELECT pg_total_relation_size('audit_postings') + pg_total_relation_size('audit_words') AS index,
      (SELECT sum(pg_total_relation_size(inhrelid)) FROM pg_inherits WHERE inhparent = 'events'::regclass) AS events`)
  ).rows;
  const ids = await pool.query<{ correlation: string; command: string }>(
    `SELECT metadata ->> 'correlationId' AS correlation, metadata ->> 'commandId' AS command FROM events
     WHERE position = ANY ($1)`,
    [Array.from({ length: searchesEach }, (_, n) => 1 + spread(n * 101, events))],
  );
  correlations = ids.rows.map(({ correlation }) => correlation);
  commandIds = ids.rows.map(({ command }) => command);

  const audit = createAudit({
    pool,
    log,
    indexed: index.batches,
    types: [],
    known: { require: async () => undefined },
    notesOf: () => undefined,
    logReads: { soon: () => undefined },
    streams: [],
    clock: () => new Date().toISOString().replace('Z', '000Z'),
    newId: () => crypto.randomUUID(),
    streamsReached: async (streams) => new Set(streams),
    refsOf: () => [],
  });
  const principal = {
    id: 'person:auditor',
    kind: 'person',
    roles: [],
    permissions: permissions(['audit:*']),
    tool: 'console',
  } as const;

  const measured: Record<string, { p50Ms: number; p95Ms: number; found: number }> = {};
  const measure = async (name: string, asking: Asking): Promise<void> => {
    const tookMs: number[] = [];
    let found = 0;
    for (let n = -6; n < searchesEach; n++) {
      const order = n % 2 === 0 ? 'newest' : 'oldest';
      const start = performance.now();
      const page = await audit.search({ principal, filter: asking(Math.abs(n)), order });
      if (n >= 0) tookMs.push(performance.now() - start);
      found += page.data.length;
    }
    const figures = { p50Ms: percentile(tookMs, 0.5), p95Ms: percentile(tookMs, 0.95), found };
    measured[name] = figures;
    say(`${name}: p50 ${figures.p50Ms.toFixed(1)} ms, p95 ${figures.p95Ms.toFixed(1)} ms, ${found} found`);
  };
  for (const [name, asking] of Object.entries(asked)) await measure(name, asking);
  for (const name of pairs) {
    const asking = asked[name] as Asking;
    await measure(`${name}, within a month`, (n) => ({ ...asking(n), ...month(n) }));
  }
  const peersOverAMillion = await peersOf(owner, say);
  await log.stop();
  await pool.end();
  await owner.end();
  const worst = Object.entries(measured).sort(([, a], [, b]) => b.p95Ms - a.p95Ms)[0];
  return {
    settings: {
      events,
      searchesEach,
      limit: 100,
      measured,
      peersOverAMillion,
      indexBytesAnEvent: Number(sizes?.index) / events,
      logBytesAnEvent: Number(sizes?.events) / events,
      indexingNodeCpuMicrosAnEvent: (cpu.user + cpu.system) / events,
    },
    series: [],
    claims: [
      { what: 'indexing', value: events / seconds, unit: 'events/s', atLeast: 20_000 },
      ...Object.entries(measured).map(([what, { p95Ms }]) => ({
        what: `${what}, p95`,
        value: p95Ms,
        unit: 'ms',
        atMost: 50,
      })),
      {
        what: `the slowest of all, ${worst?.[0]}, p95`,
        value: worst?.[1].p95Ms ?? Number.NaN,
        unit: 'ms',
        atMost: 50,
      },
    ],
  };
};

export const auditSearch: Bench = {
  name: 'audit-search',
  shows: 'searching an audit log of five million events by every filter',
  run,
};
