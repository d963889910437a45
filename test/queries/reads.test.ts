import { QuarterdeckError } from '../../src/errors.ts';
import { createReadRecorder } from '../../src/queries/reads.ts';
import { type TestDatabase, testDatabase } from '../setup/database.ts';
import {
  type Bed,
  caughtUp,
  everyone,
  goodsOf,
  happen,
  open,
  principalWith,
  projections,
  query,
  stocked,
  timestamp,
} from './testbed.ts';

describe('reads of recorded fields', () => {
  let db: TestDatabase;
  let bed: Bed;
  beforeEach(async () => {
    db = await testDatabase();
    bed = await open(db, projections(goodsOf()));
    await happen(bed.log, ...['a', 'b', 'c'].map((good) => stocked(good, 'book', { buyer: `B ${good}` })));
    await caughtUp(bed);
  });
  afterEach(async () => {
    await bed.end();
    await db.drop();
  });

  const ask = (parameters: Record<string, string> = {}, principal = everyone) => ({
    projection: 'goods',
    principal,
    ip: '10.1.2.3',
    query: query(parameters),
  });
  const recorded = () => bed.log.readStreams(['$reads']);

  test('a single row is on record before it is answered: who, from where, which field, which row', async () => {
    await bed.queries.get({ ...ask(), key: 'a' });
    const [event, ...others] = await recorded();
    expect(others).toEqual([]);
    expect(event).toMatchObject({
      type: 'FieldsRead',
      data: { projection: 'goods', fields: ['buyer'], count: 1, keys: ['a'] },
      metadata: { actor: { id: 'person:reader', kind: 'person' }, tool: 'console', ip: '10.1.2.3' },
    });
  });

  test('a row read as of a moment is on record too', async () => {
    await bed.queries.get({ ...ask({ asOf: '3' }), key: 'c' });
    expect(await recorded()).toMatchObject([{ data: { keys: ['c'] } }]);
  });

  test('what does not show such a field leaves no record', async () => {
    await bed.queries.get({ ...ask({ fields: 'good,kind' }), key: 'a' });
    await expect(bed.queries.get({ ...ask(), key: 'nothing' })).rejects.toMatchObject({ code: 'not_found' });
    await bed.queries.list(ask({ fields: 'good' }));
    await bed.stop();
    expect(await recorded()).toEqual([]);
  });

  test('filtering or sorting by such a field is reading it', async () => {
    await bed.queries.list(ask({ fields: 'good', buyer: 'B b' }));
    await bed.queries.list(ask({ fields: 'good', sort: 'buyer' }));
    await bed.stop();
    const keys = (await recorded()).flatMap(({ data }) => data.keys);
    expect(new Set(keys)).toEqual(new Set(['a', 'b', 'c']));
  });

  test('lists of one reader are gathered into one record, written at the latest when the server stops', async () => {
    for (let n = 0; n < 5; n++) await bed.queries.list(ask({ limit: '2' }));
    await bed.queries.list(ask({}, { ...principalWith('goods:read'), id: 'person:other' }));
    expect(await recorded()).toEqual([]);
    await bed.stop();
    const events = await recorded();
    expect(events.map(({ data, metadata }) => [metadata.actor.id, data.count, data.keys])).toEqual([
      ['person:reader', 2, ['a', 'b']],
      ['person:other', 3, ['a', 'b', 'c']],
    ]);
  });

  test('an export is on record page by page, before the page is handed out', async () => {
    await happen(bed.log, ...Array.from({ length: 1_500 }, (_, i) => stocked(`x${i}`, 'tool')));
    await caughtUp(bed);
    const { rows } = await bed.queries.exportRows(ask({ kind: 'tool' }));
    const counts = async () =>
      (await recorded()).filter((e) => e.type === 'FieldsRead').map(({ data }) => data.count);
    expect(await counts()).toEqual([1_000]);
    let count = 0;
    for await (const _row of rows) count++;
    expect(count).toBe(1_500);
    expect(await counts()).toEqual([1_000, 500]);
  });

  test('whoever takes a copy of a projection is on record, with the names of the fields and no values', async () => {
    await bed.queries.exportRows(ask({ fields: 'good,kind', kind: 'book' }));
    expect(await recorded()).toMatchObject([
      {
        type: 'RowsExported',
        data: { projection: 'goods', fields: ['good', 'kind'], filteredBy: ['kind'], position: 3 },
      },
    ]);
  });

  test('where a read cannot be recorded, nothing is answered', async () => {
    const unavailable = new QuarterdeckError('unavailable', 'The log cannot be reached.');
    const closed = await open(db, projections(goodsOf()), {
      project: false,
      log: { ...bed.log, record: () => Promise.reject(unavailable) },
    });
    await expect(closed.queries.get({ ...ask(), key: 'a' })).rejects.toBe(unavailable);
    await expect(closed.queries.exportRows(ask())).rejects.toBe(unavailable);
    expect((await closed.queries.get({ ...ask({ fields: 'good' }), key: 'a' })).data).toEqual({ good: 'a' });
    await closed.end();
  });

  test('more than 1,000 keys become several records, and what could not be written is kept', async () => {
    let failing = true;
    const recorder = createReadRecorder({
      log: {
        record: (...args) => (failing ? Promise.reject(new Error('no connection')) : bed.log.record(...args)),
      },
      clock: timestamp,
      newId: () => crypto.randomUUID(),
      onError: () => undefined,
    });
    const keys = Array.from({ length: 2_500 }, (_, i) => `k${i}`);
    recorder.soon({ reader: { principal: everyone }, projection: 'goods', fields: ['buyer'], keys });
    await recorder.flush();
    expect(await recorded()).toEqual([]);
    failing = false;
    await recorder.stop();
    const counts = (await recorded()).map(({ data }) => [data.count, (data.keys as string[]).length]);
    expect(counts).toEqual([
      [1_000, 1_000],
      [1_000, 1_000],
      [500, 500],
    ]);
  });
});
