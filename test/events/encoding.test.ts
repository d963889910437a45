import { z } from 'zod';
import { canonicalJson } from '../../src/events/canonical-json.ts';
import { erased } from '../../src/events/codec.ts';
import { defineEvent, type EventData, type EventDefinition } from '../../src/events/definition.ts';
import type { RunningLog } from '../../src/events/event-log.ts';
import { personal } from '../../src/events/personal.ts';
import { type TestDatabase, testDatabase } from '../setup/database.ts';
import { add, definitions, metadata, openLog } from './testbed.ts';

const Noted = defineEvent({
  type: 'Noted',
  schema: z.object({ note: z.record(z.string(), z.unknown()) }),
  refs: () => [],
});

describe('what is written and read', () => {
  let db: TestDatabase;
  let log: RunningLog;
  beforeEach(async () => {
    db = await testDatabase();
    log = await openLog(db.app, [...definitions, Noted as unknown as EventDefinition]);
  });
  afterEach(async () => {
    await log.stop();
    await db.drop();
  });

  const unit = (stream: string, type: string, data: EventData) => ({
    ...add(stream, 'any'),
    events: [{ stream, type, data, metadata: metadata() }],
  });
  const named = (stream: string, owner: unknown, more: EventData = {}) =>
    unit(stream, 'Named', { counter: stream, owner, ...more });

  test("a decider's slip is not in the log for ever: it fails alone, and those beside it are appended", async () => {
    const slips = [
      unit('a', 'Counted', { counter: 'a', by: 'one' }),
      unit('a', 'Counted', { counter: 'a', by: Number.NaN }),
      unit('a', 'Counted', { counter: 'a' }),
      unit('a', 'Counted', { counter: 'a', by: 1, secret: 'in the clear' }),
      unit('a', 'Counted', { counter: 'a', by: 10n }),
      unit('a', 'Unheard', {}),
    ];
    const wells = slips.map((_, n) => add(`counter-${n}`, 0));
    const results = await Promise.allSettled([...slips, ...wells].map((one) => log.append(one)));
    for (const result of results.slice(0, slips.length))
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'internal' } });
    expect((await log.read({ after: 0, limit: 100 })).events.length).toBe(wells.length);
  });

  test('what poses as an encrypted value is refused: readers would take it for one', async () => {
    for (const $personal of ['counter-a', 7, null]) {
      await expect(
        log.append(unit('a', 'Noted', { note: { $personal, sealed: 'AAAA' } })),
      ).rejects.toMatchObject({ code: 'invalid_input', errors: [{ path: 'note' }] });
    }
  });

  test('ciphertext that was moved to another field or event is a fault that names the position', async () => {
    await log.append(named('counter-a', 'Ada', { email: 'ada@example.test' }));
    await log.append(named('counter-b', 'Bob'));
    const [first] = (await log.readStored({ after: 0, limit: 1 })).events;
    const { owner, email } = (first?.data ?? {}) as Record<string, object>;
    const moved = [
      { owner: email, email: owner },
      { owner: { ...owner, $personal: 'counter-b' } },
      { owner: { ...owner, sealed: 'AAAA' } },
    ];
    for (const [n, data] of moved.entries()) {
      await db.app.query(
        `INSERT INTO events SELECT $1::bigint, gen_random_uuid(), 'counter-m', $2::int, type, 1, $3::json, metadata, recorded_at
         FROM events WHERE position = 1`,
        [n + 3, n + 1, JSON.stringify({ counter: 'counter-m', ...data })],
      );
      await expect(log.read({ after: n === 0 ? 0 : n + 2, limit: 10 })).rejects.toMatchObject({
        code: 'internal',
        message: expect.stringMatching(new RegExp(`^Position ${n + 3} of the log`)),
      });
    }
    // The others stay readable, and the stored form too.
    expect((await log.read({ after: 0, upTo: 2, limit: 10 })).events.length).toBe(2);
    expect((await log.readStored({ after: 0, limit: 10 })).events.length).toBe(5);
  });

  test('what is written about somebody whose key was destroyed is erased from the start', async () => {
    await log.append(named('counter-a', 'Ada'));
    await db.owner.query(
      `UPDATE subject_keys SET wrapped = NULL WHERE subject IN ('counter-a', 'person:test')`,
    );
    const fresh = await openLog(db.app);
    const event = { ...named('counter-a', 'Ada again').events[0], metadata: metadata({ reason: 'secret' }) };
    await fresh.append({ ...named('counter-a', ''), events: [event as never] });
    const [, later] = await fresh.readStreams(['counter-a']);
    expect(later?.data).toEqual({ counter: 'counter-a', owner: erased });
    const { rows } = await db.owner.query('SELECT data::text || metadata::text AS stored FROM events');
    for (const { stored } of rows) expect(stored).not.toMatch(/Ada|secret/);
    await fresh.stop();
  });

  test('personal fields that are absent stay absent', async () => {
    await log.append(named('counter-a', 'Ada', { email: undefined }));
    const [event] = await log.readStreams(['counter-a']);
    expect(event?.data).toEqual({ counter: 'counter-a', owner: 'Ada' });
  });

  test('processes that meet the same new subjects in other orders do not lock each other out', async () => {
    const other = await openLog(db.app);
    for (let round = 0; round < 5; round++) {
      const units = Array.from({ length: 100 }, (_, n) => named(`counter-${round}-${n}`, 'Ada'));
      const outcomes = await Promise.all([
        ...units.map((one) => log.append(one)),
        ...units.toReversed().map((one) => other.append(one)),
      ]);
      expect(outcomes.every(({ accepted }) => accepted)).toBe(true);
    }
    const { events } = await log.read({ after: 0, limit: 10_000 });
    expect(events.every(({ data }) => data.owner === 'Ada')).toBe(true);
    await other.stop();
  });
});

describe('marks of personal fields', () => {
  const define = (field: z.ZodType) =>
    defineEvent({ type: 'T', schema: z.object({ field }), refs: () => [], subject: () => 's' }).personal;

  test('a mark survives what is chained onto it', () => {
    for (const field of [
      personal(z.string()).min(3),
      personal(z.string()).optional(),
      personal(z.string()).nullable().default('x'),
      personal(z.array(z.string())).readonly(),
    ])
      expect(define(field)).toEqual(['field']);
  });

  test('a mark inside a field, where the codec would miss it, is an error at definition', () => {
    const mark = personal(z.string());
    for (const field of [
      z.object({ a: mark }),
      z.array(mark),
      z.record(z.string(), mark),
      z.tuple([z.number(), mark]),
      z.union([mark, z.number()]),
      z.intersection(z.object({ a: mark }), z.object({})),
      mark.transform((text) => text.length),
      z.map(z.string(), mark),
    ])
      expect(() => define(field)).toThrow(/mark the field itself/);
  });
});

test('canonical JSON tells two times apart', () => {
  const at = (ms: number) => canonicalJson({ b: [new Date(ms)], a: 1 });
  expect(at(0)).toBe('{"a":1,"b":["1970-01-01T00:00:00.000Z"]}');
  expect(at(0)).not.toBe(at(1));
});
