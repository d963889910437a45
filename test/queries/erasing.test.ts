import { createEraser } from '../../src/queries/erasing.ts';
import { type TestDatabase, testDatabase } from '../setup/database.ts';
import {
  type Bed,
  caughtUp,
  everyone,
  goodsOf,
  happen,
  open,
  Priced,
  projections,
  query,
  stocked,
} from './testbed.ts';

describe('erasing a person', () => {
  let db: TestDatabase;
  let bed: Bed;
  beforeEach(async () => {
    db = await testDatabase();
    bed = await open(db, projections(goodsOf()));
    await happen(bed.log, ...['a', 'b'].map((good) => stocked(good, 'book', { buyer: `B ${good}` })));
    await caughtUp(bed);
  });
  afterEach(async () => {
    await bed.end();
    await db.drop();
  });

  const buyers = async (parameters: Record<string, string> = {}) => {
    const { data } = await bed.queries.list({
      projection: 'goods',
      principal: everyone,
      query: query({ fields: 'good,buyer', ...parameters }),
    });
    return data.map(({ buyer }) => buyer);
  };
  const destroyKey = () => db.app.query(`UPDATE subject_keys SET wrapped = NULL WHERE subject = 'good-b'`);

  test('read models are scrubbed in place, and snapshots of before are dropped', async () => {
    expect(await buyers({ asOf: '2' })).toEqual(['B a', 'B b']);
    await destroyKey();
    await bed.erase('good-b');
    expect(await buyers()).toEqual(['B a', '[erased]']);
    const { rows } = await db.app.query('SELECT state FROM projections');
    expect(rows).toEqual([{ state: 'live' }]);
    await happen(bed.log, Priced.of({ good: 'b', price: '1.00' }));
    await caughtUp(bed);
    expect(await buyers()).toEqual(['B a', '[erased]']);
  });

  test('a projection that is behind is waited for, because it may hold a page it has already decrypted', async () => {
    await bed.projector.stop();
    await happen(bed.log, stocked('c', 'book'));
    await destroyKey();
    const impatient = createEraser({ pool: db.app, log: bed.log, catalogue: bed.catalogue, waitMs: 0 });
    await expect(impatient('good-b')).rejects.toMatchObject({ code: 'unavailable' });
    const erasing = bed.erase('good-b');
    const other = await open(db, projections(goodsOf()));
    await erasing;
    expect(await buyers()).toEqual(['B a', '[erased]', undefined]);
    await other.end();
  });
});
