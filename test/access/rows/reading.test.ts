/**
 * Row scopes on the read side: lists and their pages, single rows, moments of the past, exports, keys for
 * bulk work, and the log as the audit shows it, all reach the same rows.
 */
import fc from 'fast-check';
import type { Principal } from '../../../src/access/principal.ts';
import { QuarterdeckError } from '../../../src/errors.ts';
import { type TestDatabase, testDatabase } from '../../setup/database.ts';
import { holder, openZoo, policyOf, type Zoo } from './zoo.ts';

const policy = policyOf({
  all: { permissions: ['*'] },
  regional: { permissions: ['*'], rows: ['houses where region in {principal.regions}'] },
  reader: { permissions: ['houses:read', 'animals:read'] },
  'north-dieter': { permissions: ['animals:read-diet'], rows: ['houses where region eq north'] },
  carnivores: { permissions: ['animals:read'], rows: ['animals where diet eq meat'] },
});
const all = holder(policy, ['all'], {}, 'person:all');
const of = (...regions: string[]): Principal =>
  holder(policy, ['regional'], { regions }, `person:${regions}`);
const north = of('north');

let db: TestDatabase;
let zoo: Zoo;
let built: number;
beforeAll(async () => {
  db = await testDatabase();
  zoo = await openZoo(db);
  for (const [n, region] of ['north', 'south', 'east', 'north', 'south', 'north'].entries()) {
    await zoo.act(all, 'build-house', { houseId: `h${n}`, region, beds: n });
    await zoo.act(all, 'take-animal', { animalId: `a${n}`, houseId: `h${n}`, diet: n % 2 ? 'meat' : 'hay' });
  }
  await zoo.act(all, 'build-house', { houseId: 'h6' });
  built = await zoo.caughtUp();
});
afterAll(async () => {
  await zoo.stop();
  await db.drop();
});

const query = (text = '') => new URLSearchParams(text);
const refusal = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    (answer) => `answered ${JSON.stringify(answer)}`,
    (error: unknown) =>
      error instanceof QuarterdeckError ? `${error.code}: ${error.message}` : String(error),
  );
const exported = async (principal: Principal, projection: string, text = '') => {
  const { rows } = await zoo.engine.readSide.queries.exportRows({
    principal,
    projection,
    query: query(text),
  });
  const found = [];
  for await (const row of rows) found.push(row);
  return found;
};

describe('a list', () => {
  test('holds the rows that are reached, and those that belong to them', async () => {
    expect(await zoo.keys(north, 'houses')).toEqual(['h0', 'h3', 'h5']);
    expect(await zoo.keys(north, 'animals')).toEqual(['a0', 'a3', 'a5']);
    expect(await zoo.keys(of('east', 'south'), 'houses')).toEqual(['h1', 'h2', 'h4']);
    expect(await zoo.keys(of(), 'houses')).toEqual([]);
    expect(await zoo.keys(all, 'houses')).toHaveLength(7);
  });

  test('is paged, sorted and filtered within them', async () => {
    const { list } = zoo.engine.readSide.queries;
    const seen: unknown[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const text = `limit=1&sort=-beds${cursor === '' ? '' : `&cursor=${cursor}`}`;
      const page = await list({ principal: north, projection: 'houses', query: query(text) });
      seen.push(...page.data.map((row) => row.houseId));
      cursor = page.nextCursor;
    }
    expect(seen).toEqual(['h5', 'h3', 'h0']);
    expect(await zoo.keys(north, 'houses', 'region=south')).toEqual([]);
    expect(await zoo.keys(north, 'animals', 'houseId=h1')).toEqual([]);
  });

  test('follows a row that moves in or out', async () => {
    await zoo.act(all, 'build-house', { houseId: 'm', region: 'west' });
    await zoo.act(all, 'take-animal', { animalId: 'm', houseId: 'm' });
    expect(await zoo.keys(of('west'), 'animals')).toEqual(['m']);
    await zoo.act(all, 'move-house', { houseId: 'm', region: 'far' });
    expect([await zoo.keys(of('west'), 'animals'), await zoo.keys(of('far'), 'animals')]).toEqual([
      [],
      ['m'],
    ]);
  });
});

describe('one row', () => {
  test('out of reach is not there, to the letter', async () => {
    const { get } = zoo.engine.readSide.queries;
    for (const [projection, there] of [
      ['houses', 'h1'],
      ['animals', 'a1'],
    ] as const) {
      for (const text of ['', `asOf=${built}`]) {
        const ask = (key: string) => refusal(get({ principal: north, projection, key, query: query(text) }));
        expect(await ask(there)).toBe(await ask('nowhere'));
        expect(await ask(there)).toMatch(/^not_found/);
      }
    }
  });

  test('its past belongs to whoever reaches it now, and to nobody else', async () => {
    await zoo.act(all, 'build-house', { houseId: 'past', region: 'old' });
    const then = await zoo.caughtUp();
    await zoo.act(all, 'move-house', { houseId: 'past', region: 'new' });
    await zoo.caughtUp();
    const { get } = zoo.engine.readSide.queries;
    const asked = { projection: 'houses', key: 'past', query: query(`asOf=${then}`) };
    expect((await get({ ...asked, principal: of('new') })).data).toMatchObject({ region: 'old' });
    expect(await refusal(get({ ...asked, principal: of('old') }))).toMatch(/^not_found/);
    expect(await zoo.keys(of('new'), 'houses', `asOf=${then}`)).toEqual(['past']);
    expect(await zoo.keys(of('old'), 'houses', `asOf=${then}`)).toEqual([]);
  });
});

test('lists, exports, keys for bulk work and moments of the past hold the same rows', async () => {
  for (const principal of [north, of('east', 'south'), of(), all]) {
    for (const projection of ['houses', 'animals'] as const) {
      const now = await zoo.keys(principal, projection, `asOf=${built}`);
      const key = projection === 'houses' ? 'houseId' : 'animalId';
      expect((await exported(principal, projection, `asOf=${built}`)).map((row) => row[key])).toEqual(now);
      const live = await zoo.keys(principal, projection);
      expect((await exported(principal, projection)).map((row) => row[key])).toEqual(live);
      const selected: string[] = [];
      const selection = { principal, projection, where: {} };
      for await (const page of zoo.engine.readSide.queries.selectKeys(selection)) selected.push(...page.keys);
      expect(selected).toEqual(live);
    }
  }
});

describe('a field whose permission reaches fewer rows than the projection', () => {
  const some = holder(policy, ['reader', 'north-dieter']);

  test('is left out of what is shown unasked, which holds every row', async () => {
    const rows = await exported(some, 'animals', `asOf=${built}`);
    expect(rows).toHaveLength(6);
    expect(rows.filter((row) => 'diet' in row)).toEqual([]);
  });

  test('shows the rows that it reaches, and no other, where it is selected, filtered or sorted by', async () => {
    const at = `asOf=${built}`;
    expect(await exported(some, 'animals', `fields=animalId,diet&${at}`)).toEqual([
      { animalId: 'a0', diet: 'hay' },
      { animalId: 'a3', diet: 'meat' },
      { animalId: 'a5', diet: 'meat' },
    ]);
    expect(await zoo.keys(some, 'animals', `diet=hay&${at}`)).toEqual(['a0']);
    expect(await zoo.keys(some, 'animals', `where=${JSON.stringify({ diet: { ne: 'x' } })}&${at}`)).toEqual([
      'a0',
      'a3',
      'a5',
    ]);
    expect(await zoo.keys(some, 'animals', `sort=-diet&${at}`)).toEqual(['a5', 'a3', 'a0']);
  });

  test('may be what a rule tells rows by, without being shown', async () => {
    const rows = await exported(holder(policy, ['carnivores']), 'animals', `asOf=${built}`);
    expect(rows.map((row) => row.animalId)).toEqual(['a1', 'a3', 'a5']);
    expect(rows.filter((row) => 'diet' in row)).toEqual([]);
  });
});

describe('the audit', () => {
  const audit = () => zoo.engine.audit;
  const found = async (principal: Principal, filter = {}) =>
    (await audit().search({ principal, filter })).data;

  test('shows the events of rows that are reached, and no other', async () => {
    const streams = new Set(
      (await found(north)).map(({ stream }) => stream).filter((s) => !s.startsWith('$')),
    );
    expect([...streams].sort()).toEqual([
      'animal-a0',
      'animal-a3',
      'animal-a5',
      'house-h0',
      'house-h3',
      'house-h5',
    ]);
    expect(await found(north, { stream: 'house-h1' })).toEqual([]);
    expect(await found(of())).toEqual([]);
  });

  test('shows of the engine’s own events those about reached rows alone', async () => {
    await zoo.act(all, 'move-house', { houseId: 'h0', region: 'north' });
    await zoo.act(all, 'move-house', { houseId: 'h1', region: 'south' });
    const unchanged = await found(north, { type: 'CommandUnchanged' });
    expect(unchanged.map(({ data }) => data.stream)).toEqual(['house-h0']);
    expect((await found(all, { type: 'CommandUnchanged' })).length).toBe(2);
    expect(await found(north, { type: 'RowsExported' })).toEqual([]);
    expect((await found(all, { type: 'RowsExported' })).length).toBeGreaterThan(0);
  });

  test('pages and exports within them', async () => {
    const positions: number[] = [];
    let after: string | null = '0';
    while (after !== null) {
      const page = await audit().search({ principal: north, filter: {}, limit: 2, after });
      positions.push(...page.data.map(({ position }) => position));
      after = page.nextCursor;
    }
    expect(positions).toEqual((await found(north)).map(({ position }) => position));
    const { events } = await audit().exportEvents({ principal: north, filter: {}, format: 'csv' });
    const copied: number[] = [];
    for await (const { position } of events) copied.push(position);
    expect(copied).toEqual(positions);
  });

  test('replays no stream out of reach, to the letter', async () => {
    const replay = (stream: string) => refusal(audit().replay({ principal: north, stream }));
    for (const stream of ['house-h1', 'animal-a1', '$commands', '$policy'])
      expect((await replay(stream)).replace(stream, 'house-nowhere')).toBe(await replay('house-nowhere'));
    const { states } = await audit().replay({ principal: north, stream: 'house-h3' });
    expect(states).toHaveLength(1);
  });
});

describe('a rule means the same in SQL as in memory', () => {
  const region = fc.constantFrom('north', 'south', 'é', 'z', '𐍈', '～', 'North');
  const condition = fc.oneof(
    region.map((value) => `region eq "${value}"`),
    region.map((value) => `region ne "${value}"`),
    region.map((value) => `region prefix "${value.slice(0, 1).toWellFormed()}"`),
    fc
      .tuple(fc.constantFrom('lt', 'lte', 'gt', 'gte'), region)
      .map(([op, value]) => `region ${op} "${value}"`),
    fc.array(region, { minLength: 1, maxLength: 3 }).map((list) => `region in ["${list.join('", "')}"]`),
    fc.boolean().map((holds) => `region null ${holds}`),
    fc
      .tuple(fc.constantFrom('lt', 'lte', 'gt', 'gte', 'eq', 'ne'), fc.nat(6))
      .map(([op, n]) => `beds ${op} ${n}`),
  );
  const rule = fc
    .uniqueArray(condition, {
      minLength: 1,
      maxLength: 3,
      selector: (c) => c.split(' ').slice(0, 2).join(' '),
    })
    .map((conditions) => `houses where ${conditions.join(' and ')}`);

  test('of a row and of what belongs to it', async () => {
    for (const [n, value] of ['é', 'z', '𐍈', '～', 'North'].entries()) {
      await zoo.act(all, 'build-house', { houseId: `u${n}`, region: value, beds: n });
      await zoo.act(all, 'take-animal', { animalId: `u${n}`, houseId: `u${n}` });
    }
    const houses = await zoo.keys(all, 'houses');
    const animals = await zoo.keys(all, 'animals');
    const property = fc.asyncProperty(fc.array(rule, { minLength: 1, maxLength: 2 }), async (rows) => {
      const principal = holder(policyOf({ one: { permissions: ['*'], rows } }), ['one']);
      const permitted = principal.permissions.rows('houses:read');
      const { streams } = zoo.engine.readSide.reached;
      for (const [projection, keys, prefix] of [
        ['houses', houses, 'house'],
        ['animals', animals, 'animal'],
      ] as const) {
        const told = await streams(
          keys.map((key) => `${prefix}-${key}`),
          permitted,
        );
        const inMemory = keys.filter((key) => told.has(`${prefix}-${key}`));
        expect([rows, await zoo.keys(principal, projection)]).toEqual([rows, inMemory]);
      }
    });
    await fc.assert(property, { numRuns: 150 });
  });
});
