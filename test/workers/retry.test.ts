/** Trying again what failed or was rejected, as it was given or corrected. */
import type { Principal } from '../../src/access/principal.ts';
import type { BulkJob, RetryRequest } from '../../src/workers/index.ts';
import { type TestDatabase, testDatabase } from '../setup/database.ts';
import {
  ann,
  breakDecider,
  type House,
  ids,
  inPieces,
  mendDecider,
  openHouse,
  person,
  proveFromLog,
} from './house.ts';

let db: TestDatabase;
let house: House;

beforeAll(async () => {
  db = await testDatabase();
  house = await openHouse({ db });
  await house.bulk.start();
});
afterAll(async () => {
  await house.close();
  await db.drop();
});
afterEach(breakDecider);

const again = async (id: string, more: Partial<RetryRequest> = {}): Promise<BulkJob> =>
  (await house.bulk.jobs.retryFailed({ principal: ann, id, ...more })).job;

const csv = (text: string, query: Record<string, string> = {}): Partial<RetryRequest> => ({
  upload: { mediaType: 'text/csv', query, content: inPieces(text) },
});

const ndjson = (rows: readonly object[], query: Record<string, string> = {}): Partial<RetryRequest> => ({
  upload: {
    mediaType: 'application/x-ndjson',
    query,
    content: inPieces(rows.map((row) => JSON.stringify(row)).join('\n')),
  },
});

/** Of six crates: two moved, two that cannot be decided, one to nowhere, one row that is not valid. */
const mixed = async (prefix: string): Promise<BulkJob> => {
  const [a, b, c, d, e] = ids(prefix, 5);
  await house.stock(ids(prefix, 5));
  const rows = [`${a},hall`, `${b},broken`, `${c},nowhere`, `${d},broken`, `NO ID,hall`, `${e},hall`];
  const job = await house.upload(
    { command: 'move-crate', label: prefix },
    ['crateId,to', ...rows].join('\n'),
  );
  const done = await house.ended(job.id);
  expect(done).toMatchObject({ succeeded: 2, failed: 2, rejected: 2 });
  return done;
};

const places = async (...crates: string[]): Promise<unknown[]> =>
  Promise.all(crates.map(async (crate) => (await house.log.readStreams([`crate-${crate}`])).at(-1)?.data.to));

describe('Trying again', () => {
  test('takes what failed and nothing else, unless told', async () => {
    const job = await mixed('failed');
    mendDecider();
    const retry = await again(job.id);
    expect(retry).toMatchObject({ total: 2, source: 'retry', retryOf: job.id, label: 'failed' });
    expect(await house.ended(retry.id)).toMatchObject({ succeeded: 2 });
    expect((await house.allResults(retry.id)).map(({ target }) => target)).toEqual(['failed1', 'failed3']);
  });

  test.each(['a retry', 'corrected input', 'a dry run that is run'])(
    'the words of who began are not said again for somebody else: %s',
    async (way) => {
      const ben = person('ben');
      house.people.set(ben.id, ben);
      const name = way.replaceAll(' ', '');
      const [a, b] = await house.stock(ids(name, 2)).then(() => ids(name, 2));
      const dryRun = way.startsWith('a dry run');
      const { job } = await house.bulk.accept.fromBody({
        principal: ann,
        reason: 'Ann knows why',
        body: { command: 'move-crate', input: { to: 'broken' }, targets: [a, b], label: 'of Ann', dryRun },
      });
      await house.ended(job.id);
      const goOn = async (principal: Principal) =>
        dryRun
          ? (await house.bulk.accept.fromBody({ principal, body: { from: job.id } })).job
          : again(job.id, {
              principal,
              ...(way === 'corrected input' ? csv(`crateId,reason\n${a},row\n`) : {}),
            });
      const own = await goOn(ann);
      await house.ended(own.id);
      const other = await goOn(ben);
      expect([own.label, own.reason]).toEqual(['of Ann', 'Ann knows why']);
      expect([other.label, other.reason]).toEqual([null, undefined]);
    },
  );

  test('takes what was rejected too, where asked', async () => {
    const job = await mixed('both');
    mendDecider();
    const retry = await again(job.id, { body: { outcomes: ['failed', 'rejected'], label: 'once more' } });
    expect(retry).toMatchObject({ total: 4, label: 'once more' });
    const done = await house.ended(retry.id);
    expect(done).toMatchObject({ succeeded: 2, rejected: 2 });
    expect((await again(job.id, { body: { outcomes: ['rejected'] } })).total).toBe(2);
    await proveFromLog(house, done);
  });

  test('runs as it is told: later, slowly, with another priority', async () => {
    const job = await mixed('conduct');
    const startAt = new Date(Date.now() + 3_600_000).toISOString();
    const retry = await again(job.id, { body: { startAt, priority: 'low', maxRate: 5 } });
    expect(retry).toMatchObject({ state: 'accepted', priority: 'low', maxRate: 5 });
    await house.bulk.jobs.cancel({ principal: ann, id: retry.id });
  });

  const refusal = (asked: Promise<BulkJob>): Promise<string> =>
    asked.then(
      () => 'accepted',
      (error) => error.rejection,
    );

  describe('more than once, what failed takes effect in one retry alone', () => {
    test('of two at the same moment one is refused', async () => {
      const job = await mixed('moment');
      mendDecider();
      const both = await Promise.all([refusal(again(job.id)), refusal(again(job.id))]);
      expect(both.sort()).toEqual(['accepted', 'already_retried']);
    });

    test('what a retry got done is no part of the next one', async () => {
      const job = await mixed('done');
      mendDecider();
      await house.ended((await again(job.id)).id);
      expect(await refusal(again(job.id))).toBe('already_retried');
      const next = await again(job.id, { body: { outcomes: ['failed', 'rejected'] } });
      expect((await house.ended(next.id)).total).toBe(2);
      expect((await house.allResults(next.id)).map(({ target }) => target)).toEqual(['done2', null]);
      await expect(again(job.id, csv('crateId,to\ndone1,roof\n'))).rejects.toMatchObject({
        errors: [{ path: 'line 2', message: expect.stringContaining('or a retry has it') }],
      });
      expect(await places('done1')).toEqual(['broken']);
    });

    test('nor what a retry has in hand, until that was cancelled', async () => {
      const job = await mixed('hand');
      const startAt = new Date(Date.now() + 3_600_000).toISOString();
      const waiting = await again(job.id, { ...csv('crateId,to\nhand3,roof\n', { startAt }) });
      const next = await again(job.id);
      expect((await house.ended(next.id)).total).toBe(1);
      expect(await refusal(again(next.id))).toBe('accepted');
      await house.bulk.jobs.cancel({ principal: ann, id: waiting.id });
      mendDecider();
      const last = await house.ended((await again(job.id)).id);
      expect((await house.allResults(last.id)).map(({ target }) => target)).toContain('hand3');
    });

    test('also where one retry is tried again and the job beside it', async () => {
      const job = await mixed('beside');
      const failed = await house.ended((await again(job.id)).id);
      expect(failed).toMatchObject({ total: 2, failed: 2 });
      mendDecider();
      const rows = [{ index: 1, crateId: 'beside3', to: 'roof' }];
      await house.ended((await again(failed.id, ndjson(rows, { match: 'index' }))).id);
      const rest = await house.ended((await again(job.id)).id);
      expect((await house.allResults(rest.id)).map(({ target }) => target)).toEqual(['beside1']);
      expect(await refusal(again(failed.id))).toBe('already_retried');
    });

    test('a correction that came through is answered again under its key, whatever became of it', async () => {
      const job = await mixed('answer');
      const ask = () => ({ ...csv('crateId,to\nanswer2,roof\n'), idempotencyKey: 'retry-answer' });
      const first = await again(job.id, ask());
      await house.ended(first.id);
      expect((await again(job.id, ask())).id).toBe(first.id);
    });
  });

  test('with corrected input, rows matched by their target, as CSV', async () => {
    const job = await mixed('target');
    const retry = await again(job.id, csv('crateId,to\ntarget2,roof\ntarget1,roof\n'));
    expect(retry).toMatchObject({ total: 2, retryOf: job.id });
    expect(await house.ended(retry.id)).toMatchObject({ succeeded: 2 });
    expect(await places('target0', 'target1', 'target2', 'target3')).toEqual([
      'hall',
      'roof',
      'roof',
      undefined,
    ]);
  });

  test('with columns mapped', async () => {
    const job = await mixed('mapped');
    const map = JSON.stringify({ crateId: 'Crate', to: 'Place' });
    const retry = await again(job.id, csv('Crate,Remark,Place\nmapped2,was nowhere,roof\n', { map }));
    expect(await house.ended(retry.id)).toMatchObject({ succeeded: 1 });
    expect(await places('mapped2')).toEqual(['roof']);
  });

  test('by line or index, where the target itself was wrong', async () => {
    const job = await mixed('place');
    const byLine = await again(job.id, csv('line,crateId,to\n6,place0,loft\n', { match: 'line' }));
    expect(await house.ended(byLine.id)).toMatchObject({ total: 1, succeeded: 1 });
    expect(await places('place0')).toEqual(['loft']);
    const rows = [{ index: 2, crateId: 'place2', to: 'cellar' }];
    const byIndex = await again(job.id, ndjson(rows, { match: 'index' }));
    expect(await house.ended(byIndex.id)).toMatchObject({ total: 1, succeeded: 1 });
    expect(await places('place2')).toEqual(['cellar']);
  });

  test('of what was rejected only, where told', async () => {
    const job = await mixed('only');
    const wanted = { outcomes: 'rejected' };
    await expect(again(job.id, csv('crateId,to\nonly1,roof\n', wanted))).rejects.toMatchObject({
      code: 'invalid_input',
    });
    expect((await again(job.id, csv('crateId,to\nonly2,roof\n', wanted))).total).toBe(1);
  });

  test('rows that correct no item are told by their lines, and nothing is started', async () => {
    const job = await mixed('strange');
    const before = (await house.bulk.jobs.list({ principal: ann })).data.length;
    const text = 'crateId,to\nstrange1,roof\nstrange0,roof\nother,roof\nstrange1,loft\n,roof\n';
    await expect(again(job.id, csv(text))).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining('4 rows are for no item'),
      errors: [
        { path: 'line 3', message: expect.stringContaining('"strange0"') },
        { path: 'line 4', message: expect.stringContaining('"other"') },
        { path: 'line 5', message: expect.stringContaining('an earlier row corrects it') },
        { path: 'line 6', message: expect.stringContaining('does not say by target') },
      ],
    });
    expect((await house.bulk.jobs.list({ principal: ann })).data.length).toBe(before);
  });

  test('a thousand rows that correct nothing are told by the first twenty', async () => {
    const job = await mixed('many');
    const text = ['crateId,to', ...ids('unknown', 1_000).map((id) => `${id},roof`)].join('\n');
    const error = await again(job.id, csv(text)).catch((e) => e);
    expect(error.errors).toHaveLength(20);
    expect(error.message).toContain('1000 rows');
  });

  test('the same request with the same key answers the same job', async () => {
    const job = await mixed('keyed');
    const ask = (to: string) => ({ ...csv(`crateId,to\nkeyed2,${to}\n`), idempotencyKey: 'retry-keyed' });
    const first = await again(job.id, ask('roof'));
    expect((await again(job.id, ask('roof'))).id).toBe(first.id);
    await expect(again(job.id, ask('loft'))).rejects.toMatchObject({ code: 'idempotency_key_reused' });
  });

  test.each([
    ['outcomes that cannot be', { outcomes: ['succeeded'] }, 'outcomes.0'],
    ['no outcomes', { outcomes: [] }, 'outcomes'],
    ['an unknown field', { colour: 'red' }, 'colour'],
  ])('%s are refused', async (_what, body, path) => {
    const job = await mixed(`refused-${path.replace('.', '-')}-`);
    await expect(again(job.id, { body })).rejects.toMatchObject({
      code: 'invalid_input',
      errors: [{ path }],
    });
  });

  test('nothing that was rejected, nothing to correct', async () => {
    const job = await house.start({ command: 'move-crate', input: { to: 'x' }, targets: [] });
    await expect(again(job.id, csv('crateId,to\na,b\n'))).rejects.toMatchObject({
      rejection: 'nothing_failed',
    });
  });
});
