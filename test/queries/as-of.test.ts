import fc from 'fast-check';
import { createCatalogue } from '../../src/queries/catalogue.ts';
import type { Row } from '../../src/queries/request.ts';
import { createSnapshots } from '../../src/queries/snapshots.ts';
import { type TestDatabase, testDatabase } from '../setup/database.ts';
import {
  type Bed,
  caughtUp,
  everyone,
  goodsOf,
  happen,
  Noted,
  open,
  Priced,
  projections,
  query,
  Sold,
  stocked,
} from './testbed.ts';

describe('reading as of a moment', () => {
  let db: TestDatabase;
  let bed: Bed;
  beforeEach(async () => {
    db = await testDatabase();
    bed = await open(db, projections(goodsOf()));
  });
  afterEach(async () => {
    await bed.end();
    await db.drop();
  });

  const list = (parameters: Record<string, string>) =>
    bed.queries.list({ projection: 'goods', principal: everyone, query: query(parameters) });
  const get = (key: string, parameters: Record<string, string> = {}) =>
    bed.queries.get({ projection: 'goods', principal: everyone, key, query: query(parameters) });
  const snapshotTables = async () =>
    (
      await db.app.query(
        `SELECT p.up_to FROM projections p JOIN pg_tables t ON t.tablename = p.table_name
          WHERE p.state = 'snapshot' ORDER BY p.up_to`,
      )
    ).rows.map(({ up_to }) => up_to);

  test('a row as of, the list as of, and what the list said at that moment are the same, for any history', async () => {
    const good = fc.constantFrom('a', 'b', 'c');
    const event = fc.oneof(
      fc
        .tuple(good, fc.constantFrom('book', 'tool'), fc.boolean())
        .map(([g, kind, priced]) =>
          stocked(g, kind, { buyer: `buyer of ${g}`, ...(priced ? { price: '1.50' } : {}) }),
        ),
      fc
        .tuple(good, fc.integer({ min: 0, max: 99 }))
        .map(([g, n]) => Priced.of({ good: g, price: `${n}.00` })),
      good.map((g) => Sold.of({ good: g })),
      fc.constant(Noted.of({ text: 'x' })),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(event, { minLength: 1, maxLength: 8 }), async (events) => {
        const told: { position: number; data: readonly Row[] }[] = [];
        await db.app.query(`UPDATE projections SET last_used_at = now() - interval '1 hour'`);
        for (const one of events) {
          const position = await happen(bed.log, one);
          await caughtUp(bed);
          told.push({ position, data: (await list({})).data });
        }
        for (const { position, data } of told) {
          const asOf = String(position);
          expect(await list({ asOf })).toEqual({ data, position, nextCursor: null });
          for (const key of ['a', 'b', 'c']) {
            const row = data.find((r) => r.good === key);
            const single = get(key, { asOf });
            if (row === undefined) await expect(single).rejects.toMatchObject({ code: 'not_found' });
            else expect(await single).toMatchObject({ data: row, position });
          }
        }
      }),
      { numRuns: 12 },
    );
  });

  test('a time resolves to the last position recorded at or before it, in any zone', async () => {
    await happen(bed.log, stocked('a', 'book', { price: '1.00' }));
    const [event] = (await bed.log.read({ after: 0, limit: 1 })).events;
    await happen(bed.log, Priced.of({ good: 'a', price: '2.00' }));
    const then = event?.recordedAt ?? '';
    expect(await get('a', { asOf: then })).toMatchObject({
      data: { price: '1.00' },
      position: 1,
      version: 1,
    });
    const local = new Date(Date.parse(then) + 2 * 3_600_000).toISOString().slice(0, 20);
    const zoned = `${local}${then.slice(20, 26)}+02:00`;
    expect(await get('a', { asOf: zoned })).toMatchObject({ position: 1 });
    const { position, recordedAt } = await bed.log.head();
    expect(await get('a', { asOf: recordedAt ?? '' })).toMatchObject({ data: { price: '2.00' }, position });
    await expect(get('a', { asOf: '2001-01-01T00:00:00Z' })).rejects.toMatchObject({ code: 'not_found' });
    expect(await list({ asOf: '2001-01-01T00:00:00Z' })).toEqual({ data: [], nextCursor: null, position: 0 });
  });

  test('beyond the head is 422, for rows, lists and exports', async () => {
    await happen(bed.log, stocked('a'));
    const ask = { projection: 'goods', principal: everyone };
    for (const asOf of ['2', '2999-01-01T00:00:00Z']) {
      const refused = { code: 'invalid_input', errors: [{ path: 'asOf' }] };
      await expect(get('a', { asOf })).rejects.toMatchObject(refused);
      await expect(list({ asOf })).rejects.toMatchObject(refused);
      await expect(bed.queries.exportRows({ ...ask, query: query({ asOf }) })).rejects.toMatchObject(refused);
    }
  });

  test('pages, filters and exports work as of a moment, whatever happened since', async () => {
    const position = await happen(
      bed.log,
      ...Array.from({ length: 30 }, (_, i) => stocked(`g${i + 10}`, i % 2 ? 'book' : 'tool')),
    );
    await happen(bed.log, ...Array.from({ length: 30 }, (_, i) => Sold.of({ good: `g${i + 10}` })));
    const asOf = String(position);
    const keys: unknown[] = [];
    for (let cursor: string | null | undefined; cursor !== null; ) {
      const page = await list({
        asOf,
        kind: 'book',
        limit: '4',
        ...(cursor === undefined ? {} : { cursor }),
      });
      keys.push(...page.data.map(({ good }) => good));
      expect(page.position).toBe(position);
      cursor = page.nextCursor;
    }
    expect(keys).toEqual(Array.from({ length: 15 }, (_, i) => `g${i * 2 + 11}`));
    const { rows } = await bed.queries.exportRows({
      projection: 'goods',
      principal: everyone,
      query: query({ asOf }),
    });
    let exported = 0;
    for await (const _row of rows) exported++;
    expect(exported).toBe(30);
    expect(await snapshotTables()).toEqual([position]);
  });

  test('many who ask for one moment at once share one table, in any process', async () => {
    const position = await happen(bed.log, ...Array.from({ length: 200 }, (_, i) => stocked(`g${i}`)));
    const other = await open(db, projections(goodsOf()), { project: false });
    const asOf = String(position);
    const ask = (b: Bed) =>
      b.queries.list({ projection: 'goods', principal: everyone, query: query({ asOf, limit: '500' }) });
    const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => ask(i % 2 ? bed : other)));
    for (const { data } of answers) expect(data.length).toBe(200);
    expect(await snapshotTables()).toEqual([position]);
    await other.end();
  });

  test('while a large table fills, callers are told to come back, and then it is there', async () => {
    for (let n = 0; n < 3; n++) {
      await happen(bed.log, ...Array.from({ length: 5_000 }, (_, i) => stocked(`g${n}-${i}`)));
    }
    const hasty = await open(db, projections(goodsOf()), { project: false, snapshotWaitMs: 0 });
    const ask = () =>
      hasty.queries.list({ projection: 'goods', principal: everyone, query: query({ asOf: '15000' }) });
    await expect(ask()).rejects.toMatchObject({ code: 'snapshot_building', retryAfterSeconds: 2 });
    for (;;) {
      const answer = await ask().catch((error: { code: string }) => {
        expect(error.code).toBe('snapshot_building');
      });
      if (answer !== undefined) {
        expect(answer).toMatchObject({ position: 15_000 });
        break;
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await hasty.end();
  });

  test('a snapshot is dropped some time after its last use, and only so many are kept', async () => {
    await caughtUp(bed);
    await happen(bed.log, ...Array.from({ length: 5 }, (_, i) => stocked(`g${i}`)));
    for (const asOf of ['1', '2', '3']) await list({ asOf });
    expect(await snapshotTables()).toEqual([1, 2, 3]);
    const known = createCatalogue(projections(goodsOf())).get('goods');
    const limited = createSnapshots({ pool: db.app, log: bed.log, onError: () => undefined, countMax: 3 });
    await expect(limited.tableAt(known, 4)).rejects.toMatchObject({ code: 'unavailable' });
    await db.app.query(
      `UPDATE projections SET last_used_at = now() - interval '2 minutes' WHERE up_to IN (1, 2)`,
    );
    await limited.tableAt(known, 4);
    expect((await snapshotTables()).length).toBe(3);
    await db.app.query(
      `UPDATE projections SET last_used_at = now() - interval '11 minutes' WHERE state = 'snapshot'`,
    );
    await limited.tableAt(known, 3);
    await limited.sweep();
    expect(await snapshotTables()).toEqual([3]);
    await limited.stop();
  });

  test('many who ask for moments of their own at once make no more tables than may be', async () => {
    await caughtUp(bed);
    await happen(bed.log, ...Array.from({ length: 12 }, (_, i) => stocked(`g${i}`)));
    const known = createCatalogue(projections(goodsOf())).get('goods');
    const limited = createSnapshots({ pool: db.app, log: bed.log, onError: () => undefined, countMax: 3 });
    const asked = Array.from({ length: 12 }, (_, i) => limited.tableAt(known, i + 1));
    const refusals = (await Promise.allSettled(asked)).filter(({ status }) => status === 'rejected');
    expect(refusals.map((refusal) => 'reason' in refusal && refusal.reason.code)).toEqual(
      Array(9).fill('unavailable'),
    );
    expect((await snapshotTables()).length).toBe(3);
    await limited.stop();
  });

  test('a snapshot whose filling process died is filled by the next who asks', async () => {
    await caughtUp(bed);
    await happen(bed.log, ...Array.from({ length: 10 }, (_, i) => stocked(`g${i}`)));
    await list({ asOf: '10' });
    await db.app.query(`UPDATE projections SET position = 4, updated_at = now() - interval '1 minute'
      WHERE state = 'snapshot'`);
    const { rows } = await db.app.query(`SELECT table_name FROM projections WHERE state = 'snapshot'`);
    await db.app.query(`DELETE FROM read_models."${rows[0].table_name}" WHERE _position > 4`);
    expect((await list({ asOf: '10' })).data.length).toBe(10);
  });
});
