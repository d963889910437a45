/** How a job runs: when it starts, how fast, when it stops itself, and what steering it means at once. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { BulkJob } from '../../src/workers/index.ts';
import { type TestDatabase, testDatabase } from '../setup/database.ts';
import { ann, everything, type House, ids, openHouse, person, proveFromLog } from './house.ts';

let db: TestDatabase;
let house: House;
/** While it is there, deciding waits for it. */
let held: { readonly reached: () => void; readonly until: Promise<void> } | undefined;

beforeAll(async () => {
  db = await testDatabase();
  house = await openHouse({
    db,
    deciding: (inner) => ({
      ...inner,
      decideAll: async (asks) => {
        held?.reached();
        await held?.until;
        return inner.decideAll(asks);
      },
    }),
  });
  await house.bulk.start();
});
afterAll(async () => {
  await house.close();
  await db.drop();
});

const packing = (prefix: string, count: number): string =>
  ['crateId,weight', ...ids(prefix, count).map((id) => `${id},1`)].join('\n');

const inMs = (ms: number): string => new Date(Date.now() + ms).toISOString();
const look = (id: string): Promise<BulkJob> => house.bulk.jobs.get({ principal: ann, id });
const decidedOf = ({ succeeded, unchanged, rejected, failed }: BulkJob): number =>
  succeeded + unchanged + rejected + failed;

/** Holds up every round from now on; resolves, when one has been reached, to what lets them go. */
const holdRounds = async (start: () => Promise<unknown>): Promise<() => void> => {
  let letGo: () => void = () => undefined;
  const until = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const reached = new Promise<void>((resolve) => {
    held = { reached: resolve, until };
  });
  await start();
  await reached;
  return () => {
    held = undefined;
    letGo();
  };
};

const afterwards = async (job: BulkJob, position: number) =>
  (await house.events('BulkItemsDecided')).filter(
    (event) => event.data.jobId === job.id && event.position > position,
  );

describe('Pause, resume and cancel', () => {
  test('take effect within one chunk: what was being decided is not committed', async () => {
    let id = '';
    const letGo = await holdRounds(async () => {
      ({ id } = await house.upload({ command: 'pack-crate' }, packing('within', 1_400)));
    });
    const paused = await house.bulk.jobs.pause({ principal: ann, id });
    letGo();
    await sleep(300);
    expect(await look(id)).toMatchObject({ state: 'paused', succeeded: paused.succeeded });
    const { position } = await house.log.head();

    const again = await holdRounds(() => house.bulk.jobs.resume({ principal: ann, id }));
    const cancelled = await house.bulk.jobs.cancel({ principal: ann, id });
    again();
    await sleep(300);
    expect(cancelled).toMatchObject({ state: 'cancelled', succeeded: paused.succeeded });
    expect(cancelled.cancelled).toBe(1_400 - cancelled.succeeded);
    expect(await afterwards(cancelled, position)).toEqual([]);
    await proveFromLog(house, await look(id));
  });

  test('resuming goes on with the items that are left, each once', async () => {
    let id = '';
    const letGo = await holdRounds(async () => {
      ({ id } = await house.upload({ command: 'pack-crate' }, packing('resumed', 1_400)));
    });
    await house.bulk.jobs.pause({ principal: ann, id });
    letGo();
    expect((await house.bulk.jobs.resume({ principal: ann, id })).state).toBe('running');
    const done = await house.ended(id);
    expect(done).toMatchObject({ state: 'completed', succeeded: 1_400 });
    await proveFromLog(house, done);
  });
});

describe('A job with a start to come', () => {
  test('a planned start waits in a restored copy until it is taken over', async () => {
    const elsewhere = await testDatabase();
    await elsewhere.owner.query("INSERT INTO environment (name) VALUES ('production')");
    const copy = await openHouse({ db: elsewhere, environment: 'staging' });
    await copy.bulk.start();
    const job = await copy.upload({ command: 'pack-crate', startAt: inMs(1_500) }, packing('copy', 3));
    const other = await copy.upload({ command: 'pack-crate' }, packing('now', 3));
    expect(await copy.ended(other.id)).toMatchObject({ state: 'completed' });
    await sleep(2_000);
    expect(await copy.bulk.jobs.get({ principal: ann, id: job.id })).toMatchObject({
      state: 'accepted',
      succeeded: 0,
    });
    await elsewhere.owner.query("UPDATE environment SET name = 'staging'");
    expect(await copy.ended(job.id)).toMatchObject({ state: 'completed', succeeded: 3 });
    await copy.close();
    await elsewhere.drop();
  });

  test('is accepted and says when; then it runs', async () => {
    const startAt = inMs(1_500);
    const job = await house.upload({ command: 'pack-crate', startAt }, packing('start', 3));
    expect(job).toMatchObject({ state: 'accepted', startAt: startAt.replace('Z', '000Z') });
    await sleep(700);
    expect(await look(job.id)).toMatchObject({ state: 'accepted', startedAt: null, succeeded: 0 });
    const done = await house.ended(job.id);
    expect(done).toMatchObject({ state: 'completed', succeeded: 3 });
    expect(String(done.startedAt) >= String(job.startAt)).toBe(true);
    const [accepted] = (await house.events('BulkJobAccepted')).filter(({ data }) => data.jobId === job.id);
    expect(accepted?.data.startAt).toBe(job.startAt);
  });

  test('survives a restart', async () => {
    const elsewhere = await testDatabase();
    const first = await openHouse({ db: elsewhere });
    await first.bulk.start();
    const job = await first.upload({ command: 'pack-crate', startAt: inMs(1_500) }, packing('restart', 3));
    await first.close();
    const second = await openHouse({ db: elsewhere });
    await second.bulk.start();
    expect(await second.ended(job.id)).toMatchObject({ state: 'completed', succeeded: 3 });
    await second.close();
    await elsewhere.drop();
  });

  test('can be cancelled; paused and resumed it still waits', async () => {
    const job = await house.upload({ command: 'pack-crate', startAt: inMs(3_600_000) }, packing('later', 3));
    await house.bulk.jobs.pause({ principal: ann, id: job.id });
    expect(await house.bulk.jobs.resume({ principal: ann, id: job.id })).toMatchObject({
      state: 'accepted',
      startedAt: null,
      startAt: job.startAt,
    });
    expect(await house.bulk.jobs.cancel({ principal: ann, id: job.id })).toMatchObject({
      state: 'cancelled',
      cancelled: 3,
    });
  });

  test('is done with the rights that its requester has then', async () => {
    const dee = person('dee');
    house.people.set(dee.id, dee);
    await house.stock(['rights']);
    const body = { command: 'move-crate', input: { to: 'roof' }, targets: ['rights'], startAt: inMs(800) };
    const { job } = await house.bulk.accept.fromBody({ principal: dee, body });
    house.people.set(dee.id, person('dee', ['bulk:*']));
    const paused = await house.until(job.id, ({ state }) => state === 'paused');
    expect(paused.pausedReason).toBe('requester_not_permitted');
    house.people.set(dee.id, person('dee', everything));
    await house.bulk.jobs.resume({ principal: ann, id: job.id });
    expect(await house.ended(job.id)).toMatchObject({ succeeded: 1 });
  });

  test.each([
    ['tomorrow', 'ISO 8601'],
    ['2027-03-31', 'ISO 8601'],
    ['2020-01-01T00:00:00Z', 'It is past'],
    [inMs(370 * 86_400_000), 'within a year'],
  ])('is not accepted for %s', async (startAt, message) => {
    const body = { command: 'move-crate', input: { to: 'x' }, targets: ['a'], startAt };
    await expect(house.start(body)).rejects.toMatchObject({
      code: 'invalid_input',
      errors: [{ path: 'startAt', message: expect.stringContaining(message) }],
    });
  });
});

describe('A job with a rate', () => {
  /** Items a second from the first round to the last, the first's not counted, as the log tells it. */
  const rateInLog = async (id: string): Promise<number> => {
    const rounds = (await house.events('BulkItemsDecided')).filter(({ data }) => data.jobId === id);
    const [first, last] = [rounds[0], rounds.at(-1)];
    const seconds = (Date.parse(last?.recordedAt ?? '') - Date.parse(first?.recordedAt ?? '')) / 1_000;
    const items = rounds.slice(1).reduce((sum, { data }) => sum + (data.items as unknown[]).length, 0);
    return items / seconds;
  };

  test('keeps it over all processes, and leaves the workers to others meanwhile', async () => {
    const second = house.openBulk();
    await second.start();
    const slow = await Promise.all(
      [1, 2, 3, 4, 5, 6, 7].map((n) =>
        house.upload({ command: 'pack-crate', maxRate: '150' }, packing(`slow${n}-`, 600)),
      ),
    );
    // More of them than there are workers, and most of the time none is at work.
    const quick = await house.upload({ command: 'pack-crate' }, packing('quick', 500));
    await house.ended(quick.id);
    for (const { id } of slow) expect((await look(id)).finishedAt).toBeNull();
    for (const { id } of slow) {
      const done = await house.ended(id);
      expect(done).toMatchObject({ state: 'completed', succeeded: 600, maxRate: 150 });
      const rate = await rateInLog(id);
      expect(rate).toBeLessThan(150 * 1.25);
      await proveFromLog(house, done);
    }
    await second.stop();
  });

  test('counts rows that are refused as well', async () => {
    const rows = ids('bad', 60).map((id) => `${id},heavy`);
    const job = await house.upload(
      { command: 'pack-crate', maxRate: '40' },
      ['crateId,weight', ...rows].join('\n'),
    );
    const done = await house.ended(job.id);
    expect(done.rejected).toBe(60);
    expect(Date.parse(String(done.finishedAt)) - Date.parse(String(done.startedAt))).toBeGreaterThan(700);
  });

  test.each(['0', '-1', 'fast', '1e99'])('of %s is not accepted', async (maxRate) => {
    await expect(house.upload({ command: 'pack-crate', maxRate }, packing('x', 1))).rejects.toMatchObject({
      code: 'invalid_input',
      errors: [{ path: 'maxRate' }],
    });
  });
});

describe('A job with a failure ratio', () => {
  const rows = (prefix: string, count: number, bad: (n: number) => boolean): string =>
    ['crateId,weight', ...ids(prefix, count).map((id, n) => `${id},${bad(n) ? 'heavy' : 1}`)].join('\n');

  test('runs its first hundred items alone, and pauses itself where too many went wrong', async () => {
    const job = await house.upload(
      { command: 'pack-crate', maxFailureRatio: '0.1' },
      rows('canary', 2_000, (n) => n % 5 === 0),
    );
    const paused = await house.until(job.id, ({ state }) => state === 'paused');
    expect(paused).toMatchObject({
      pausedReason: 'failure_ratio_exceeded',
      rejected: 20,
      succeeded: 80,
      maxFailureRatio: 0.1,
    });
    await sleep(300);
    expect(decidedOf(await look(job.id))).toBe(100);
    const events = (await house.events('BulkJobPaused')).filter(({ data }) => data.jobId === job.id);
    expect(events.map(({ data }) => data.reason)).toEqual(['failure_ratio_exceeded']);
    expect((await house.allResults(job.id)).map(({ index }) => index)).toEqual(ids('', 100).map(Number));
    await house.bulk.jobs.cancel({ principal: ann, id: job.id });
  });

  test('pauses itself later in the run too', async () => {
    const job = await house.upload(
      { command: 'pack-crate', maxFailureRatio: '0.25' },
      rows('laterbad', 20_000, (n) => n >= 1_000),
    );
    const paused = await house.until(job.id, ({ state }) => state === 'paused');
    expect(paused.pausedReason).toBe('failure_ratio_exceeded');
    // Behind the first hundred, which were well, whichever chunk came next.
    expect(paused.succeeded).toBeGreaterThanOrEqual(100);
    expect(paused.rejected).toBeGreaterThan(0);
    expect(decidedOf(paused)).toBeLessThan(20_000);
    await house.bulk.jobs.cancel({ principal: ann, id: job.id });
  });

  test('resumed by somebody who has seen it, it counts anew', async () => {
    const job = await house.upload(
      { command: 'pack-crate', maxFailureRatio: '0.1' },
      rows('anew', 2_000, (n) => n < 60),
    );
    await house.until(job.id, ({ state }) => state === 'paused');
    await house.bulk.jobs.resume({ principal: ann, id: job.id });
    const done = await house.ended(job.id);
    expect(done).toMatchObject({ state: 'completed', rejected: 60, succeeded: 1_940 });
    await proveFromLog(house, done);
  });

  test('completes where few enough went wrong, and pages of results are whole', async () => {
    const job = await house.upload(
      { command: 'pack-crate', maxFailureRatio: '0.1' },
      rows('fewbad', 1_300, (n) => n % 20 === 0),
    );
    expect(await house.ended(job.id)).toMatchObject({ state: 'completed', rejected: 65, succeeded: 1_235 });
    const seen: number[] = [];
    for (let cursor: string | null = '-'; cursor !== null; ) {
      const page = await house.bulk.jobs.results({
        principal: ann,
        id: job.id,
        limit: 150,
        ...(cursor === '-' ? {} : { cursor }),
      });
      seen.push(...page.data.map(({ index }) => index));
      cursor = page.nextCursor;
    }
    expect(seen).toEqual(ids('', 1_300).map(Number));
  });

  test.each(['1.5', '-0.1', 'half'])('of %s is not accepted', async (maxFailureRatio) => {
    await expect(
      house.upload({ command: 'pack-crate', maxFailureRatio }, packing('x', 1)),
    ).rejects.toMatchObject({ code: 'invalid_input', errors: [{ path: 'maxFailureRatio' }] });
  });
});

test('what people wrote for a job is for whoever may run its command, or see every field', async () => {
  const where = { at: 'dock' };
  await house.stock(['words1']);
  const { job } = await house.bulk.accept.fromBody({
    principal: ann,
    reason: 'Ann knows why',
    body: { command: 'move-crate', input: { to: 'hall' }, where, label: 'of Ann' },
  });
  const shown = async (...grants: string[]) => {
    const principal = person('watcher', ['bulk:read', ...grants]);
    const one = await house.bulk.jobs.get({ principal, id: job.id });
    const { data } = await house.bulk.jobs.list({ principal });
    expect(data.find(({ id }) => id === job.id)).toMatchObject({ label: one.label, where: one.where });
    return [one.label, one.where, one.reason, one.requestedBy.name];
  };
  const hidden = [null, { at: '[not shown]' }, undefined, undefined];
  const whole = ['of Ann', where, 'Ann knows why', 'ann'];
  expect(await shown()).toEqual(hidden);
  expect(await shown('crates:read')).toEqual(hidden);
  expect(await shown('crates:move')).toEqual(whole);
  expect(await shown('audit:all-fields')).toEqual(whole);
  expect((await house.bulk.jobs.get({ principal: ann, id: job.id })).reason).toBe('Ann knows why');
});
