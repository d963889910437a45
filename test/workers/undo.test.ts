import type { QuarterdeckError } from '../../src/errors.ts';
import type { BulkJob } from '../../src/workers/index.ts';
import { type TestDatabase, testDatabase } from '../setup/database.ts';
import { ann, type House, ids, openHouse, person, proveFromLog } from './house.ts';

describe('Undoing a job', () => {
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

  const moved = async (targets: readonly string[], to = 'hall'): Promise<BulkJob> =>
    house.ended((await house.start({ command: 'move-crate', input: { to }, targets })).id);

  const undo = async (id: string, body: object = {}, more: object = {}): Promise<BulkJob> =>
    (await house.bulk.jobs.undo({ principal: ann, id, body, ...more })).job;

  const undone = async (id: string, body: object = {}): Promise<BulkJob> =>
    house.ended((await undo(id, body)).id);

  const refusal = async (work: Promise<unknown>): Promise<unknown> => {
    const error = await work.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    const { code, rejection, errors } = error as QuarterdeckError;
    return rejection ?? errors?.[0]?.path ?? code;
  };

  const places = async (id: string): Promise<unknown[]> =>
    (await house.log.readStreams([`crate-${id}`])).slice(1).map(({ data }) => data.to);

  const results = async (id: string) =>
    (await house.allResults(id)).map(({ target, outcome, code }) => [target, outcome, code ?? null]);

  test('is a job of its own that brings every item back to where it was, once each', async () => {
    await house.stock(ids('u', 1_200));
    const first = await moved(ids('u', 1_200));
    const job = await undo(first.id, { label: 'oops' }, { reason: 'a mistake', reference: 'OPS-7' });
    expect(job).toMatchObject({
      command: 'move-crate',
      source: 'undo',
      undoOf: first.id,
      label: 'oops',
      total: 1_200,
      dryRun: false,
    });
    const done = await house.ended(job.id);
    expect(done).toMatchObject({ state: 'completed', succeeded: 1_200, skipped: 0 });
    await proveFromLog(house, done);
    expect(await places('u0')).toEqual(['hall', 'dock']);
    expect(await places('u1199')).toEqual(['hall', 'dock']);
    const event = (await house.log.readStreams(['crate-u7'])).at(-1);
    expect(event?.metadata).toMatchObject({ bulkJobId: job.id, reason: 'a mistake', reference: 'OPS-7' });
    const [accepted] = (await house.events('BulkJobAccepted')).filter(({ data }) => data.jobId === job.id);
    expect(accepted?.data).toMatchObject({ source: 'undo', undoOf: first.id });
    expect(await house.bulk.jobs.get({ principal: ann, id: first.id })).toMatchObject({ undoneBy: job.id });
  });

  test('takes back only what the job changed, and leaves alone what was touched since', async () => {
    await house.stock(ids('t', 4));
    await house.run('move-crate', { crateId: 't1', to: 'hall' });
    const first = await moved([...ids('t', 4), 'gone']);
    expect(first).toMatchObject({ succeeded: 3, unchanged: 1, rejected: 1 });
    await house.run('move-crate', { crateId: 't2', to: 'attic' });
    const done = await undone(first.id);
    expect(done).toMatchObject({ state: 'completed', total: 3, succeeded: 2, skipped: 1 });
    expect(await results(done.id)).toEqual([
      ['t3', 'succeeded', null],
      ['t2', 'skipped', 'changed_since'],
      ['t0', 'succeeded', null],
    ]);
    expect(await places('t1')).toEqual(['hall']);
    expect(await places('t2')).toEqual(['hall', 'attic']);
    await proveFromLog(house, done);
  });

  test('several items of one target are taken back from the last to the first, across chunks', async () => {
    await house.stock(['often', ...ids('between', 600)]);
    await house.run('move-crate', { crateId: 'often', to: 'start' });
    const others = ids('between', 600).map((id) => `${id},loft`);
    const rows = ['crateId,to', 'often,a', 'often,b', ...others, 'often,c'];
    const first = await house.ended((await house.upload({ command: 'move-crate' }, rows.join('\n'))).id);
    const done = await undone(first.id);
    expect(done).toMatchObject({ total: 603, succeeded: 603, skipped: 0 });
    expect(await places('often')).toEqual(['start', 'a', 'b', 'c', 'b', 'a', 'start']);
    await proveFromLog(house, done);
  });

  test('what was touched between two items of the job is taken back as far as that', async () => {
    await house.stock(['mid', ...ids('pad', 500)]);
    const pads = ids('pad', 500).map((id) => `${id},loft`);
    const upload = ['crateId,to', 'mid,a', ...pads, 'mid,c'].join('\n');
    const { id } = await house.upload({ command: 'move-crate' }, upload);
    await house.until(id, ({ succeeded }) => succeeded > 0);
    await house.run('move-crate', { crateId: 'mid', to: 'x' }).catch(() => undefined);
    const first = await house.ended(id);
    const trail = await places('mid');
    const done = await undone(first.id);
    const wholly = trail.join() === 'a,c,x' ? { succeeded: 500, skipped: 2 } : { succeeded: 501, skipped: 1 };
    expect(done).toMatchObject(trail.includes('x') ? wholly : { succeeded: 502 });
    await proveFromLog(house, done);
  });

  test('an undo is undone, and that too', async () => {
    await house.stock(ids('back', 3));
    const first = await moved(ids('back', 3));
    const second = await undone(first.id);
    const third = await undone(second.id);
    const fourth = await undone(third.id);
    expect(fourth).toMatchObject({ succeeded: 3, skipped: 0 });
    expect(await places('back2')).toEqual(['hall', 'dock', 'hall', 'dock']);
  });

  test('looks first, and is run from what it looked at', async () => {
    await house.stock(ids('look', 3));
    const first = await moved(ids('look', 3));
    await house.run('move-crate', { crateId: 'look1', to: 'attic' });
    const dry = await undone(first.id, { dryRun: true });
    expect(dry).toMatchObject({ dryRun: true, succeeded: 2, skipped: 1, undoOf: first.id });
    expect(await places('look0')).toEqual(['hall']);
    const preview = await house.bulk.jobs.preview({ principal: ann, id: dry.id });
    expect(preview.codes).toEqual([{ outcome: 'skipped', code: 'changed_since', count: 1 }]);
    expect(preview.sample[0]?.before).toMatchObject({ '/at': 'hall' });
    expect(await house.bulk.jobs.get({ principal: ann, id: first.id })).not.toHaveProperty('undoneBy');
    await house.run('move-crate', { crateId: 'look2', to: 'attic' });
    const { id } = await house.start({ from: dry.id });
    expect(await house.ended(id)).toMatchObject({ undoOf: first.id, from: dry.id, succeeded: 1, skipped: 2 });
    expect(await results(id)).toEqual([
      ['look2', 'skipped', 'changed_since_preview'],
      ['look1', 'skipped', 'changed_since'],
      ['look0', 'succeeded', null],
    ]);
    expect(await refusal(undo(first.id))).toBe('already_undone');
  });

  test('is refused a second time, also where two ask at once', async () => {
    await house.stock(ids('once', 2));
    const first = await moved(ids('once', 2));
    const both = await Promise.all(
      [0, 1, 2].map(() =>
        undo(first.id).then(
          () => 'accepted',
          (error: QuarterdeckError) => error.rejection,
        ),
      ),
    );
    expect(both.filter((one) => one === 'accepted')).toHaveLength(1);
    for (const one of both) expect(['accepted', 'already_undone', 'undo_in_progress']).toContain(one);
    const { undoneBy = '' } = await house.bulk.jobs.get({ principal: ann, id: first.id });
    await house.ended(undoneBy);
    expect(await refusal(undo(first.id))).toBe('already_undone');
    expect(await refusal(undo(first.id, { dryRun: true }))).toBe('already_undone');
    expect(await places('once0')).toEqual(['hall', 'dock']);
  });

  test('goes on where an undo was cancelled, and takes nothing back twice', async () => {
    await house.stock(ids('half', 1_500));
    const first = await moved(ids('half', 1_500));
    const { id } = await undo(first.id);
    await house.bulk.jobs.cancel({ principal: ann, id }).catch(() => undefined);
    const cancelled = await house.ended(id);
    if (cancelled.state === 'cancelled') {
      const rest = await undone(first.id);
      expect(rest).toMatchObject({ skipped: cancelled.succeeded, succeeded: 1_500 - cancelled.succeeded });
    }
    for (const crate of ['half0', 'half750', 'half1499'])
      expect(await places(crate)).toEqual(['hall', 'dock']);
  });

  test('a cancelled job is undone as far as it came', async () => {
    await house.stock(ids('far', 2_000));
    const { id } = await house.start({
      command: 'move-crate',
      input: { to: 'hall' },
      targets: ids('far', 2_000),
    });
    await house.until(id, ({ succeeded }) => succeeded > 0);
    await house.bulk.jobs.cancel({ principal: ann, id }).catch(() => undefined);
    const first = await house.ended(id);
    const done = await undone(id);
    expect(done).toMatchObject({ total: first.succeeded, succeeded: first.succeeded });
  });

  test('leaves alone what cannot be put back', async () => {
    await house.stock(['stuck', 'free']);
    await house.run('move-crate', { crateId: 'stuck', to: 'chute' });
    const done = await undone((await moved(['stuck', 'free'])).id);
    expect(await results(done.id)).toEqual([
      ['free', 'succeeded', null],
      ['stuck', 'skipped', 'irreversible'],
    ]);
  });

  test('is refused where there is nothing to take back, or nothing that takes it back', async () => {
    await house.stock(['idle']);
    const nothing = await moved(['gone']);
    expect(await refusal(undo(nothing.id))).toBe('nothing_to_undo');
    const packed = await house.ended(
      (await house.start({ command: 'pack-crate', input: { weight: 1 }, targets: ['new'] })).id,
    );
    expect(await refusal(undo(packed.id))).toBe('irreversible');
    const { id: dry } = await house.start({
      command: 'move-crate',
      input: { to: 'hall' },
      targets: ['idle'],
      dryRun: true,
    });
    expect(await refusal(undo((await house.ended(dry)).id))).toBe('nothing_to_undo');
    expect(await refusal(undo('none'))).toBe('not_found');
    const one = await moved(['idle']);
    expect(await refusal(undo(one.id, { dryRun: 'yes' }))).toBe('dryRun');
    expect(await refusal(undo(one.id, { reason: 'x' }))).toBe('reason');
    expect(await refusal(undo(one.id, { expectedCount: 2 }))).toBe('expectedCount');
  });

  test('not by who may not give the inverse', async () => {
    await house.stock(['mine']);
    const { id } = await moved(['mine']);
    const as = (grants: readonly string[]) =>
      refusal(house.bulk.jobs.undo({ principal: person('other', grants), id, body: {} }));
    expect(await as(['bulk:read', 'crates:*'])).toBe('not_permitted');
    expect(await as(['bulk:*'])).toBe('not_permitted');
  });

  test('once under one idempotency key', async () => {
    await house.stock(['key']);
    const { id } = await moved(['key']);
    const ask = () => house.bulk.jobs.undo({ principal: ann, id, body: {}, idempotencyKey: 'undo-1' });
    const [first, second] = [await ask(), await ask()];
    expect(second).toMatchObject({ replayed: true, job: { id: first.job.id } });
  });

  test('what streams were is read page by page, however long they are', async () => {
    await house.stock(['long']);
    const rows = Array.from({ length: 1_203 }, (_, n) => `long,p${n}`);
    const first = await house.ended(
      (await house.upload({ command: 'move-crate' }, ['crateId,to', ...rows].join('\n'))).id,
    );
    expect(first.succeeded).toBe(1_203);
    const last = await moved(['long'], 'end');
    await undone(last.id);
    expect((await places('long')).at(-1)).toBe('p1202');
  });
});
