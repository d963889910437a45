/** The audit index: whatever it is asked, it finds what looking at every event would find. */
import { setTimeout as sleep } from 'node:timers/promises';
import { packTokens, unpackTokens } from '../../src/audit/index/packed-tokens.ts';
import { endOf, gatherPostings, segmentSize } from '../../src/audit/index/postings.ts';
import { wordsOf } from '../../src/audit/index/tokens.ts';
import type { EventFilter } from '../../src/audit/request.ts';
import type { RecordedEvent } from '../../src/events/envelope.ts';
import { type TestDatabase, testDatabase } from '../setup/database.ts';
import { type Audited, auditor, drained, openAudit, positions } from './testbed.ts';

let db: TestDatabase;
let audited: Audited;

const rows = async <Row extends object>(sql: string): Promise<Row[]> => (await db.app.query<Row>(sql)).rows;

/** Events by the set, as a long log has them: few actors and types often, commands once each. */
const fill = async (count: number): Promise<void> => {
  const { position } = await audited.log.head();
  await db.app.query(
    `INSERT INTO events SELECT p, gen_random_uuid(), 'counter-' || p % 3000, 1000000 + p,
      'Counted', 1, json_build_object('counter', 'counter-' || p % 3000, 'by', p % 7),
      json_build_object('actor', json_build_object('id', 'person:' || p % 5, 'kind', 'person'),
        'tool', CASE WHEN p % 2 = 0 THEN 'console' ELSE 'importer' END,
        'commandId', 'c-' || p, 'correlationId', 'r-' || p / 10, 'decidedAt', '2026-03-03T10:00:00.000000Z',
        'command', CASE WHEN p % 2 = 0 THEN 'count' ELSE 'recount' END),

      clock_timestamp()
    FROM generate_series($1::bigint + 1, $1::bigint + $2) AS p`,
    [position, count],
  );
};

beforeAll(async () => {
  db = await testDatabase();
  audited = await openAudit(db.app);
});
afterAll(() => db.drop());

const everything = async (): Promise<readonly RecordedEvent[]> => {
  const all: RecordedEvent[] = [];
  for (let after = 0; ; ) {
    const page = await audited.log.read({ after, limit: 5_000 });
    all.push(...page.events);
    if (page.position === after) return all;
    after = page.position;
  }
};

/** Looks at every event. */
const plainly = (all: readonly RecordedEvent[], filter: EventFilter): readonly number[] =>
  positions(
    all.filter(({ stream, type, metadata, data }) => {
      const is = (asked: string | undefined, value: unknown) => asked === undefined || asked === value;
      const said = wordsOf(metadata.reason ?? '');
      return (
        is(filter.stream, stream) &&
        is(filter.type, type) &&
        is(filter.actor, metadata.actor.id) &&
        is(filter.tool, metadata.tool) &&
        is(filter.command, metadata.command) &&
        is(filter.commandId, metadata.commandId) &&
        is(filter.correlation, metadata.correlationId) &&
        (filter.about === undefined || [stream, `team-${String(data.counter)}`].includes(filter.about)) &&
        (filter.outcome === undefined || filter.outcome === 'succeeded') &&
        (filter.reason === undefined || wordsOf(filter.reason).every((word) => said.includes(word)))
      );
    }),
  );

const search = async (filter: EventFilter, order: string, limit = 1_000): Promise<readonly number[]> => {
  const found: number[] = [];
  let after: string | undefined;
  do {
    const page = await audited.audit.search({
      principal: auditor,
      filter,
      order,
      limit,
      ...(after === undefined ? {} : { after }),
    });
    found.push(...positions(page.data));
    after = page.nextCursor ?? undefined;
  } while (after !== undefined);
  return found;
};

const filters: readonly EventFilter[] = [
  { actor: 'person:3' },
  { actor: 'person:3', tool: 'importer' },
  { tool: 'console', command: 'recount' },
  { tool: 'console', outcome: 'succeeded', actor: 'person:ada' },
  { type: 'Named', about: 'team-counter-a' },
  { about: 'counter-17' },
  { stream: 'counter-17', actor: 'person:2' },
  { commandId: 'c-20000' },
  { correlation: 'r-2000' },
  { reason: 'Größe falsch' },
  { reason: 'GROSSE', actor: 'person:ada' },
  { reason: 'falsch', tool: 'importer' },
  { about: 'person:unheard' },
  { outcome: 'denied' },
];

describe('the index', () => {
  test('finds in whole segments, in fresh rows and in what is not indexed yet alike, in either order', async () => {
    const ada = { actor: { id: 'person:ada', kind: 'person' } } as const;
    const named = { owner: 'Grace', email: 'grace@example.com' };
    await audited.write('counter-a', 'Named', named, { ...ada, reason: 'Die Größe war falsch.' });
    await fill(segmentSize + 5_000);
    await audited.index.catchUp();
    await audited.write('counter-a', 'Named', named, { ...ada, reason: 'falsch: GROESSE, größe' });
    await fill(segmentSize);
    await audited.index.catchUp();
    await audited.write('counter-b', 'Named', named, { ...ada, reason: 'Größe, erneut falsch' });
    await audited.index.catchUp();
    await fill(500);
    await audited.write('counter-17', 'Named', named, { reason: 'falsche Größe' });
    const [index] = await rows<{ segments: number; position: number }>('SELECT * FROM audit_index');
    const head = (await audited.log.head()).position;
    expect(index).toMatchObject({ segments: 2, position: head - 501 });
    expect(head).toBeGreaterThan(endOf(2) + 501);
    const all = await everything();
    for (const filter of filters) {
      const plain = plainly(all, filter);
      expect([filter, await search(filter, 'oldest')]).toEqual([filter, plain]);
      expect([filter, await search(filter, 'newest')]).toEqual([filter, plain.toReversed()]);
    }
  });

  test('keeps to a range of times and pages of any size', async () => {
    const all = plainly(await everything(), { actor: 'person:3' });
    const [at] = await audited.log.readAt([all[20] ?? 0]);
    const [to] = await audited.log.readAt([all[3_000] ?? 0]);
    const range = { from: at?.recordedAt ?? '', to: to?.recordedAt ?? '' };
    const within = all.slice(20, 3_001);
    expect(await search({ actor: 'person:3', ...range }, 'oldest', 77)).toEqual(within);
    expect(await search({ actor: 'person:3', ...range }, 'newest', 500)).toEqual(within.toReversed());
  });

  test('made anew is the same, byte for byte', async () => {
    const kept = () => rows('SELECT key, segment, md5(postings) FROM audit_postings ORDER BY 1, 2');
    await audited.index.catchUp();
    const before = await kept();
    await audited.index.rebuild();
    const asked = audited.audit.search({ principal: auditor, filter: { actor: 'person:3' } });
    await expect(asked).rejects.toMatchObject({ code: 'unavailable', retryAfterSeconds: 5 });
    await audited.index.catchUp();
    expect(await kept()).toEqual(before);
    expect(before.length).toBeGreaterThan(2_000);
    expect((await audited.index.standing()).lag).toBe(0);
  });

  test('of words holds nothing that could be read, and of an erased actor nothing at all', async () => {
    const held = async (): Promise<number> => {
      const [row] = await rows<{ n: number }>(`SELECT (SELECT count(*) FROM audit_words)::int
        + (SELECT coalesce(sum(octet_length(words) / 8), 0) FROM audit_fresh)::int AS n`);
      return row?.n ?? 0;
    };
    const before = await held();
    expect(before).toBeGreaterThan(0);
    await db.owner.query(`UPDATE subject_keys SET wrapped = NULL WHERE subject = 'person:ada'`);
    await audited.index.forget('person:ada', true);
    // What is left is the word or two of the one who was not erased.
    expect(await held()).toBe(2);
    expect((await search({ reason: 'falsche' }, 'oldest')).length).toBe(1);
  });

  test('a segment that one process began is completed by another, and is the same byte for byte', async () => {
    const kept = () => rows('SELECT key, segment, md5(postings) FROM audit_postings ORDER BY 1, 2');
    await fill(3_000);
    await audited.index.catchUp();
    const { index, log } = await openAudit(db.app);
    await fill(segmentSize);
    await index.catchUp();
    const completed = await kept();
    await audited.index.rebuild();
    await audited.index.catchUp();
    expect(await kept()).toEqual(completed);
    await log.stop();
  });

  test('words of somebody who was erased meanwhile do not come back when their segment is completed', async () => {
    await fill(segmentSize - ((await audited.log.head()).position % segmentSize));
    await audited.index.catchUp();
    const eve = { actor: { id: 'person:eve', kind: 'person' } } as const;
    await audited.write('counter-a', 'Counted', { by: 1 }, { ...eve, reason: 'heimlich' });
    await audited.index.catchUp();
    const [{ segments } = { segments: 0 }] = await rows<{ segments: number }>('SELECT * FROM audit_index');
    await db.owner.query(`UPDATE subject_keys SET wrapped = NULL WHERE subject = 'person:eve'`);
    await audited.index.forget('person:eve', true);
    await fill(segmentSize);
    await audited.index.catchUp();
    expect(await rows(`SELECT key FROM audit_postings WHERE segment = ${segments}`)).not.toEqual([]);
    expect(await rows(`SELECT key FROM audit_words WHERE segment = ${segments}`)).toEqual([]);
  });

  test('runs by itself, and an export takes the same filters and order', async () => {
    audited.index.start();
    try {
      await audited.write('counter-z', 'Counted', { by: 1 }, { tool: 'special' });
      await audited.write('counter-z', 'Counted', { by: 2 }, { tool: 'special' });
      while ((await audited.index.standing()).lag > 0) await sleep(20);
      const asked = {
        principal: auditor,
        filter: { tool: 'special' },
        format: 'csv',
        order: 'newest',
      } as const;
      const { events } = await audited.audit.exportEvents(asked);
      const found = positions(await drained(events));
      expect(found).toEqual(await search({ tool: 'special' }, 'newest'));
      expect(found).toHaveLength(2);
    } finally {
      await audited.index.stop();
    }
  });

  test('stops loudly where the log is not the one it was made from', async () => {
    await db.app.query('UPDATE audit_index SET position = position + 1000');
    await expect(audited.index.catchUp()).rejects.toThrow('beyond the head of the log');
    expect(await audited.index.standing()).toMatchObject({ progressing: false });
  });
});

test('a reason is found by its words, whatever their case, accents and forms', () => {
  expect(wordsOf('Zürich: 2× Crédit-Note, ﬁnal!')).toEqual(['zurich', '2', 'credit', 'note', 'final']);
  expect(wordsOf('… — !')).toEqual([]);
});

test('postings of values that are rare, frequent and everywhere are told apart by size', () => {
  const gathered = gatherPostings();
  for (let n = 0; n < segmentSize; n++) gathered.add(n, [1, n % 100 === 0 ? 2 : 3, 1_000_000 + n]);
  const sizes = new Map(gathered.rows().map(({ key, postings }) => [key, postings.length]));
  expect([sizes.get(1), sizes.get(2), sizes.get(3)]).toEqual([2_049, 329, 2_049]);
  expect([...sizes.keys()].filter((key) => key < 0).length).toBe(2_048);
});

test('packed tokens are the tokens, whatever their size', () => {
  const lists = [[], [0, 1, 2 ** 32 - 1, 2 ** 32, 2 ** 48 + 7, Number.MAX_SAFE_INTEGER], [], [5]];
  const { bytes, ends } = packTokens(lists);
  const unpacked = ends.map((end, n) => unpackTokens(bytes.subarray(ends[n - 1] ?? 0, end)));
  expect(unpacked).toEqual(lists);
});
