/**
 * A log of 5,000,000 events through its life: written by the log's own API with all metadata, sealed, hashed anew,
 * written to the archive and proven, taken out of the database; then read from there as a rebuild and a person would.
 * One process does all of it, one thing after another; resident memory is told against just before each.
 */
import '#engine/heap';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createArchivedEvents } from '#engine/audit/archive/archived-events';
import { createTransparency } from '#engine/audit/transparency/transparency';
import { createTreeReading } from '#engine/audit/transparency/tree';
import { createPool } from '#engine/db/pool';
import { areas } from '#engine/domain/index';
import { engineEvents } from '#engine/engine-events';
import { createCodec } from '#engine/events/codec';
import { createEventLog, emptyUnit, type RunningLog } from '#engine/events/event-log';
import { createKeyRing } from '#engine/events/keys';
import { createRegistry } from '#engine/events/registry';
import { openStorage } from '#engine/storage/open';
import type { Bench, BenchContext } from './bench.ts';
import type { Claim } from './measure.ts';
import { masterKey, metadataOf, signingKey } from './processes/commands.ts';

const events = Number(process.env.QUARTERDECK_BENCH_EVENTS ?? 5_000_000);
const streams = Math.ceil(events / 12);
const eventsOfUnit = 100;
const unitsAtOnce = 20;
const mebibyte = 2 ** 20;

const eventAt = (n: number) => {
  const accountId = String(n % streams);
  return {
    stream: `account-${accountId}`,
    type: 'PlanChanged',
    data: { accountId, plan: `plan ${n}` },
    metadata: metadataOf(n % 50, Math.floor(n / 20), 'reason'),
  };
};

const fill = async (log: RunningLog, say: (line: string) => void): Promise<void> => {
  let next = 0;
  const writer = async (): Promise<void> => {
    for (let from = next; from < events; from = next) {
      next = Math.min(events, from + eventsOfUnit);
      const some = Array.from({ length: next - from }, (_, n) => eventAt(from + n));
      const outcome = await log.append({
        ...emptyUnit,
        writes: some.map(({ stream }) => ({ stream, base: 'any' })),
        events: some,
      });
      if (!outcome.accepted) throw new Error(`refused: ${outcome.cause}`);
      if (next % 500_000 === 0) say(`${next.toLocaleString('en')} events are appended`);
    }
  };
  await Promise.all(Array.from({ length: unitsAtOnce }, writer));
};

interface Timed<T> {
  readonly value: T;
  readonly seconds: number;
  readonly growthMiB: number;
}

const timed = async <T>(work: () => Promise<T>): Promise<Timed<T>> => {
  globalThis.gc?.();
  const before = process.memoryUsage().rss;
  let most = before;
  const watching = setInterval(() => {
    most = Math.max(most, process.memoryUsage().rss);
  }, 50);
  const begun = performance.now();
  try {
    const value = await work();
    return { value, seconds: (performance.now() - begun) / 1_000, growthMiB: (most - before) / mebibyte };
  } finally {
    clearInterval(watching);
  }
};

/** As a rebuild reads: pages of one projection's types, without keys. Events that there were. */
const readThrough = async (log: RunningLog, after: number, upTo: number): Promise<number> => {
  let found = 0;
  for (let at = after; at < upTo; ) {
    const page = await log.readClear({ after: at, upTo, limit: 2_000, types: ['PlanChanged'] });
    found += page.events.length;
    at = page.position;
  }
  return found;
};

const percentile = (values: readonly number[], part: number): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length * part)] ?? Number.NaN;

const run = async ({ server, say }: BenchContext) => {
  const place = await server.product('archive');
  const folder = await mkdtemp(path.join(tmpdir(), 'quarterdeck-bench-archive-'));
  const storage = await openStorage(folder);
  const onError = (error: unknown): void => say(String(error));
  const pool = createPool({ url: place.applicationUrl, onError });
  const owner = createPool({ url: place.ownerUrl, max: 3, statementTimeoutMs: 0, onError });
  const log = createEventLog({
    pool,
    onError,
    codec: createCodec(createKeyRing(pool, masterKey)),
    registry: createRegistry([...areas.flatMap((area) => area.events), ...engineEvents]),
    archived: createArchivedEvents({ pool, storage, tree: createTreeReading(pool) }),
  });
  await log.start();
  const now = (): string => new Date().toISOString().replace('Z', '000Z');
  const transparency = await createTransparency({
    ...{ pool, log, signingKey, onError, environment: 'bench', mirror: undefined, clock: now, logLine: say },
    known: { require: async () => undefined },
    newId: () => crypto.randomUUID(),
    leaderUrl: place.applicationUrl,
    streams: areas.flatMap((area) => area.streams),
    paces: { checkedAtStart: 1_000, checkEveryMs: 24 * 60 * 60_000, faultRetryMs: 30_000 },
  });
  const claims: Claim[] = [];
  const tell = (what: string, { seconds, growthMiB }: Timed<unknown>, of = events): void => {
    claims.push(
      { what, value: of / seconds, unit: 'events/s' },
      { what: `${what}: growth of resident memory`, value: growthMiB, unit: 'MiB' },
    );
    say(`${what}: ${Math.round(of / seconds)} events/s, +${Math.round(growthMiB)} MiB`);
  };
  const bytesOfLog = async (): Promise<number> => {
    const { rows } = await owner.query<{ bytes: number }>(
      `SELECT sum(pg_total_relation_size(inhrelid))::bigint AS bytes FROM pg_inherits WHERE inhparent = 'events'::regclass`,
    );
    return rows[0]?.bytes ?? 0;
  };

  tell('appended', await timed(() => fill(log, say)));
  const sealing = await timed(async () => {
    transparency.start();
    while ((await transparency.health()).sealed < events) await new Promise((r) => setTimeout(r, 200));
  });
  tell('sealed, nothing else at work', sealing);
  tell('hashed anew and compared', await timed(() => transparency.checkAll(new AbortController().signal)));

  const archiving = transparency.archiving(storage);
  const archived = await timed(() =>
    archiving.archive(now(), ({ file, bytes }) => say(`${file}: ${bytes} bytes`)),
  );
  const last = archived.value.at(-1)?.upTo ?? 0;
  const compressed = archived.value.reduce((sum, { bytes }) => sum + bytes, 0);
  tell('archived and proven', archived, last);
  const before = await bytesOfLog();
  tell('read for a rebuild, from the database', await timed(() => readThrough(log, 0, last)), last);

  const moving = transparency.moving(storage, owner);
  const detached = await timed(() =>
    moving.detach(archived.value, ({ upTo }) => say(`detached up to ${upTo}`)),
  );
  tell('proven again, compared, covered and detached', detached, last);
  const dropped = await timed(() => moving.drop(archived.value));
  say(`dropped in ${dropped.seconds.toFixed(1)} s`);
  const after = await bytesOfLog();
  const moved = await timed(() => readThrough(log, 0, last));
  if (moved.value < last - 1_000) throw new Error(`only ${moved.value} events were read`);
  tell('read for a rebuild, from the archive', moved, last);

  const tookMs: number[] = [];
  for (let n = 0; n < 200; n++) {
    const begun = performance.now();
    await log.readStreams([`account-${(n * 7919) % streams}`]);
    tookMs.push(performance.now() - begun);
  }
  tell(
    'hashed anew and compared, from the archive',
    await timed(() => transparency.checkAll(new AbortController().signal)),
  );
  await transparency.stop();
  await log.stop();
  await pool.end();
  await owner.end();
  storage.close();
  await rm(folder, { recursive: true, force: true });
  return {
    settings: { events, streams, moved: last },
    series: [],
    claims: [
      ...claims,
      { what: 'the log in the database, before', value: before / events, unit: 'bytes an event' },
      {
        what: 'of what was moved, left there',
        value: (after - (before * (events - last)) / events) / last,
        unit: 'bytes an event',
      },
      { what: 'in the archive', value: compressed / last, unit: 'bytes an event' },
      { what: 'a stream of twelve events there, p50', value: percentile(tookMs, 0.5), unit: 'ms' },
      { what: 'the same, p95', value: percentile(tookMs, 0.95), unit: 'ms' },
    ],
  };
};

export const archive: Bench = {
  name: 'archive',
  shows: 'a log of five million events sealed, checked, archived, detached and read from the archive',
  run,
};
