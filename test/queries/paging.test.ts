import fc from 'fast-check';
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
  Sold,
  stocked,
} from './testbed.ts';

interface Good {
  readonly good: string;
  readonly kind: string;
  readonly price: string | null;
  readonly rank: number | undefined;
}

/** Few values and many gaps, so that equal values and missing ones meet at the ends of pages. */
const kindsOf = ['book', 'tool', 'food'] as const;
const goods: readonly Good[] = Array.from({ length: 60 }, (_, i) => ({
  good: `${'zZaA_-.'[i % 7]}${i}`,
  kind: kindsOf[i % 3] ?? 'book',
  price: i % 4 === 0 ? null : `${(i * 7) % 5}.${i % 2}0`,
  rank: i % 5 === 0 ? undefined : ((i * 3) % 7) - 3 + 0.5,
}));

const value = (good: Good, field: string): string | number | null | undefined => {
  if (field === 'price') return good.price === null ? null : Number(good.price);
  return good[field as keyof Good];
};

const bytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

const compare = (a: Good, b: Good, field: string): number => {
  const [x, y] = [value(a, field), value(b, field)];
  if (x == null || y == null) return Number(x == null) - Number(y == null);
  return typeof x === 'number' ? x - Number(y) : bytes(x, String(y));
};

/** The order that sort promises, by an ordinary sort. */
const sorted = (rows: readonly Good[], terms: readonly string[]): readonly string[] => {
  const ends = terms.at(-1)?.startsWith('-') === true ? '-good' : 'good';
  return rows
    .toSorted((a, b) => {
      for (const term of [...terms, ends]) {
        const by = compare(a, b, term.replace('-', ''));
        if (by !== 0) return term.startsWith('-') ? -by : by;
      }
      return 0;
    })
    .map(({ good }) => good);
};

describe('pages', () => {
  let db: TestDatabase;
  let bed: Bed;
  beforeAll(async () => {
    db = await testDatabase();
    bed = await open(db, projections(goodsOf()));
    const events = goods.map(({ good, kind, price, rank }) =>
      stocked(good, kind, {
        ...(price === null ? {} : { price }),
        ...(rank === undefined ? {} : { rank }),
      }),
    );
    await happen(bed.log, ...events);
    await caughtUp(bed);
  });
  afterAll(async () => {
    await bed.end();
    await db.drop();
  });

  const list = (parameters: Record<string, string>) =>
    bed.queries.list({ projection: 'goods', principal: everyone, query: query(parameters) });

  const walk = async (parameters: Record<string, string>, between = async () => {}): Promise<string[]> => {
    const keys: string[] = [];
    for (let cursor: string | null | undefined; cursor !== null; ) {
      const page = await list(cursor === undefined ? parameters : { ...parameters, cursor });
      expect(page.data.length).toBeLessThanOrEqual(Number(parameters.limit));
      keys.push(...page.data.map((row) => String(row.good)));
      cursor = page.nextCursor;
      await between();
    }
    return keys;
  };

  test('no row is lost or doubled, in any order and page size, across equal values and missing ones', async () => {
    const term = fc.tuple(fc.constantFrom('kind', 'price', 'rank', 'good'), fc.boolean());
    const order = fc.uniqueArray(term, { minLength: 1, maxLength: 3, selector: ([name]) => name });
    await fc.assert(
      fc.asyncProperty(order, fc.integer({ min: 1, max: 25 }), fc.boolean(), async (by, limit, filtered) => {
        const terms = by.map(([name, down]) => (down ? `-${name}` : name));
        const parameters = { sort: terms.join(','), limit: String(limit) };
        const rows = filtered ? goods.filter(({ kind }) => kind !== 'tool') : goods;
        const walked = await walk(filtered ? { ...parameters, 'kind[ne]': 'tool' } : parameters);
        expect(walked).toEqual(sorted(rows, terms));
      }),
      { numRuns: 60 },
    );
  });

  test('without sort the order is that of keys as bytes, whatever the locale', async () => {
    expect(await walk({ limit: '7' })).toEqual(goods.map(({ good }) => good).sort(bytes));
  });

  test('rows that come and go while paging neither hide nor repeat the others', async () => {
    let n = 0;
    const walked = await walk({ limit: '9', sort: 'kind' }, async () => {
      n++;
      await happen(bed.log, stocked(`0new${n}`, 'book'), stocked(`znew${n}`, 'tool'));
      await caughtUp(bed);
    });
    const old = walked.filter((good) => !good.includes('new'));
    expect(new Set(walked).size).toBe(walked.length);
    expect(old.toSorted(bytes)).toEqual(goods.map(({ good }) => good).sort(bytes));
    const sold = Array.from({ length: n }, (_, i) => [`0new${i + 1}`, `znew${i + 1}`]).flat();
    await happen(bed.log, ...sold.map((good) => Sold.of({ good })));
    await caughtUp(bed);
  });

  test('a cursor that was forged, or given for another query, is refused as one', async () => {
    const first = await list({ limit: '5', sort: 'price' });
    const cursor = String(first.nextCursor);
    expect((await list({ limit: '8', sort: 'price', cursor })).data.length).toBe(8);
    const changed = `${cursor.slice(0, 30)}${cursor[30] === 'A' ? 'B' : 'A'}${cursor.slice(31)}`;
    const unsigned = Buffer.from('["9.99","x"]').toString('base64url');
    for (const forged of [changed, unsigned, '', 'x', '%%%', cursor.slice(0, -2), `${cursor}=`]) {
      const ask = list({ limit: '5', sort: 'price', cursor: forged });
      await expect(ask).rejects.toMatchObject({ code: 'malformed_request' });
    }
    for (const other of [
      {},
      { sort: '-price' },
      { sort: 'price', kind: 'book' },
      { sort: 'price', asOf: '5' },
    ]) {
      await expect(list({ ...other, limit: '5', cursor })).rejects.toMatchObject({
        code: 'malformed_request',
      });
    }
  });

  test('limit is 100 where none is given', async () => {
    const many = Array.from({ length: 60 }, (_, i) => stocked(`extra${i}`, 'food'));
    await happen(bed.log, ...many);
    await caughtUp(bed);
    const { data, nextCursor } = await list({});
    expect(data.length).toBe(100);
    expect(nextCursor).not.toBeNull();
    await happen(bed.log, ...many.map(({ data: { good } }) => Sold.of({ good })));
    await caughtUp(bed);
  });

  const select = async (where: unknown, principal = everyone) => {
    const pages = [];
    for await (const page of bed.queries.selectKeys({ projection: 'goods', principal, where }))
      pages.push(page);
    return pages;
  };

  test('bulk selects keys in the order of bytes, at or beyond the head of the moment it asked', async () => {
    const position = await happen(bed.log, stocked('late', 'food'));
    const pages = await select({ kind: { in: ['food', 'book'] } });
    expect(pages.flatMap(({ keys }) => keys)).toEqual(
      [...goods.filter(({ kind }) => kind !== 'tool').map(({ good }) => good), 'late'].sort(bytes),
    );
    for (const page of pages) expect(page.position).toBeGreaterThanOrEqual(position);
    await happen(bed.log, Sold.of({ good: 'late' }));
  });

  test('bulk gets one empty page where nothing matches, and refusals before any page', async () => {
    const none = await select({ good: 'nobody' });
    expect(none).toEqual([{ keys: [], position: expect.any(Number) }]);
    await expect(select({ colour: 'red' })).rejects.toMatchObject({ code: 'invalid_input' });
    await expect(select({}, principalWith('kinds:read'))).rejects.toMatchObject({ code: 'not_permitted' });
  });

  test('every page of a selection is of one snapshot, whatever is written in between', async () => {
    const count = 25_000;
    for (let from = 0; from < count; from += 5_000) {
      const events = Array.from({ length: 5_000 }, (_, i) =>
        stocked(`m${String(from + i).padStart(6, '0')}`, 'tool'),
      );
      await happen(bed.log, ...events);
    }
    const selection = bed.queries.selectKeys({
      projection: 'goods',
      principal: everyone,
      where: { good: { prefix: 'm' } },
    });
    const pages = [];
    for await (const page of selection) {
      pages.push(page);
      if (pages.length > 1) continue;
      await happen(bed.log, Sold.of({ good: 'm024999' }), stocked('m9', 'tool'));
      await caughtUp(bed);
    }
    const keys = pages.flatMap((page) => page.keys);
    expect(pages.length).toBeGreaterThan(1);
    expect(keys.length).toBe(count);
    expect(keys).toContain('m024999');
    expect(new Set(pages.map(({ position }) => position)).size).toBe(1);
  });

  test('leaving a selection early gives its connection back', async () => {
    for (let n = 0; n < 30; n++) {
      for await (const page of bed.queries.selectKeys({
        projection: 'goods',
        principal: everyone,
        where: {},
      })) {
        expect(page.keys.length).toBe(10_000);
        break;
      }
    }
    expect((await list({ limit: '1' })).data.length).toBe(1);
  });

  test('an export pages through everything once', async () => {
    const { rows } = await bed.queries.exportRows({
      projection: 'goods',
      principal: everyone,
      query: query({ sort: '-rank', fields: 'good', 'good[prefix]': 'm' }),
    });
    const seen = new Set<unknown>();
    let count = 0;
    for await (const { good } of rows) {
      seen.add(good);
      count++;
    }
    expect([count, seen.size]).toEqual([25_000, 25_000]);
  });
});
