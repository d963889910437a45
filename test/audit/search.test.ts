/** Searching and exporting the log. */

import { permissions } from '../../src/access/principal.ts';
import { createKnownValues } from '../../src/audit/known.ts';
import { createBatches } from '../../src/audit/reading.ts';
import type { EventFilter, SearchRequest } from '../../src/audit/request.ts';
import type { RecordedEvent } from '../../src/events/envelope.ts';
import { type TestDatabase, testDatabase } from '../setup/database.ts';
import { until } from '../setup/until.ts';
import { type Audited, auditor, drained, openAudit, positions } from './testbed.ts';

let db: TestDatabase;
let audited: Audited;
let events: readonly RecordedEvent[];

beforeAll(async () => {
  db = await testDatabase();
  audited = await openAudit(db.app);
  const { write } = audited;
  const ada = { actor: { id: 'person:ada', kind: 'person' }, email: 'ada@example.com' } as const;
  await write('counter-a', 'Counted', { by: 1 }, { command: 'count' });
  await write('counter-b', 'Counted', { by: 2 }, { ...ada, command: 'count' });
  await write('counter-a', 'Named', { owner: 'Grace', email: 'grace@example.com' }, { command: 'name' });
  await write(
    'counter-b',
    'Named',
    { owner: 'Joan', email: 'joan@example.com' },
    { ...ada, command: 'name' },
  );
  await write('counter-a', 'Counted', { by: 3 }, { ...ada, command: 'count', reason: 'a mistake' });
  events = await audited.whole();
});
afterAll(() => db.drop());

const search = (filter: EventFilter, more: Partial<SearchRequest> = {}) =>
  audited.audit.search({ principal: auditor, filter, ...more });

const found = async (filter: EventFilter): Promise<readonly number[]> =>
  positions((await search(filter)).data);

const at = (position: number): string => events[position - 1]?.recordedAt ?? '';

const refusal = (asked: Promise<unknown>) =>
  asked.then(
    () => undefined,
    (error: { code?: string; errors?: readonly { path: string; message: string }[] }) => ({
      code: error.code,
      path: error.errors?.[0]?.path,
      message: error.errors?.[0]?.message,
    }),
  );

describe('a search', () => {
  test('answers readable events, oldest first, and where the log stands', async () => {
    const page = await search({ stream: 'counter-a' });
    expect(page).toMatchObject({ nextCursor: null, position: 5 });
    expect(page.data.map(({ version, type }) => [version, type])).toEqual([
      [1, 'Counted'],
      [2, 'Named'],
      [3, 'Counted'],
    ]);
    expect(page.data[1]).toMatchObject({ data: { owner: 'Grace' } });
    expect(page.data[2]).toMatchObject({ metadata: { email: 'ada@example.com', reason: 'a mistake' } });
  });

  test('narrows by stream, actor, type and command, each and all together', async () => {
    expect(await found({})).toEqual([1, 2, 3, 4, 5]);
    expect(await found({ actor: 'person:ada' })).toEqual([2, 4, 5]);
    expect(await found({ type: 'Named' })).toEqual([3, 4]);
    expect(await found({ command: 'count' })).toEqual([1, 2, 5]);
    const all = { stream: 'counter-b', actor: 'person:ada', type: 'Named', command: 'name' };
    expect(await found(all)).toEqual([4]);
    expect(await found({ ...all, stream: 'counter-a' })).toEqual([]);
    expect(await found({ stream: 'counter-none' })).toEqual([]);
  });

  test('from and to are inclusive to the microsecond, in any zone', async () => {
    expect(await found({ from: at(2), to: at(4) })).toEqual([2, 3, 4]);
    expect(await found({ from: at(3), to: at(3), stream: 'counter-a' })).toEqual([3]);
    const later = at(2).replace(/(\d)Z$/, (_, digit: string) => `${Number(digit)}1Z`);
    expect(await found({ from: at(2), to: later })).toEqual([2]);
    const local = new Date(Date.parse(at(5)) + 2 * 3_600_000).toISOString().replace('Z', '+02:00');
    expect(await found({ to: local, from: at(1) })).toEqual(
      [1, 2, 3, 4, 5].filter((n) => at(n) <= at(5).replace(/\d{3}Z$/, '000Z')),
    );
    expect(await found({ from: '0001-01-01T00:00:00Z' })).toEqual([1, 2, 3, 4, 5]);
  });

  test.each([{}, { stream: 'counter-a' }, { actor: 'person:ada' }, { stream: 'counter-none' }])(
    'pages of %j follow each other without gap or repeat, and the last one says so',
    async (filter) => {
      const pages: (readonly number[])[] = [];
      let after: string | null | undefined;
      while (after !== null) {
        const page = await search(filter, { limit: 2, ...(after === undefined ? {} : { after }) });
        pages.push(positions(page.data));
        after = page.nextCursor;
      }
      expect(pages.flat()).toEqual(await found(filter));
      expect(pages.slice(0, -1).every((page) => page.length === 2)).toBe(true);
      expect(pages.length).toBe(Math.max(1, Math.ceil(pages.flat().length / 2)));
    },
  );

  test.each([{}, { stream: 'counter-a' }, { actor: 'person:ada' }, { stream: 'counter-none' }])(
    'of %j the newest come first where that is asked for, page by page',
    async (filter) => {
      const pages: (readonly number[])[] = [];
      let after: string | null | undefined;
      while (after !== null) {
        const more = { limit: 2, order: 'newest', ...(after === undefined ? {} : { after }) };
        const page = await search(filter, more);
        pages.push(positions(page.data));
        after = page.nextCursor;
      }
      expect(pages.flat()).toEqual((await found(filter)).toReversed());
      expect(pages.slice(0, -1).every((page) => page.length === 2)).toBe(true);
      const narrowed = await search({ ...filter, from: at(2), to: at(4) }, { order: 'newest' });
      expect(positions(narrowed.data)).toEqual(
        (await found({ ...filter, from: at(2), to: at(4) })).toReversed(),
      );
    },
  );

  test.each([
    ['from', 'yesterday'],
    ['from', '2026-03-03'],
    ['to', '2026-03-03T10:00:00'],
    ['to', '0000-01-01T00:00:00Z'],
    ['to', '0001-01-01T00:00:00+01:00'],
    ['to', '9999-12-31T23:59:59-01:00'],
  ])('refuses %s %j: a time needs its zone', async (path, time) => {
    expect(await refusal(search({ [path]: time }))).toEqual({
      code: 'invalid_input',
      path,
      message: expect.stringContaining('a time with its zone, such as "2026-03-03T10:00:00Z"'),
    });
  });

  test('takes any zone that ISO 8601 knows', async () => {
    expect(await found({ from: '2001-01-01T00:00:00+23:59', to: '2001-01-02T00:00:00-23:59' })).toEqual([]);
  });

  test('refuses what cannot be searched, and says why', async () => {
    expect(await refusal(search({ from: at(4), to: at(2) }))).toMatchObject({
      code: 'invalid_input',
      path: 'from',
    });
    expect(await refusal(search({ actor: 'ada@example.com' }))).toEqual({
      code: 'invalid_input',
      path: 'actor',
      message: 'must be an opaque actor id: e-mail addresses are encrypted and cannot be searched',
    });
    for (const limit of [0, 1001, 1.5]) {
      expect(await refusal(search({}, { limit }))).toMatchObject({ code: 'invalid_input', path: 'limit' });
    }
    for (const after of ['x', '-1', '']) {
      expect(await refusal(search({}, { after }))).toMatchObject({ code: 'malformed_request' });
    }
  });

  test.each([
    ['type', 'Namd', 'There is no event type "Namd", and the log has none; the nearest is "Named"'],
    ['command', 'coumt', 'There is no command "coumt", and the log has none; the nearest is "count"'],
    ['tool', 'consol', 'There is no tool "consol", and the log has none; the nearest is "console"'],
    ['stream', 'nothing', 'such names begin with counter-, $.'],
    ['stream', 'counter-', 'such names begin with counter-, $.'],
    ['actor', 'ada', 'such names begin with person:, service:, reactor:, system, anonymous.'],
    ['about', 'a', 'such names begin with counter-, $, person:, service:, reactor:, system, anonymous.'],
    ['bulkJob', 'my-job', 'The log knows no bulk job "my-job"; give a UUID, the "id" of the job.'],
    ['commandId', '4711', 'The log knows no command "4711"; give a UUID'],
    ['correlation', 'x', 'The log knows no request or trace "x"; give a UUID or a trace id'],
    ['session', 'ada', 'The log knows no session "ada"; give a UUID'],
  ])('refuses %s=%s, which no event could have, with what there is', async (path, value, message) => {
    const refused = { code: 'invalid_input', path, message: expect.stringContaining(message) };
    expect(await refusal(search({ [path]: value }))).toEqual(refused);
    const { position } = await audited.log.head();
    const exported = audited.audit.exportEvents({
      principal: auditor,
      filter: { [path]: value },
      format: 'csv',
    });
    expect(await refusal(exported)).toEqual(refused);
    expect((await audited.log.head()).position).toBe(position);
  });

  test('finds what nobody defines any more, as long as the log has it', async () => {
    const { known, log, index } = audited;
    await audited.write('counter-old', 'Counted', { by: 1 }, { command: 'sum', tool: 'abacus' });
    expect(await found({ command: 'sum' })).toHaveLength(1);
    expect(await found({ tool: 'abacus', type: 'Named' })).toEqual([]);
    expect(await found({ about: 'team-counter-old' })).toHaveLength(1);
    // As in a release that has dropped the type and the kind of stream.
    const later = createKnownValues({
      log,
      batches: createBatches(db.app, log, index.batches),
      vocabulary: { types: ['Moved'], commands: [], tools: () => [], prefixes: ['parcel'] },
    });
    await later.require({ type: 'Counted', stream: 'counter-old', tool: 'abacus', command: 'sum' });
    await expect(later.require({ type: 'Missed' })).rejects.toMatchObject({
      code: 'invalid_input',
      extra: { known: ['Moved'] },
    });
    await known.require({ type: 'Named', about: 'person:nobody' });
    // What nobody has seen yet may come at any time.
    await known.require({ bulkJob: crypto.randomUUID(), correlation: '4bf92f3577b34da6a3ce929d0e0e4736' });
  });

  test('of somebody who sees some of the log only, what is there for them counts', async () => {
    const none = async () => false;
    await expect(
      audited.known.require({ about: 'team-counter-old' }, { isThere: none }),
    ).rejects.toMatchObject({
      errors: [{ path: 'about' }],
    });
    await audited.known.require({ about: 'team-counter-old' });
  });

  test('needs permission', async () => {
    const principal = { ...auditor, permissions: permissions(['audit:export', 'audit:replay']) };
    expect(await refusal(search({}, { principal }))).toMatchObject({ code: 'not_permitted' });
  });
});

describe('an export', () => {
  const exported = (filter: EventFilter, after?: string) =>
    audited.audit.exportEvents({
      principal: auditor,
      filter,
      format: 'ndjson',
      ...(after === undefined ? {} : { after }),
    });

  test('is recorded before its first event is handed out, and holds that record', async () => {
    const { position, events } = await exported({});
    expect((await audited.log.head()).position).toBe(position);
    const all = await drained(events);
    expect(positions(all)).toEqual(Array.from({ length: position }, (_, i) => i + 1));
    expect(all.at(-1)).toMatchObject({
      stream: '$audit',
      type: 'EventsExported',
      data: { format: 'ndjson', after: 0, upTo: position - 1 },
      metadata: { actor: { id: 'person:auditor' } },
    });
  });

  test('goes no further than the log went when it began', async () => {
    const { events, position } = await exported({ stream: 'counter-z' });
    await audited.write('counter-z', 'Counted', { by: 1 });
    expect(await drained(events)).toEqual([]);
    expect(position).toBeLessThan((await audited.log.head()).position);
  });

  test('takes the filters and the cursor of a search', async () => {
    expect(positions(await drained((await exported({ actor: 'person:ada' }, '2')).events))).toEqual([4, 5]);
    expect(positions(await drained((await exported({ to: at(2) })).events))).toEqual([1, 2]);
  });

  test('is refused without its permission, and then not recorded', async () => {
    const { position: before } = await audited.log.head();
    const principal = { ...auditor, permissions: permissions(['audit:read']) };
    const asked = audited.audit.exportEvents({ principal, filter: {}, format: 'csv' });
    expect(await refusal(asked)).toMatchObject({ code: 'not_permitted' });
    expect((await audited.log.head()).position).toBe(before);
  });

  test('holds no connection between two batches', async () => {
    const { events } = await exported({});
    const reading = events[Symbol.asyncIterator]();
    await reading.next();
    // The log may be notifying at this moment; what the export held would stay held.
    await until(() => db.app.idleCount === db.app.totalCount);
    await reading.return?.();
  });
});
