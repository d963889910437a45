import { type TestDatabase, testDatabase } from '../setup/database.ts';
import {
  type Bed,
  caughtUp,
  everyone,
  goodsOf,
  happen,
  kinds,
  Noted,
  open,
  Priced,
  principalWith,
  projections,
  query,
  Sold,
  stocked,
} from './testbed.ts';

describe('reading a projection', () => {
  let db: TestDatabase;
  let bed: Bed;
  let asAdmin: (
    parameters?: Record<string, string>,
    minPosition?: number,
  ) => ReturnType<Bed['queries']['list']>;
  beforeAll(async () => {
    db = await testDatabase();
    bed = await open(db, projections(goodsOf(), kinds));
    await happen(
      bed.log,
      stocked('a', 'book', { price: '10.00', rank: 1.5, buyer: 'Ann' }),
      stocked('b', 'tool', { price: '9.50' }),
      stocked('c', 'book', { price: '100.00', rank: -2 }),
      stocked('d', 'food'),
      stocked('gone', 'food', { price: '1.00' }),
      Sold.of({ good: 'gone' }),
      Priced.of({ good: 'b', price: '9.75' }),
    );
    await caughtUp(bed);
    asAdmin = (parameters = {}, minPosition) =>
      bed.queries.list({
        projection: 'goods',
        principal: everyone,
        query: query(parameters),
        ...(minPosition === undefined ? {} : { minPosition }),
      });
  });
  afterAll(async () => {
    await bed.end();
    await db.drop();
  });

  const keys = async (parameters: Record<string, string>) =>
    (await asAdmin(parameters)).data.map((row) => row.good);

  test('a row comes back with the values and types it was folded to, in the order of the schema', async () => {
    const { data, position } = await asAdmin({ good: 'a' });
    expect(data).toEqual([
      {
        good: 'a',
        kind: 'book',
        price: '10.00',
        rank: 1.5,
        changes: 0,
        changedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/),
        inStock: true,
        tags: ['book', 't-a'],
        buyer: 'Ann',
        cost: '1.10',
      },
    ]);
    expect(Object.keys(data[0] ?? {}).slice(0, 4)).toEqual(['good', 'kind', 'price', 'rank']);
    expect(position).toBe((await bed.log.head()).position);
  });

  test('an absent value is null where the schema says null, and left out where it says optional', async () => {
    const [row] = (await asAdmin({ good: 'd' })).data;
    expect(row).toMatchObject({ price: null });
    expect(row).not.toHaveProperty('rank');
    expect(row).not.toHaveProperty('buyer');
  });

  test('a row that evolved to null is gone', async () => {
    expect(await keys({})).toEqual(['a', 'b', 'c', 'd']);
  });

  test.each([
    [{ kind: 'book' }, ['a', 'c']],
    [{ 'kind[ne]': 'book' }, ['b', 'd']],
    [{ 'kind[in]': 'tool,food' }, ['b', 'd']],
    [{ 'price[gt]': '9.75' }, ['a', 'c']],
    [{ 'price[gte]': '9.750' }, ['a', 'b', 'c']],
    [{ 'price[lt]': '10' }, ['b']],
    [{ price: '10' }, ['a']],
    [{ 'price[null]': 'true' }, ['d']],
    [{ 'price[null]': 'false', 'price[lte]': '10.0' }, ['a', 'b']],
    [{ 'price[ne]': '10' }, ['b', 'c', 'd']],
    [{ 'price[in]': '10,9.75' }, ['a', 'b']],
    [{ 'rank[lt]': '0' }, ['c']],
    [{ rank: '1.5' }, ['a']],
    [{ changes: '1' }, ['b']],
    [{ 'changes[in]': '0,7' }, ['a', 'c', 'd']],
    [{ inStock: 'true', 'good[prefix]': 'c' }, ['c']],
    [{ 'good[gt]': 'b' }, ['c', 'd']],
    [{ 'changedAt[gt]': '2020-01-01' }, ['a', 'b', 'c', 'd']],
    [{ 'changedAt[lt]': '2020-01-01T00:00:00+01:00' }, []],
    [{ where: '{"kind":"book"}' }, ['a', 'c']],
    [{ where: '{"price":{"gte":"9","lt":"50"},"kind":{"in":["book"]}}' }, ['a']],
    [{ where: '{"price":null}' }, ['d']],
    [{ where: '{"inStock":true,"changes":1}' }, ['b']],
    [{ where: '{}', sort: '-price' }, ['d', 'c', 'a', 'b']],
    [{ sort: 'price' }, ['b', 'a', 'c', 'd']],
    [{ sort: 'kind,-price' }, ['c', 'a', 'd', 'b']],
    [{ buyer: 'Ann' }, ['a']],
  ])('%o selects %o', async (parameters, expected) => {
    expect(await keys(parameters as Record<string, string>)).toEqual(expected);
  });

  test.each([
    [{ colour: 'red' }, 'colour', /There is no field "colour"\. Known are good, kind, price/],
    [{ 'price[like]': '1' }, 'price[like]', /what can is eq, ne, in/],
    [{ 'kind[gt]': 'book' }, 'kind[gt]', /eq, ne, in, null/],
    [{ 'tags[in]': 'x' }, 'tags[in]', /null/],
    [{ 'a[b][c]': 'x' }, 'a[b][c]', /no field/],
    [{ kind: 'boat' }, 'kind', /book, tool, food/],
    [{ price: '1,5' }, 'price', /like 29\.85/],
    [{ price: '1e5' }, 'price', /amount/],
    [{ changes: '1.5' }, 'changes', /whole number/],
    [{ changes: '99999999999999999999' }, 'changes', /whole number/],
    [{ rank: 'NaN' }, 'rank', /number/],
    [{ inStock: 'yes' }, 'inStock', /true or false/],
    [{ 'price[null]': 'maybe' }, 'price[null]', /true or false/],
    [{ changedAt: 'yesterday' }, 'changedAt', /with its zone/],
    [{ changedAt: '2026-02-30' }, 'changedAt', /with its zone/],
    [{ sort: 'colour' }, 'sort', /no field/],
    [{ sort: 'kind,-kind' }, 'sort', /once/],
    [{ sort: 'tags' }, 'sort', /cannot be sorted/],
    [{ sort: '' }, 'sort', /no field/],
    [{ limit: '0' }, 'limit', /1 to 1000/],
    [{ limit: '1001' }, 'limit', /1 to 1000/],
    [{ limit: 'ten' }, 'limit', /1 to 1000/],
    [{ fields: 'good,good' }, 'fields', /once/],
    [{ fields: 'nothing' }, 'fields', /no field/],
    [{ where: '{' }, 'where', /JSON/],
    [{ where: '[]' }, 'where', /object/],
    [{ where: '{"price":{}}' }, 'where.price', /operators/],
    [{ where: '{"price":{"gte":50}}' }, 'where.price.gte', /as text/],
    [{ where: '{"kind":{"in":"book"}}' }, 'where.kind.in', /list/],
    [{ where: '{"kind":{"in":["book",3]}}' }, 'where.kind.in.1', /one of/],
    [{ where: '{"good":{"eq":{"a":1}}}' }, 'where.good.eq', /text/],
    [{ where: '{"good":"a\\u0000b"}' }, 'where.good', /text/],
    [{ where: '{"good":"\\ud800"}' }, 'where.good', /text/],
    [{ where: '{"__proto__":"x"}' }, 'where.__proto__', /no field/],
    [{ asOf: 'now' }, 'asOf', /position or a time/],
    [{ asOf: '2999-01-01T00:00:00Z' }, 'asOf', /still to come/],
    [{ asOf: '999999' }, 'asOf', /beyond the head/],
  ])('%o is refused at %s with a remedy', async (parameters, path, message) => {
    await expect(asAdmin(parameters as Record<string, string>)).rejects.toMatchObject({
      code: 'invalid_input',
      errors: [{ path, message: expect.stringMatching(message) }],
    });
  });

  test('a filter given twice is refused', async () => {
    const twice = new URLSearchParams('kind=book&kind=tool');
    await expect(
      bed.queries.list({ projection: 'goods', principal: everyone, query: twice }),
    ).rejects.toMatchObject({ code: 'invalid_input', errors: [{ path: 'kind' }] });
  });

  test('fields selects what is answered', async () => {
    expect((await asAdmin({ fields: 'price,good', good: 'b' })).data).toEqual([{ good: 'b', price: '9.75' }]);
    expect((await asAdmin({ fields: 'kind', sort: '-good', limit: '1' })).data).toEqual([{ kind: 'food' }]);
  });

  test('internal fields are left out without their permission, and 403 wherever they are named', async () => {
    const principal = principalWith('goods:read');
    const ask = (parameters: Record<string, string>) =>
      bed.queries.list({ projection: 'goods', principal, query: query(parameters) });
    expect((await ask({ good: 'a' })).data[0]).not.toHaveProperty('cost');
    for (const parameters of [
      { cost: '1' },
      { 'cost[null]': 'true' },
      { sort: '-cost' },
      { fields: 'good,cost' },
      { where: '{"cost":"1"}' },
    ]) {
      const refused = { code: 'not_permitted', extra: { permission: 'goods:read-internal' } };
      await expect(ask(parameters as Record<string, string>)).rejects.toMatchObject(refused);
    }
    const request = { projection: 'goods', principal, query: query({ 'cost[gt]': '1' }) };
    await expect(bed.queries.exportRows(request)).rejects.toMatchObject({ code: 'not_permitted' });
    const keysOf = bed.queries.selectKeys({ projection: 'goods', principal, where: { cost: '1' } });
    await expect(keysOf[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'not_permitted' });
    await expect(ask({ colour: 'x' })).rejects.toMatchObject({
      errors: [{ message: expect.not.stringContaining('cost') }],
    });
  });

  test('permission comes before existence', async () => {
    const principal = principalWith('kinds:read');
    const get = (key: string, who = principal) =>
      bed.queries.get({ projection: 'goods', principal: who, key, query: query() });
    await expect(get('a')).rejects.toMatchObject({ code: 'not_permitted' });
    await expect(get('nothing')).rejects.toMatchObject({ code: 'not_permitted' });
    await expect(get('nothing', everyone)).rejects.toMatchObject({ code: 'not_found' });
    await expect(get('gone', everyone)).rejects.toMatchObject({ code: 'not_found' });
    const nothing = { projection: 'nothing', principal, query: query() };
    await expect(bed.queries.list(nothing)).rejects.toMatchObject({ code: 'not_found' });
  });

  test('a single row has the version of its stream; a row of several streams has none', async () => {
    const get = (projection: string, key: string) =>
      bed.queries.get({ projection, principal: everyone, key, query: query() });
    const [one, several] = [await get('goods', 'b'), await get('kinds', 'book')];
    expect(one.version).toBe(2);
    expect(one.data).toMatchObject({ good: 'b', price: '9.75' });
    expect(several).toMatchObject({
      version: undefined,
      data: { kind: 'book', count: 2, goods: ['a', 'c'] },
    });
  });

  test('reading your own write: an answer waits for the position that a command answered', async () => {
    for (let n = 0; n < 20; n++) {
      const position = await happen(bed.log, stocked(`own-${n}`, 'tool'));
      const answer = await bed.queries.get({
        projection: 'goods',
        principal: everyone,
        key: `own-${n}`,
        query: query(),
        minPosition: position,
      });
      expect(answer.position).toBeGreaterThanOrEqual(position);
    }
    await happen(bed.log, ...Array.from({ length: 20 }, (_, n) => Sold.of({ good: `own-${n}` })));
    const last = await happen(bed.log, Noted.of({ text: 'of no interest to anybody here' }));
    expect((await asAdmin({}, last)).position).toBeGreaterThanOrEqual(last);
  });

  test('a minimum position beyond the head names the header', async () => {
    await expect(asAdmin({}, 1_000_000)).rejects.toMatchObject({
      code: 'invalid_input',
      errors: [{ path: 'Quarterdeck-Min-Position', message: expect.stringMatching(/beyond the head/) }],
    });
  });

  test('an export streams every row and says its columns', async () => {
    const answer = await bed.queries.exportRows({
      projection: 'goods',
      principal: everyone,
      query: query({ sort: '-price', fields: 'good,price,tags' }),
    });
    expect(answer.columns).toEqual([
      { name: 'good', text: true },
      { name: 'price', text: false },
      { name: 'tags', text: false },
    ]);
    const rows = [];
    for await (const row of answer.rows) rows.push(row.good);
    expect(rows).toEqual(['d', 'c', 'a', 'b']);
    const limited = { projection: 'goods', principal: everyone, query: query({ limit: '5' }) };
    await expect(bed.queries.exportRows(limited)).rejects.toMatchObject({ code: 'invalid_input' });
  });
});
