import { type TestDatabase, testDatabase } from '../setup/database.ts';
import { ann, type House, ids, openHouse, person } from './house.ts';

describe('Results of a bulk job', () => {
  let db: TestDatabase;
  let house: House;
  let id: string;
  const count = 1_700;
  beforeAll(async () => {
    db = await testDatabase();
    house = await openHouse({ db });
    await house.bulk.start();
    await house.stock(ids('r', count));
    // Every 400th place does not exist, every third crate is there already.
    await Promise.all(
      ids('r', count)
        .filter((_, n) => n % 3 === 0)
        .map((crateId) => house.run('move-crate', { crateId, to: 'hall' })),
    );
    const rows = ids('r', count).map((crateId, n) => `${crateId},${n % 400 === 1 ? 'nowhere' : 'hall'}`);
    id = (await house.upload({ command: 'move-crate' }, ['crateId,to', ...rows].join('\n'))).id;
    await house.ended(id);
  });
  afterAll(async () => {
    await house.close();
    await db.drop();
  });

  const page = (more: object) => house.bulk.jobs.results({ principal: ann, id, ...more });

  test('pages follow each other by item index, without gap or repetition', async () => {
    const seen: number[] = [];
    let cursor: string | undefined;
    do {
      const { data, nextCursor } = await page({ limit: 333, ...(cursor === undefined ? {} : { cursor }) });
      seen.push(...data.map(({ index }) => index));
      if (nextCursor !== null) expect(nextCursor).toBe(String(data.at(-1)?.index));
      cursor = nextCursor ?? undefined;
    } while (cursor !== undefined);
    expect(seen).toEqual(Array.from({ length: count }, (_, n) => n));
  });

  test('by outcome: those alone, with line, code and message', async () => {
    const { data, nextCursor } = await page({ outcome: 'rejected' });
    expect(nextCursor).toBeNull();
    expect(data.map(({ index }) => index)).toEqual([1, 401, 801, 1201, 1601]);
    expect(data[1]).toEqual({
      index: 401,
      line: 403,
      target: 'r401',
      outcome: 'rejected',
      code: 'no_such_place',
      message: 'There is no such place.',
      positions: [],
    });
    const one = await page({ outcome: 'rejected', limit: 1, cursor: '401' });
    expect(one).toMatchObject({ data: [{ index: 801 }], nextCursor: '801' });
  });

  test('positions name the events of the item', async () => {
    const { data } = await page({ outcome: 'succeeded', limit: 5 });
    for (const { target, positions } of data) {
      const [event] = (await house.log.read({ after: (positions[0] ?? 0) - 1, limit: 1 })).events;
      expect(event).toMatchObject({ type: 'CrateMoved', stream: `crate-${target}` });
    }
  });

  test('all of them come in order of index, and add up to the counts of the job', async () => {
    const job = await house.bulk.jobs.get({ principal: ann, id });
    for (const outcome of ['succeeded', 'unchanged', 'rejected'] as const) {
      const results = await house.allResults(id, outcome);
      expect(results).toHaveLength(job[outcome]);
      expect(results.map((r) => r.index)).toEqual(results.map((r) => r.index).sort((a, b) => a - b));
    }
    expect(job.succeeded + job.unchanged + job.rejected).toBe(job.total);
  });

  test('what is asked wrongly is refused: outcome, cursor, limit, permission, unknown job', async () => {
    await expect(page({ outcome: 'perhaps' })).rejects.toMatchObject({ code: 'invalid_input' });
    await expect(page({ cursor: 'x' })).rejects.toMatchObject({ code: 'malformed_request' });
    await expect(page({ limit: 0 })).rejects.toMatchObject({ code: 'invalid_input' });
    await expect(page({ id: 'unknown' })).rejects.toMatchObject({ code: 'not_found' });
    const stranger = person('stranger', ['crates:*']);
    await expect(page({ principal: stranger })).rejects.toMatchObject({ code: 'not_permitted' });
    await expect(house.bulk.jobs.allResults({ principal: stranger, id })).rejects.toMatchObject({
      code: 'not_permitted',
    });
  });
});
