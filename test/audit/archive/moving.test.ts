/**
 * Partitions that were moved: whatever is asked is answered as it was before. Nothing is left of them in the
 * database but the rest, since what was detached is dropped in most of these.
 */
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { v7 as uuid7 } from 'uuid';
import { createArchivedEvents } from '../../../src/audit/archive/archived-events.ts';
import { createMoving, type Moving } from '../../../src/audit/archive/moving.ts';
import { createTreeReading } from '../../../src/audit/transparency/tree.ts';
import type { ArchivedEvents } from '../../../src/events/archived.ts';
import { openStorage } from '../../../src/storage/open.ts';
import type { Storage } from '../../../src/storage/storage.ts';
import { add, counting, openLog } from '../../events/testbed.ts';
import { type TestDatabase, testDatabase } from '../../setup/database.ts';
import { until } from '../../setup/until.ts';
import { auditor } from '../testbed.ts';
import { openSealed, origin, type Sealed, tamper } from '../transparency/testbed.ts';
import { smallPartitions } from './partitions.ts';

const size = 30;
/** Of the first two partitions, which are moved: positions 1 to 59. */
const last = 2 * size - 1;

let db: TestDatabase;
let log: Sealed;
let place: string;
let storage: Storage;
let archived: ArchivedEvents;
let moving: Moving;

/** Commands of several events each, one of which lies across the end of a partition. */
const commands: string[] = [];

beforeEach(async () => {
  db = await testDatabase();
  await smallPartitions(db, size);
  place = await mkdtemp(join(tmpdir(), 'quarterdeck-moving-'));
  storage = await openStorage(place);
  archived = createArchivedEvents({ pool: db.app, storage, tree: createTreeReading(db.app) });
  const streams = [{ ...counting, prefix: 'counter' }];
  log = await openSealed(db, undefined, { archived, streams });
  commands.length = 0;
  for (let n = 0; n < 45; n++) {
    const commandId = uuid7();
    commands.push(commandId);
    await log.write(`counter-${n % 5}`, 'Counted', { by: n }, { reason: 'because', commandId });
    await log.write(`counter-${n % 7}`, 'Named', { owner: `Owner ${n}` }, { commandId });
  }
  await log.sealed();
  moving = log.transparency.moving(storage, db.owner);
});
afterEach(async () => {
  storage.close();
  await log.close();
  await db.drop();
  await rm(place, { recursive: true, force: true });
});

const now = (): string => new Date().toISOString().replace('Z', '000Z');
/** Everything up to the end of the second partition, and nothing of what comes behind. */
const archivedNow = async () => {
  await log.transparency.archiving(storage).archive(now(), () => undefined);
  return (await log.transparency.archiving(storage).archivedBefore(now())).slice(0, 2);
};
const move = async (): Promise<void> => {
  const both = await archivedNow();
  await moving.detach(both, () => undefined);
  await moving.drop(both);
};

const search = async (filter: object, order: string): Promise<unknown> =>
  (await log.audit.search({ principal: auditor, filter, order, limit: 1_000 })).data;

/** What the log says of its first two partitions, in every way that it can be asked. */
const told = async () => {
  const range = { after: 0, upTo: last, limit: 1_000 };
  const all = Array.from({ length: last }, (_, n) => n + 1);
  const streams = [0, 1, 2, 3, 4, 5, 6].map((n) => `counter-${n}`);
  const times = (await log.log.readStored(range)).events.map(({ recordedAt }) => recordedAt);
  const to = times.at(-1);
  const filters = [{ to }, { stream: 'counter-3', to }, { type: 'Named', to }, { reason: 'because', to }];
  return {
    stored: await log.log.readStored(range),
    read: await log.log.read(range),
    counted: await log.log.read({ ...range, types: ['Counted'] }),
    clear: (await log.log.readClear({ ...range, types: ['Named'] })).events.map(({ data, metadata }) => ({
      data,
      actor: metadata.actor,
    })),
    at: await log.log.readAt([1, 7, 29, 30, 31, 58, 59]),
    streams: await log.log.readStreams(streams, last),
    moments: await Promise.all(times.map((time) => log.log.positionAt(time))),
    before: await Promise.all(times.map((time) => log.log.positionBefore(time))),
    states: await log.log.load(streams.map((stream) => ({ stream, folding: counting }))),
    statesBefore: await log.log.statesBefore(all, counting),
    exported: (await log.exported({ to: last })).split('\n').slice(1, -2),
    readable: (await log.exported({ to: last, readable: true })).split('\n').slice(1, -2),
    narrow: (await log.exported({ to: last, filter: { type: 'Named' } })).split('\n').slice(1, -2),
    found: await Promise.all(
      filters.flatMap((filter) => [search(filter, 'oldest'), search(filter, 'newest')]),
    ),
    receipts: await Promise.all(
      commands.slice(0, 29).map(async (commandId) => {
        const { events } = await log.transparency.proofs.receipt({ ...origin, commandId });
        return events.map(({ position, entry, stored }) => ({ position, entry, stored }));
      }),
    ),
  };
};

test('whatever is asked of what was moved is answered as before', async () => {
  const both = await archivedNow();
  await log.sealed();
  await log.index.catchUp();
  const before = await told();
  await moving.detach(both, () => undefined);
  await moving.drop(both);
  const { rows } = await db.app.query(
    `SELECT count(*)::int AS events, count(*) FILTER (WHERE data::text = 'null' AND metadata ->> 'tool' IS NULL)::int AS moved
       FROM events WHERE position <= ${last}`,
  );
  expect(rows).toEqual([{ events: last, moved: last }]);
  expect(await told()).toEqual(before);
  // Without snapshots, as after a change of a state's shape, states come from the archive.
  await db.owner.query('DELETE FROM stream_snapshots');
  expect(await told()).toEqual(before);
});

test('what is decided on what was moved is decided as before', async () => {
  await move();
  const { rows } = await db.app.query<{ stream: string; version: number }>(
    'SELECT stream, max(version) AS version FROM events WHERE position <= $1 GROUP BY stream HAVING bool_and(position <= $1)',
    [last],
  );
  const [first] = rows;
  expect(first).toBeDefined();
  const { stream, version } = first as (typeof rows)[number];
  const current = (await log.log.load([{ stream, folding: counting }]))[0]?.version ?? 0;
  expect(current).toBeGreaterThanOrEqual(version);
  expect(await log.log.append(add(stream, 0))).toMatchObject({ accepted: false, cause: 'conflict' });
  expect(await log.log.append(add(stream, current))).toMatchObject({ accepted: true });
});

test('the log checks itself into the archive, and finds what was altered there and in what was left', async () => {
  await move();
  await log.sealed();
  await expect(log.transparency.checkAll(new AbortController().signal)).resolves.toMatchObject({ after: 0 });
  await tamper(db, "UPDATE events SET stream = 'counter-9' WHERE position = 40");
  await expect(log.transparency.checkAll(new AbortController().signal)).rejects.toMatchObject({
    message: expect.stringContaining('position 40'),
  });
});

test('commands need nothing of the archive: every stream has a snapshot', async () => {
  const both = await archivedNow();
  const streams: number[] = [];
  await moving.detach(both, (one) => streams.push(one.streams, one.uncovered));
  await moving.drop(both);
  expect(streams).toEqual([expect.any(Number), 0, expect.any(Number), 0]);
  const before = await log.log.load([{ stream: 'counter-2', folding: counting }]);
  await rm(place, { recursive: true });
  const other = await openLog(db.app);
  expect(await other.load([{ stream: 'counter-2', folding: counting }])).toEqual(before);
  await other.stop();
});

describe('what cannot be read is said, and never passed over', () => {
  const file = async (): Promise<string> => {
    await move();
    const { rows } = await db.app.query('SELECT file FROM archived_members WHERE first_position = 1');
    return join(place, rows[0]?.file ?? '');
  };
  const reading = (reader = log.log) => reader.read({ after: 0, limit: 100 });

  test('where nobody told where the archive is', async () => {
    await move();
    const other = await openLog(db.app);
    await expect(reading(other)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/positions 1 to 59 .*QUARTERDECK_LOG_ARCHIVE/),
    });
    await expect(other.readStreams(['counter-1'])).rejects.toMatchObject({ code: 'unavailable' });
    await expect(other.statesBefore([40], counting)).rejects.toMatchObject({ code: 'unavailable' });
    await other.stop();
  });

  test('where its file is gone, and is there again', async () => {
    const gone = await file();
    await rename(gone, `${gone}.away`);
    await expect(reading()).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(
        /positions 1 to 29 lies in log\/0*1-0*29.ndjson.gz of the archive.*no such file/,
      ),
    });
    await rename(`${gone}.away`, gone);
    await expect(reading()).resolves.toMatchObject({
      events: expect.arrayContaining([expect.objectContaining({ position: 1 })]),
    });
  });

  test('where it is cut', async () => {
    const cut = await file();
    await writeFile(cut, (await readFile(cut)).subarray(0, 500));
    await expect(reading()).rejects.toMatchObject({
      code: 'internal',
      message: expect.stringMatching(/positions 1 to 29 in log.* is cut or altered/),
    });
  });

  test('where it holds other events than were sealed', async () => {
    const swapped = await file();
    const { rows } = await db.app.query(
      'SELECT file, starts_at, bytes FROM archived_members WHERE first_position = 30',
    );
    const {
      file: second,
      starts_at: startsAt,
      bytes,
    } = rows[0] as { file: string; starts_at: number; bytes: number };
    await db.app.query(
      'UPDATE archived_members SET file = $1, starts_at = $2, bytes = $3 WHERE first_position = 1',
      [second, startsAt, bytes],
    );
    expect(swapped).not.toContain(second);
    await expect(reading()).rejects.toMatchObject({
      code: 'internal',
      message: expect.stringMatching(/position 1 in log.*is not the one that was sealed/),
    });
  });
});

test('events with more to them than was sealed are not handed out, however it is said', async () => {
  await move();
  const { rows } = await db.app.query(
    'SELECT file, starts_at, bytes FROM archived_members WHERE first_position = 1',
  );
  const { file, starts_at: startsAt, bytes } = rows[0] as { file: string; starts_at: number; bytes: number };
  const whole = await readFile(join(place, file));
  const text = gunzipSync(whole.subarray(startsAt, startsAt + bytes)).toString('utf8');
  const forge = async (forged: string): Promise<void> => {
    expect(forged).not.toBe(text);
    const packed = gzipSync(forged);
    await writeFile(join(place, 'log', 'forged.gz'), packed);
    await db.app.query(
      `UPDATE archived_members SET file = 'log/forged.gz', starts_at = 0, bytes = $1 WHERE first_position = 1`,
      [packed.length],
    );
    const fresh = await openLog(
      db.app,
      undefined,
      createArchivedEvents({ pool: db.app, storage, tree: createTreeReading(db.app) }),
    );
    await expect(fresh.readStored({ after: 0, limit: 5 })).rejects.toMatchObject({ code: 'internal' });
    await fresh.stop();
  };
  await forge(text.replace('"stored":{', '"stored":{"note":"approved",'));
  await forge(text.replace('"metadata":', '"note":"approved","metadata":'));
  await forge(text.replace('"position":1,', '"position":"1",'));
  await forge(text.replace('"version":1,', '"version":1,"version":1,'));
  await forge('\n'.repeat(1_000_000));
  await forge(' '.repeat(70 * 2 ** 20));
});

test('whoever looks at the log in one long transaction finds it whole, and is waited for', async () => {
  const both = await archivedNow();
  const reader = await db.app.connect();
  await reader.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
  await reader.query('SELECT 1');
  let moved = 0;
  const moves = moving.detach(both, () => moved++);
  // As far as it gets: the rest is written, and not in place.
  await until(async () => {
    const { rows } = await db.owner.query(`SELECT to_regclass('events_p000000_rest') IS NOT NULL AS there`);
    return rows[0]?.there === true;
  });
  const { rows } = await reader.query('SELECT count(*)::int AS events FROM events WHERE position <= $1', [
    last,
  ]);
  expect([rows, moved]).toEqual([[{ events: last }], 0]);
  await reader.query('COMMIT');
  reader.release();
  await moves;
  expect(moved).toBe(2);
});

test('of two that write there or move partitions, one is told to wait', async () => {
  await archivedNow();
  for (let n = 0; n < 40; n++) await log.write('counter-1', 'Counted', { by: n });
  await log.sealed();
  const both = [0, 1].map(() => log.transparency.archiving(storage).archive(now(), () => undefined));
  const ended = await Promise.allSettled(both);
  expect(ended.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  expect(ended.find(({ status }) => status === 'rejected')).toMatchObject({
    reason: { code: 'rejected', message: expect.stringContaining('Another process') },
  });
});

describe('nothing is moved', () => {
  const detach = async (): Promise<number> => {
    const done: unknown[] = [];
    await moving.detach(await archivedNow(), (one) => done.push(one));
    return done.length;
  };
  const isWhole = async (): Promise<void> => {
    const { rows } = await db.app.query(
      "SELECT count(*)::int AS moved FROM events WHERE data::text = 'null'",
    );
    expect(rows).toEqual([{ moved: 0 }]);
  };

  test('that was not archived', async () => {
    await expect(log.transparency.archiving(storage).archivedBefore(now())).rejects.toMatchObject({
      code: 'rejected',
      message: 'Positions 1 to 29 are not in the archive. Archive them first.',
    });
  });

  test('whose file is another one by now, or altered, or gone', async () => {
    const [first] = await archivedNow();
    const path = join(place, first?.file ?? '');
    const bytes = await readFile(path);
    const altered = Buffer.from(bytes);
    altered.writeUInt8(altered.readUInt8(bytes.length - 30) ^ 1, bytes.length - 30);
    await writeFile(path, altered);
    const only = [first as NonNullable<typeof first>];
    await expect(moving.detach(only, () => undefined)).rejects.toMatchObject({ code: 'rejected' });
    await rename(path, `${path}.away`);
    await expect(moving.detach(only, () => undefined)).rejects.toMatchObject({
      message: expect.stringContaining('is not in the archive'),
    });
    await isWhole();
    await rename(`${path}.away`, path);
    // As it says: archived again, it is well again.
    expect(await detach()).toBe(2);
  });

  test('that reads differently here', async () => {
    const both = await archivedNow();
    await tamper(
      db,
      `UPDATE events SET data = replace(data::text, '"by":', '"by": ')::json
        WHERE type = 'Counted' AND position BETWEEN 41 AND 50`,
    );
    await expect(moving.detach(both, () => undefined)).rejects.toMatchObject({
      message: expect.stringMatching(/position \d+ reads differently/),
    });
  });

  test('twice', async () => {
    expect(await detach()).toBe(2);
    expect(await detach()).toBe(0);
  });
});

test('cut off before the change it begins again', async () => {
  await db.owner.query('CREATE TABLE events_p000000_rest (LIKE events INCLUDING ALL)');
  const both = await archivedNow();
  await log.index.catchUp();
  const before = await told();
  await moving.detach(both, () => undefined);
  expect(await told()).toEqual(before);
});

test('cut off behind the change it makes up for the record', async () => {
  const both = await archivedNow();
  const cut = createMoving({
    ...{ pool: db.app, owner: db.owner, log: log.log, archivedEvents: archived, storage },
    ...{ vkeys: log.vkeys, streams: [] },
    record: async () => {
      throw new Error('cut off');
    },
  });
  await expect(cut.detach(both, () => undefined)).rejects.toThrow('cut off');
  await moving.detach(both, () => undefined);
  const recorded = (await log.whole()).filter(({ type }) => type === 'LogDetached');
  expect(recorded.map(({ data }) => data.upTo)).toEqual([29, 59]);
});

test('until it is dropped it can be put back', async () => {
  const both = await archivedNow();
  await log.index.catchUp();
  const before = await told();
  await moving.detach(both, () => undefined);
  // Also where the archive was lost, which is when it matters.
  await rm(place, { recursive: true });
  expect(await moving.attach(last)).toBe(2);
  expect(await told()).toEqual(before);
  expect(await moving.attach(last)).toBe(0);
});

test('what was detached is out of the application’s reach, and what is left cannot be changed', async () => {
  const both = await archivedNow();
  await moving.detach(both, () => undefined);
  await expect(db.app.query('SELECT FROM quarterdeck_detached.events_p000000')).rejects.toThrow(
    'permission denied',
  );
  for (const who of [db.app, db.owner])
    await expect(who.query("UPDATE events_p000000 SET type = 'Other'")).rejects.toThrow();
  await expect(db.owner.query('DELETE FROM events WHERE position = 1')).rejects.toThrow('append-only');
  expect(await moving.drop(both)).toBe(2);
  await expect(db.owner.query('SELECT FROM quarterdeck_detached.events_p000000')).rejects.toThrow(
    'does not exist',
  );
});
