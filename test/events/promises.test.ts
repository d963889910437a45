import { createPool } from '../../src/db/pool.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import { erased } from '../../src/events/codec.ts';
import type { EventDefinition } from '../../src/events/definition.ts';
import { defineEvent } from '../../src/events/definition.ts';
import type { RunningLog } from '../../src/events/event-log.ts';
import { type TestDatabase, testDatabase } from '../setup/database.ts';
import { startProxy } from '../setup/proxy.ts';
import { add, Counted, counted, counting, definitions, metadata, openLog } from './testbed.ts';

describe('what the log promises', () => {
  let db: TestDatabase;
  let log: RunningLog;
  beforeEach(async () => {
    db = await testDatabase();
    log = await openLog(db.app);
  });
  afterEach(async () => {
    await log.stop();
    await db.drop();
  });

  test('no reader skips an event in flight: of two interleaved transactions the later one waits', async () => {
    const seen: number[] = [];
    let later: Promise<unknown> = Promise.resolve();
    await inTransaction(db.app, async (tx) => {
      await log.admit(tx, [add('counter-a', 0)]);
      await log.write(tx, [add('counter-a', 0)]);
      later = log
        .append(add('counter-b', 0))
        .then((o) => o.accepted && seen.push(o.events[0]?.position ?? 0));
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect((await log.read({ after: 0, limit: 10 })).events).toEqual([]);
      expect(seen).toEqual([]);
    });
    await later;
    const events = (await log.read({ after: 0, limit: 10 })).events;
    expect(events.map((e) => [e.position, e.stream])).toEqual([
      [1, 'counter-a'],
      [2, 'counter-b'],
    ]);
  });

  test('a transaction that is rolled back leaves no gap', async () => {
    await expect(
      inTransaction(db.app, async (tx) => {
        await log.admit(tx, [add('counter-a', 0)]);
        await log.write(tx, [add('counter-a', 0)]);
        throw new Error('changed its mind');
      }),
    ).rejects.toThrow('changed its mind');
    expect(await log.append(add('counter-a', 0))).toMatchObject({
      accepted: true,
      events: [{ position: 1, version: 1 }],
    });
  });

  test('append-only: update, delete and truncate are refused on the table and every partition, to owner and application', async () => {
    await log.append(add('counter-a', 0));
    const { rows } = await db.owner.query<{ name: string }>(
      `SELECT 'events' AS name UNION ALL SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'events'::regclass`,
    );
    expect(rows.length).toBeGreaterThan(2);
    for (const { name } of rows) {
      for (const sql of [`UPDATE ${name} SET type = 'x'`, `DELETE FROM ${name}`, `TRUNCATE ${name}`]) {
        await expect(db.owner.query(sql)).rejects.toThrow(/append-only/);
        await expect(db.app.query(sql)).rejects.toThrow(/append-only|permission denied|must be owner/);
      }
    }
    expect((await log.read({ after: 0, limit: 10 })).events.length).toBe(1);
  });

  test('the application may not take the guard away', async () => {
    for (const sql of [
      'DROP TRIGGER append_only ON events',
      'ALTER TABLE events DISABLE TRIGGER ALL',
      'DROP TABLE events',
    ]) {
      await expect(db.app.query(sql)).rejects.toThrow(/must be owner/);
    }
  });

  test('partitions are made ahead of need and guarded, without owning the table', async () => {
    await db.app.query('SELECT ensure_event_partitions(5)');
    const { rows } = await db.app.query<{ n: number; guarded: number }>(
      `SELECT count(*)::int AS n, count(t.tgname)::int AS guarded FROM pg_inherits i
       LEFT JOIN pg_trigger t ON t.tgrelid = i.inhrelid AND t.tgname = 'append_only' WHERE i.inhparent = 'events'::regclass`,
    );
    expect(rows[0]).toEqual({ n: 6, guarded: 6 });
  });

  test('a socket cut between COMMIT and its answer doubles nothing', async () => {
    const proxy = await startProxy(db.applicationUrl);
    const pool = createPool({ url: proxy.url, max: 3, onError: () => undefined });
    const through = await openLog(pool);
    await through.append(add('counter-warm', 0));
    for (let round = 0; round < 5; round++) {
      const cut = proxy.cutBeforeAnswerTo('append_units');
      const [outcome, any] = await Promise.all([
        through.append(add(`counter-cut${round}`, 0)),
        through.append(add('$any', 'any')),
        cut,
      ]);
      expect(outcome).toMatchObject({ accepted: true, events: [{ version: 1 }] });
      expect(any).toMatchObject({ accepted: true, events: [{ version: round + 1 }] });
    }
    expect((await log.read({ after: 0, limit: 100 })).events.length).toBe(11);
    await through.stop();
    await pool.end();
    await proxy.stop();
  });

  test('personal data is never plaintext in the database, and unreadable once its key is destroyed', async () => {
    const secret = 'Ada Lovelace';
    const event = {
      stream: 'counter-p',
      type: 'Named',
      data: { counter: 'counter-p', owner: secret },
      metadata: metadata({ email: 'ada@example.test', reason: 'she asked' }),
    };
    await log.append({ ...add('counter-p', 0), events: [event] });
    const { rows } = await db.owner.query(`SELECT data::text || metadata::text AS stored FROM events`);
    expect(rows[0].stored).not.toMatch(/Ada|ada@|she asked/);
    expect((await log.readStreams(['counter-p']))[0]?.data).toEqual({ counter: 'counter-p', owner: secret });
    await db.owner.query(`UPDATE subject_keys SET wrapped = NULL WHERE subject = 'counter-p'`);
    const fresh = await openLog(db.app);
    const [read] = await fresh.readStreams(['counter-p']);
    expect(read?.data).toEqual({ counter: 'counter-p', owner: erased });
    expect(read?.metadata.email).toBe('ada@example.test');
    await fresh.stop();
  });

  test('a long stream is loaded from an encrypted snapshot plus later events', async () => {
    const events = Array.from({ length: 250 }, () => counted('counter-long'));
    await log.append({ ...add('counter-long', 0), events });
    const load = async (from: RunningLog) =>
      (await from.load([{ stream: 'counter-long', folding: counting }]))[0];
    expect(await load(log)).toEqual({
      stream: 'counter-long',
      version: 250,
      position: 250,
      state: { total: 250 },
    });
    await log.stop();
    log = await openLog(db.app);
    await log.append(add('counter-long', 250));
    const { rows } = await db.owner.query(
      `SELECT version, sealed FROM stream_snapshots WHERE stream = 'counter-long'`,
    );
    expect(rows[0].version).toBe(250);
    expect(rows[0].sealed).not.toContain('total');
    expect(await load(log)).toMatchObject({ version: 251, state: { total: 251 } });
    // Proof that it started from the snapshot: a snapshot that says otherwise is believed.
    const other = { ...counting, stateVersion: 2 };
    expect((await log.load([{ stream: 'counter-long', folding: other }]))[0]?.state).toEqual({ total: 251 });
  });

  test('old shapes are upcast on read; what is stored stays as it was', async () => {
    await log.append(add('counter-up', 0));
    const newest = defineEvent({
      type: 'Counted',
      schemaVersion: 2,
      schema: Counted.schema.extend({ unit: Counted.schema.shape.counter }),
      refs: () => [],
      upcasters: { 1: (data) => ({ ...data, unit: 'pieces' }) },
    });
    const newer = await openLog(db.app, [newest as unknown as EventDefinition, ...definitions.slice(1)]);
    const [read] = await newer.readStreams(['counter-up']);
    expect(read).toMatchObject({ schemaVersion: 2, data: { by: 1, unit: 'pieces' } });
    expect((await newer.readStored({ after: 0, limit: 1 })).events[0]).toMatchObject({
      schemaVersion: 1,
      data: { by: 1 },
    });
    await newer.stop();
  });

  test('a reader of few types moves its checkpoint over the others', async () => {
    for (let i = 0; i < 5; i++) await log.append(add(`counter-${i}`, 0));
    expect(await log.read({ after: 0, limit: 100, types: ['Named'] })).toEqual({ events: [], position: 5 });
    const page = await log.read({ after: 0, limit: 2, types: ['Counted'] });
    expect([page.events.length, page.position]).toEqual([2, 2]);
  });

  test('readers are woken by appends', async () => {
    const woken = new Promise<void>((resolve) => {
      const off = log.onAppended(() => {
        off();
        resolve();
      });
    });
    await log.append(add('counter-wake', 0));
    await woken;
  });
});
