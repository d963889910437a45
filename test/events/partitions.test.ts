import type { RunningLog } from '../../src/events/event-log.ts';
import { type TestDatabase, testDatabase } from '../setup/database.ts';
import { add, counted, openLog } from './testbed.ts';

/** Partitions of ten positions each, instead of two million. */
const tenPositionsEach = async (db: TestDatabase): Promise<void> => {
  const { rows } = await db.owner.query<{ name: string }>(
    `SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'events'::regclass`,
  );
  for (const { name } of rows) await db.owner.query(`DROP TABLE ${name}`);
  await db.owner.query(
    `CREATE OR REPLACE FUNCTION event_partition_size() RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT 10::bigint'`,
  );
};

describe('partitions of the log', () => {
  let db: TestDatabase;
  let log: RunningLog;
  beforeEach(async () => {
    db = await testDatabase();
    await tenPositionsEach(db);
    log = await openLog(db.app);
  });
  afterEach(async () => {
    await log.stop();
    await db.drop();
  });

  const positions = async () =>
    (await log.read({ after: 0, limit: 10_000 })).events.map(({ position }) => position);
  const upTo = (n: number, from = 1) => Array.from({ length: n - from + 1 }, (_, i) => from + i);
  const names = async () =>
    (
      await db.owner.query<{ name: string }>(
        `SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'events'::regclass ORDER BY 1`,
      )
    ).rows.map(({ name }) => name);

  test('one batch, and one unit, may cross from one partition into the next', async () => {
    const unit = { ...add('counter-a', 0), events: Array.from({ length: 15 }, () => counted('counter-a')) };
    await Promise.all([log.append(unit), ...Array.from({ length: 9 }, () => log.append(add('$any', 'any')))]);
    expect(await positions()).toEqual(upTo(24));
    expect((await log.readStreams(['counter-a'])).map(({ version }) => version)).toEqual(upTo(15));
    expect(await log.append(add('counter-a', 15))).toMatchObject({ accepted: true });
  });

  test('an append that finds no partition has them made and goes on', async () => {
    for (let n = 0; n < 20; n++) {
      const events = Array.from({ length: 15 }, () => counted('counter-a'));
      expect(await log.append({ ...add('counter-a', 'any'), events })).toMatchObject({ accepted: true });
    }
    expect(await positions()).toEqual(upTo(300));
  });

  test('the oldest may be detached: new ones are made behind the last, and times resolve within the rest', async () => {
    await log.append({ ...add('counter-a', 0), events: upTo(25).map(() => counted('counter-a')) });
    await db.owner.query('ALTER TABLE events DETACH PARTITION events_p000000');
    await db.app.query('SELECT ensure_event_partitions(3)');
    expect(await names()).toEqual([
      'events_p000001',
      'events_p000002',
      'events_p000003',
      'events_p000004',
      'events_p000005',
    ]);
    const { events } = await log.read({ after: 0, limit: 100 });
    expect(events.map(({ position }) => position)).toEqual(upTo(25, 10));
    for (const { recordedAt, position } of events) expect(await log.positionAt(recordedAt)).toBe(position);
    expect(await log.positionAt('1999-01-01T00:00:00.000000Z')).toBe(9);
    expect(await log.append(add('counter-a', 25))).toMatchObject({ events: [{ position: 26 }] });
  });

  test('whoever may make them cannot fill the disk with them, and nobody else may', async () => {
    for (let n = 0; n < 3; n++) await db.app.query('SELECT ensure_event_partitions(20)');
    expect((await names()).length).toBe(21);
    await expect(db.app.query('SELECT ensure_event_partitions(101)')).rejects.toThrow(
      /ahead must be 1 to 100/,
    );
    const { rows } = await db.owner.query(
      `SELECT has_function_privilege('public', 'ensure_event_partitions(integer)', 'EXECUTE') AS everybody`,
    );
    expect(rows).toEqual([{ everybody: false }]);
  });

  test('recordedAt grows also when the clock jumps back', async () => {
    await log.append(add('counter-a', 0));
    await db.app.query(
      `INSERT INTO events SELECT 2, gen_random_uuid(), stream, 2, type, 1, data, metadata, now() + interval '1 hour'
       FROM events WHERE position = 1`,
    );
    await log.append({ ...add('counter-a', 2), events: [counted('counter-a'), counted('counter-a')] });
    const times = (await log.read({ after: 0, limit: 10 })).events.map(({ recordedAt }) => recordedAt);
    expect(times).toEqual([...new Set(times)].sort());
    expect(times.length).toBe(4);
    for (const [n, time] of times.entries()) expect(await log.positionAt(time)).toBe(n + 1);
  });
});
