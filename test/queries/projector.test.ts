import pg from 'pg';
import { z } from 'zod';
import { applyPage, Superseded } from '../../src/queries/apply.ts';
import { defineProjection } from '../../src/queries/definition.ts';
import { createStandings } from '../../src/queries/standings.ts';
import { openTable } from '../../src/queries/tables.ts';
import { type TestDatabase, testDatabase } from '../setup/database.ts';
import { until } from '../setup/until.ts';
import {
  type Bed,
  caughtUp,
  everyone,
  goodRow,
  goodsOf,
  happen,
  kinds,
  open,
  Priced,
  projections,
  query,
  stocked,
} from './testbed.ts';

describe('the projector', () => {
  let db: TestDatabase;
  const beds: Bed[] = [];
  beforeEach(async () => {
    db = await testDatabase();
  });
  afterEach(async () => {
    for (const bed of beds.splice(0)) await bed.end();
    await db.drop();
  });

  const opened = async (...args: Parameters<typeof open> extends [unknown, ...infer Rest] ? Rest : never) => {
    const bed = await open(db, ...args);
    beds.push(bed);
    return bed;
  };
  const closed = async (bed: Bed) => {
    beds.splice(beds.indexOf(bed), 1);
    await bed.end();
  };
  const list = (bed: Bed, parameters: Record<string, string> = {}, projection = 'goods') =>
    bed.queries.list({ projection, principal: everyone, query: query(parameters) });
  const count = (bed: Bed) => list(bed, { limit: '1000' }).then(({ data }) => data.length);
  const stock = async (bed: Bed, n: number, prefix = 'g') => {
    for (let from = 0; from < n; from += 2_000) {
      const size = Math.min(2_000, n - from);
      await happen(bed.log, ...Array.from({ length: size }, (_, i) => stocked(`${prefix}${from + i}`)));
    }
  };
  const catalogueRows = async () =>
    (await db.app.query('SELECT id, version, state, position, error FROM projections ORDER BY id')).rows;

  /** The second version of goods: a field more, and another meaning of `changes`. */
  const second = (onEvolve: () => void = () => undefined) => {
    const first = goodsOf();
    return defineProjection({
      ...first,
      version: 2,
      schema: goodRow.extend({ label: z.string() }),
      keyField: 'good',
      events: ['Stocked', 'Priced', 'Sold'],
      keys: (event) => first.keys(event as never),
      evolve: (row, event, key) => {
        onEvolve();
        const next = first.evolve(row, event as never, key) as z.output<typeof goodRow> | null | undefined;
        return next ? { ...next, label: `second ${key}` } : next;
      },
      stream: (key) => `good-${key}`,
    });
  };

  test('a projection with no live version answers 503 with a time to come back, then answers', async () => {
    const bed = await opened(projections(goodsOf()), { project: false });
    await stock(bed, 10);
    await expect(list(bed)).rejects.toMatchObject({ code: 'unavailable', retryAfterSeconds: 2 });
    const hasty = await opened(projections(goodsOf()), { project: false, waitTimeoutMs: 100 });
    const atLeast = { projection: 'goods', principal: everyone, query: query(), minPosition: 10 };
    await expect(hasty.queries.list(atLeast)).rejects.toMatchObject({ code: 'unavailable' });
    expect(await bed.health()).toMatchObject({ healthy: false, projections: [{ state: 'missing' }] });
    const waiting = bed.queries.list(atLeast);
    bed.projector.start();
    expect((await waiting).data.length).toBe(10);
    await caughtUp(bed);
    expect((await bed.health()).healthy).toBe(true);
  });

  test('a rebuild fills the new version beside the old one, which goes on answering, and switches at once', async () => {
    const old = await opened(projections(goodsOf()));
    await stock(old, 500);
    await caughtUp(old);
    await closed(old);

    const bed = await opened(projections(second()), { project: false });
    const before = await list(bed, { good: 'g7' });
    expect(before.data[0]).toMatchObject({ good: 'g7' });
    expect(before.data[0]).not.toHaveProperty('label');
    await expect(list(bed, { 'label[prefix]': 's' })).rejects.toMatchObject({ code: 'unavailable' });

    bed.projector.start();
    const labelled: number[] = [];
    const positions: number[] = [];
    for (let switched = false; !switched; ) {
      const { data, position } = await list(bed, { limit: '1000' });
      expect(data.length).toBe(500);
      labelled.push(data.filter((row) => row.label !== undefined).length);
      positions.push(position);
      switched = labelled.at(-1) === 500;
    }
    expect(labelled.slice(0, -1).every((n) => n === 0)).toBe(true);
    expect(positions).toEqual(positions.toSorted((a, b) => a - b));
    expect((await list(bed, { label: 'second g7' })).data.length).toBe(1);
    expect((await catalogueRows()).map(({ state, version }) => [state, version])).toEqual([
      ['retired', 1],
      ['live', 2],
    ]);
  });

  test('a build that was cut off goes on where it stood: no event is folded twice', async () => {
    const events = 20_000;
    let folded = 0;
    const first = await opened(projections(second(() => folded++)), { project: false });
    await stock(first, events);
    first.projector.start();
    await until(() => folded > 0);
    await closed(first);
    const [row] = await catalogueRows();
    const foldedBefore = folded;
    expect(row).toMatchObject({ state: 'building' });
    expect(row.position).toBeGreaterThan(0);
    expect(row.position).toBeLessThan(events);

    const bed = await opened(projections(second(() => folded++)));
    await caughtUp(bed);
    expect(folded - foldedBefore).toBe(events - row.position);
    const { rows } = await db.app.query(`SELECT count(*)::int AS n FROM read_models.goods_v2_${row.id}`);
    expect(rows[0].n).toBe(events);
  });

  test('connections that break in the middle of a build lose nothing and double nothing', async () => {
    const superuser = new pg.Client(db.superuserUrl);
    await superuser.connect();
    const bed = await opened(projections(goodsOf(), kinds), { project: false });
    await stock(bed, 10_000);
    bed.projector.start();
    for (let n = 0; n < 3; n++) {
      await new Promise((resolve) => setTimeout(resolve, 150));
      await superuser.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()`,
        [db.name],
      );
    }
    await superuser.end();
    await until(async () => (await bed.health().catch(() => undefined))?.healthy === true);
    const { data } = await list(bed, {}, 'kinds');
    expect(data).toMatchObject([{ kind: 'book', count: 10_000 }]);
    expect(new Set(data[0]?.goods as string[]).size).toBe(10_000);
  });

  test('a rebuild can be asked for, and the projection goes on meanwhile', async () => {
    const bed = await opened(projections(goodsOf()));
    await stock(bed, 100);
    await caughtUp(bed);
    await db.app.query(`UPDATE read_models.goods_v1_1 SET kind = 'tool'`);
    expect((await list(bed, { kind: 'book' })).data.length).toBe(0);
    await bed.rebuild('goods');
    await stock(bed, 100, 'more');
    await until(
      async () => (await count(bed)) === 200 && (await list(bed, { kind: 'tool' })).data.length === 0,
    );
    await expect(bed.rebuild('nothing')).rejects.toMatchObject({ code: 'not_found' });
  });

  test('an older program leaves a newer live version alone', async () => {
    const newer = await opened(projections(second()));
    await stock(newer, 10);
    await caughtUp(newer);
    await closed(newer);
    const older = await opened(projections(goodsOf()));
    await until(() => older.errors.length > 0);
    expect(older.errors[0]).toMatch(/goods is at version 2; this program knows 1/);
    expect(await count(older)).toBe(10);
    expect((await catalogueRows()).map(({ state, version }) => [state, version])).toEqual([['live', 2]]);
  });

  test('a projection that throws stops loudly and alone, and goes on once it is mended', async () => {
    const broken = goodsOf({
      onEvolve: (key) => {
        if (key === 'poison') throw new Error('cannot fold poison');
      },
    });
    const bed = await opened(projections(broken, kinds));
    await stock(bed, 5);
    await caughtUp(bed);
    await happen(bed.log, stocked('poison'));
    await stock(bed, 5, 'after');
    await until(async () => (await list(bed, {}, 'kinds')).data[0]?.count === 11);
    await until(() => bed.errors.length > 0);
    expect(bed.errors.join()).toMatch(/the projection goods stopped at position 5: .*cannot fold poison/);
    const health = await bed.health();
    expect(health.healthy).toBe(false);
    expect(health.projections).toMatchObject([
      { name: 'goods', position: 5, lag: 6, error: expect.stringMatching(/cannot fold poison/) },
      { name: 'kinds', lag: 0, error: undefined },
    ]);
    expect(await count(bed)).toBe(5);
    await closed(bed);

    const mended = await opened(projections(goodsOf(), kinds));
    await caughtUp(mended);
    expect(await count(mended)).toBe(11);
    expect((await mended.health()).healthy).toBe(true);
  });

  test('a row that its own schema forbids stops the projection instead of being written', async () => {
    const wrong = defineProjection({
      ...goodsOf(),
      schema: goodRow,
      keyField: 'good',
      events: ['Stocked'],
      keys: (event) => [String((event.data as { good: string }).good)],
      stream: (key) => `good-${key}`,
      evolve: (_row, _event, key) =>
        ({ good: key, kind: 'book', price: 'not an amount' }) as unknown as z.output<typeof goodRow>,
    });
    const bed = await opened(projections(wrong, kinds));
    await caughtUp(bed);
    await stock(bed, 1);
    await until(() => bed.errors.length > 0);
    expect(bed.errors[0]).toMatch(/goods stopped at position 0: .*numeric/);
    await until(async () => (await list(bed, {}, 'kinds')).data.length === 1);
  });

  test('a checkpoint beyond the head of the log stops the projection loudly', async () => {
    const first = await opened(projections(goodsOf()));
    await stock(first, 5);
    await caughtUp(first);
    await closed(first);
    await db.app.query('UPDATE projections SET position = 1000');
    const bed = await opened(projections(goodsOf()));
    await until(() => bed.errors.length > 0);
    expect(bed.errors[0]).toMatch(/goods stopped at position 1000: .*beyond the head of the log, 5/);
    await stock(bed, 5, 'later');
    const health = await bed.health();
    expect(health.healthy).toBe(false);
    expect(health.projections[0]).toMatchObject({
      progressing: false,
      error: expect.stringMatching(/beyond/),
    });
    expect(await count(bed)).toBe(5);
  });

  test('of two projectors one leads, and the other takes over when it stops', async () => {
    const two = [await opened(projections(kinds)), await opened(projections(kinds))];
    await until(() => two.some((bed) => bed.projector.leading));
    expect(two.filter((bed) => bed.projector.leading).length).toBe(1);
    const [first] = two as [Bed, Bed];
    await stock(first, 200);
    await caughtUp(first);
    const leader = two.find((bed) => bed.projector.leading);
    await leader?.projector.stop();
    await until(() => two.some((bed) => bed !== leader && bed.projector.leading));
    await stock(first, 200, 'h');
    await caughtUp(first);
    expect((await list(first, {}, 'kinds')).data).toMatchObject([{ kind: 'book', count: 400 }]);
  });

  test('a leader whose session is killed is followed by one leader, and nothing is folded twice', async () => {
    const superuser = new pg.Client(db.superuserUrl);
    await superuser.connect();
    const two = [await opened(projections(kinds)), await opened(projections(kinds))];
    const [first] = two as [Bed, Bed];
    const leaders = () => two.filter((bed) => bed.projector.leading).length;
    await until(() => leaders() === 1);
    await stock(first, 100);
    await superuser.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = $1 AND application_name = 'quarterdeck-leader-projector'`,
      [db.name],
    );
    await until(() => leaders() === 0);
    await stock(first, 100, 'h');
    await until(() => leaders() === 1);
    await superuser.end();
    await caughtUp(first);
    expect((await list(first, {}, 'kinds')).data).toMatchObject([{ kind: 'book', count: 200 }]);
  });

  test('a retired table is dropped when its readers have had their time', async () => {
    const bed = await opened(projections(goodsOf()), { retiredSeconds: 0 });
    await caughtUp(bed);
    await bed.rebuild('goods');
    await until(async () => (await catalogueRows()).length === 1 && (await catalogueRows())[0].id === 2);
    const { rows } = await db.app.query(`SELECT tablename FROM pg_tables WHERE schemaname = 'read_models'`);
    expect(rows).toEqual([{ tablename: 'goods_v1_2' }]);
  });

  test('even two that fold at once cannot fold an event twice: a checkpoint that moved refuses the page', async () => {
    const bed = await opened(projections(kinds));
    await stock(bed, 10);
    await caughtUp(bed);
    const { rows } = await db.app.query(`SELECT id, table_name AS "tableName" FROM projections`);
    const table = openTable(rows[0], bed.catalogue.get('kinds'));
    const { events } = await bed.log.read({ after: 0, limit: 100 });
    await expect(applyPage(db.app, [table], { events, from: 0, to: 10 })).rejects.toThrow(Superseded);
    expect((await list(bed, {}, 'kinds')).data).toMatchObject([{ count: 10 }]);
  });

  test('a dead notification is no reason to stand still, and the lag is against the true head', async () => {
    const bed = await opened(projections(goodsOf()), { project: false });
    const deaf = await opened(projections(goodsOf()), {
      project: false,
      log: { ...bed.log, onAppended: () => () => undefined },
    });
    deaf.projector.start();
    await caughtUp(deaf);
    await stock(bed, 10);
    await caughtUp(deaf);
    expect(await count(deaf)).toBe(10);
  });

  test('behind but progressing is healthy; behind and standing still is not', async () => {
    const bed = await opened(projections(goodsOf()));
    await stock(bed, 5);
    await caughtUp(bed);
    await bed.projector.stop();
    await stock(bed, 5, 'new');
    expect(await bed.health()).toMatchObject({
      healthy: true,
      head: 10,
      projections: [{ position: 5, lag: 5, progressing: true }],
    });
    const impatient = createStandings({
      pool: db.app,
      log: bed.log,
      catalogue: bed.catalogue,
      stalledSeconds: 0,
    });
    expect(await impatient()).toMatchObject({
      healthy: false,
      projections: [{ lag: 5, progressing: false }],
    });
  });

  test('who waits for a position is answered as soon as another process has projected it, else told 504', async () => {
    const reader = await opened(projections(goodsOf()), { project: false, waitTimeoutMs: 300 });
    const writer = await opened(projections(goodsOf()));
    await stock(writer, 1);
    await caughtUp(writer);
    const read = (minPosition: number) =>
      reader.queries.list({ projection: 'goods', principal: everyone, query: query(), minPosition });
    await writer.projector.stop();
    const position = await happen(writer.log, stocked('awaited'));
    await expect(read(position)).rejects.toMatchObject({ code: 'projection_behind', retryAfterSeconds: 1 });
    const patient = await opened(projections(goodsOf()), { project: false, waitTimeoutMs: 60_000 });
    const waiting = patient.queries.get({
      projection: 'goods',
      principal: everyone,
      key: 'awaited',
      query: query(),
      minPosition: position,
    });
    await opened(projections(goodsOf()));
    expect(await waiting).toMatchObject({ data: { good: 'awaited' }, version: 1 });
  });

  test('every touched row is written once a page, however often it changed', async () => {
    const bed = await opened(projections(goodsOf()), { project: false });
    await happen(bed.log, stocked('hot'));
    bed.projector.start();
    await caughtUp(bed);
    await db.app.query(`
      CREATE TABLE read_models.writes (at timestamptz DEFAULT now());
      CREATE FUNCTION read_models.count_write() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN INSERT INTO read_models.writes DEFAULT VALUES; RETURN NEW; END $$;
      CREATE TRIGGER count_write AFTER INSERT OR UPDATE ON read_models.goods_v1_1
        FOR EACH ROW EXECUTE FUNCTION read_models.count_write()`);
    const prices = Array.from({ length: 1_000 }, (_, i) => Priced.of({ good: 'hot', price: `${i}.00` }));
    await happen(bed.log, ...prices);
    await caughtUp(bed);
    const { rows } = await db.app.query(`SELECT changes, _version, price FROM read_models.goods_v1_1`);
    expect(rows).toEqual([{ changes: 1_000, _version: 1_001, price: '999.00' }]);
    expect((await db.app.query('SELECT * FROM read_models.writes')).rows.length).toBe(1);
  });
});
