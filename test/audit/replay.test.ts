/** Replay: every state that a stream went through, and who brought it about. */

import { applyPatch, type Operation } from 'rfc6902';
import { permissions } from '../../src/access/principal.ts';
import { emptyUnit } from '../../src/events/event-log.ts';
import { counted } from '../events/testbed.ts';
import { type TestDatabase, testDatabase } from '../setup/database.ts';
import { type Audited, auditor, openAudit } from './testbed.ts';

let db: TestDatabase;
let audited: Audited;

beforeAll(async () => {
  db = await testDatabase();
  audited = await openAudit(db.app);
  await audited.write('counter-a', 'Counted', { by: 1 });
  await audited.write('counter-b', 'Counted', { by: 7 });
  await audited.write(
    'counter-a',
    'Counted',
    { by: 2 },
    {
      actor: { id: 'person:ada', kind: 'person' },
      email: 'ada@example.com',
      reason: 'a mistake',
      reference: 'T-1',
      command: 'count',
    },
  );
  await audited.write('counter-a', 'Named', { owner: 'Grace', email: 'grace@example.com' });
});
afterAll(() => db.drop());

const replay = (stream: string, at?: string) =>
  audited.audit.replay({ principal: auditor, stream, ...(at === undefined ? {} : { at }) });

const afters = async (stream: string, at?: string) =>
  (await replay(stream, at)).states.map(({ after }) => after);

describe('a replay', () => {
  test('shows each state before and after, who acted and why', async () => {
    const { stream, states } = await replay('counter-a');
    expect(stream).toBe('counter-a');
    expect(states.map(({ version, position, type }) => [version, position, type])).toEqual([
      [1, 1, 'Counted'],
      [2, 3, 'Counted'],
      [3, 4, 'Named'],
    ]);
    expect(states.map(({ before, after }) => [before, after])).toEqual([
      [null, { total: 1 }],
      [{ total: 1 }, { total: 3 }],
      [{ total: 3 }, { total: 3 }],
    ]);
    expect(states[1]).toMatchObject({
      actor: { id: 'person:ada', kind: 'person', email: 'ada@example.com' },
      reason: 'a mistake',
      reference: 'T-1',
      command: 'count',
      recordedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/),
    });
  });

  test('tells each change as a JSON Patch from before to after', async () => {
    const { states } = await replay('counter-a');
    expect(states.map(({ diff }) => diff)).toEqual([
      [{ op: 'replace', path: '', value: { total: 1 } }],
      [{ op: 'replace', path: '/total', value: 3 }],
      [],
    ]);
    for (const { before, after, diff } of states.slice(1)) {
      const patched = structuredClone(before);
      expect(applyPatch(patched, diff as Operation[])).toEqual(diff.map(() => null));
      expect(patched).toEqual(after);
    }
  });

  test('ends at a position or a time', async () => {
    const { states } = await replay('counter-a');
    expect(await afters('counter-a', '1')).toEqual([{ total: 1 }]);
    expect(await afters('counter-a', '2')).toEqual([{ total: 1 }]);
    expect(await afters('counter-a', '3')).toEqual([{ total: 1 }, { total: 3 }]);
    expect(await afters('counter-a', states[0]?.recordedAt)).toEqual([{ total: 1 }]);
    expect(await afters('counter-a', states[1]?.recordedAt)).toEqual([{ total: 1 }, { total: 3 }]);
  });

  test('is itself recorded, and of a stream without a state shows who did what', async () => {
    const { states } = await replay('$audit');
    expect(states.length).toBeGreaterThan(0);
    for (const state of states) {
      expect(state).toMatchObject({
        type: 'StreamReplayed',
        actor: { id: 'person:auditor' },
        before: null,
        after: null,
        diff: [],
      });
    }
  });

  test('finds no stream that is not there, or was not there yet', async () => {
    await expect(replay('counter-none')).rejects.toMatchObject({ code: 'not_found' });
    await expect(replay('counter')).rejects.toMatchObject({ code: 'not_found' });
    await expect(replay('counter-b', '1')).rejects.toMatchObject({ code: 'not_found' });
    await expect(replay('counter-b', '2001-01-01T00:00:00Z')).rejects.toMatchObject({ code: 'not_found' });
  });

  test.each([
    ['999999', 'is beyond the head of the log'],
    ['9999-01-01T00:00:00Z', 'must not lie in the future'],
    ['2026-03-03', 'must be a position or a time with its zone'],
    ['-1', 'must be a position or a time with its zone'],
    ['0000-01-01T00:00:00Z', 'must be a position or a time with its zone'],
  ])('refuses to end at %j', async (at, message) => {
    await expect(replay('counter-a', at)).rejects.toMatchObject({
      code: 'invalid_input',
      errors: [{ path: 'at', message: expect.stringContaining(message) }],
    });
  });

  test('needs permission, and a refused one is not recorded', async () => {
    const { position } = await audited.log.head();
    const principal = { ...auditor, permissions: permissions(['audit:read', 'audit:export']) };
    const asked = audited.audit.replay({ principal, stream: 'counter-a' });
    await expect(asked).rejects.toMatchObject({ code: 'not_permitted' });
    expect((await audited.log.head()).position).toBe(position);
  });

  test('of more events than one answer holds is refused with the position to name', async () => {
    const stream = 'counter-long';
    const events = Array.from({ length: 501 }, () => counted(stream));
    for (let i = 0; i < 10; i++) {
      await audited.log.append({ ...emptyUnit, writes: [{ stream, base: 'any' }], events });
    }
    const error = await replay(stream).then(
      () => undefined,
      (thrown: { code: string; errors: readonly { message: string }[] }) => thrown,
    );
    expect(error).toMatchObject({ code: 'invalid_input', errors: [{ path: 'at' }] });
    const at = /must be (\d+) or earlier/.exec(error?.errors[0]?.message ?? '')?.[1];
    const states = await afters(stream, at);
    expect(states).toHaveLength(5000);
    expect(states.at(-1)).toEqual({ total: 5000 });
  });
});
