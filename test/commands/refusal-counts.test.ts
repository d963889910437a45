/** A flood of refused commands is bounded in the log, and its number is there all the same. */
import { oneByOneMax } from '../../src/commands/refusal-counts.ts';
import { type TestDatabase, testDatabase } from '../setup/database.ts';
import { openWriteSide, tester } from './testbed.ts';

const beyond = 30;
const flood = oneByOneMax + beyond;

let db: TestDatabase;
let side: Awaited<ReturnType<typeof openWriteSide>>;
let now: string;
beforeAll(async () => {
  db = await testDatabase();
  side = await openWriteSide(db.app, undefined, undefined, () => now);
});
beforeEach(() => {
  now = '2026-03-03T10:00:00.000000Z';
});
afterEach(() => side.refusals.flush(true));
afterAll(async () => {
  await side.refusals.stop();
  await side.log.stop();
  await db.drop();
});

const recordedOf = async (id: string) => {
  const { events } = await side.log.read({ after: 0, limit: 10_000 });
  const own = events.filter(({ metadata }) => metadata.actor.id === id);
  const of = (type: string) => own.filter((event) => event.type === type).map(({ data }) => data);
  return { refused: of('CommandRefused'), counted: of('RefusalsCounted') };
};

const refusing = async (id: string, name: string, input: object, more: object = {}) => {
  const principal = tester(['jars:fill', 'jars:seal'], id);
  return side.ask(name, input, { principal, ...more }).then(
    () => 'done',
    ({ code }: { code: string }) => code,
  );
};

test.each([
  ['inputs that are wrong', 'invalid_input', 'fill-jar', { jarId: 'NO', by: 1 }, {}],
  ['what is not there', 'not_found', 'seal-jar', { jarId: 'nowhere' }, { reason: 'x' }],
  ['reasons that are missing', 'reason_required', 'seal-jar', { jarId: 'nowhere' }, {}],
])('%s: the first are recorded one by one, the rest as one count', async (_what, code, name, input, more) => {
  const id = `person:${code}`;
  for (let n = 0; n < flood; n++) expect(await refusing(id, name, input, more)).toBe(code);
  expect(await recordedOf(id)).toMatchObject({ refused: { length: oneByOneMax }, counted: [] });
  now = '2026-03-03T10:01:00.000000Z';
  await side.refusals.flush();
  expect((await recordedOf(id)).counted).toEqual([
    { command: name, code, count: beyond, minute: '2026-03-03T10:00:00.000Z' },
  ]);
});

test('of rules that say no each key still gives its own answer again', async () => {
  await side.ask('fill-jar', { jarId: 'full', by: 1 });
  await side.ask('seal-jar', { jarId: 'full' }, { reason: 'full' });
  const id = 'person:keys';
  const asked = (n: number) =>
    refusing(id, 'fill-jar', { jarId: 'full', by: 1 }, { idempotencyKey: `key-${n}` });
  for (let n = 0; n < flood; n++) expect(await asked(n)).toBe('rejected');
  expect((await recordedOf(id)).refused).toHaveLength(oneByOneMax);
  expect(await asked(flood - 1)).toBe('rejected');
  const principal = tester(['jars:fill'], id);
  const again = side.ask(
    'fill-jar',
    { jarId: 'full', by: 1 },
    { principal, idempotencyKey: `key-${flood - 1}` },
  );
  await expect(again).rejects.toMatchObject({ rejection: 'jar_sealed', replayed: true });
});

test('many at once on one stream are each answered, and none is lost', async () => {
  const id = 'person:at-once';
  const codes = await Promise.all(
    Array.from({ length: flood }, () => refusing(id, 'seal-jar', { jarId: 'empty' }, { reason: 'x' })),
  );
  expect(new Set(codes)).toEqual(new Set(['not_found']));
  await side.refusals.flush(true);
  const { refused, counted } = await recordedOf(id);
  expect([refused.length, counted[0]?.count]).toEqual([oneByOneMax, beyond]);
});

test('another person, command or code has a count of its own, and a new minute begins anew', async () => {
  const id = 'person:busy';
  for (let n = 0; n < oneByOneMax; n++) await refusing(id, 'fill-jar', {});
  expect(await refusing('person:other', 'fill-jar', {})).toBe('invalid_input');
  await refusing(id, 'seal-jar', {}, { reason: 'x' });
  now = '2026-03-03T10:01:00.000000Z';
  await refusing(id, 'fill-jar', {});
  expect((await recordedOf('person:other')).refused).toHaveLength(1);
  expect(await recordedOf(id)).toMatchObject({ refused: { length: oneByOneMax + 2 }, counted: [] });
});
