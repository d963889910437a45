/** The proof of a bulk job: what a sound log says of it, and each way in which a log may be unsound. */
import pg from 'pg';
import { createProof, type JobEvent, type JobProof } from '../../src/workers/proof/proof.ts';
import { type TestDatabase, testDatabase } from '../setup/database.ts';
import { type House, ids, openHouse, proveFromLog } from './house.ts';

const streams = { control: '$bulk-j', items: '$bulk-items-j' };

type Given = Omit<JobEvent, 'position' | 'version'>;

const accepted = (more: object = {}): Given => ({
  stream: streams.control,
  type: 'BulkJobAccepted',
  data: { jobId: 'j', command: 'move-crate', source: 'targets', total: 3, dryRun: false, ...more },
});
const control = (type: string, data: object = {}): Given => ({
  stream: streams.control,
  type,
  data: { jobId: 'j', ...data },
});
const moved = (crate: string): Given => ({ stream: `crate-${crate}`, type: 'CrateMoved', data: null });
const item = (index: number, target: string, ...positions: number[]) => ({
  index,
  target,
  outcome: positions.length === 0 ? 'unchanged' : 'succeeded',
  positions,
});
const round = (chunk: number, nth: number, ...items: object[]): Given => ({
  stream: streams.items,
  type: 'BulkItemsDecided',
  data: { jobId: 'j', chunk, round: nth, prefix: 'crate', items },
});
const finished = (counts: object, state = 'completed'): Given => ({
  stream: streams.items,
  type: 'BulkJobFinished',
  data: {
    jobId: 'j',
    state,
    counts: { succeeded: 0, unchanged: 0, rejected: 0, failed: 0, skipped: 0, cancelled: 0, ...counts },
  },
});

/** `version`: other than the next one of its stream. */
type GivenAt = Given & { readonly version?: number };

const prove = (...given: readonly GivenAt[]): JobProof => {
  const proof = createProof({ jobId: 'j', ...streams });
  const versions = new Map<string, number>();
  given.forEach((event, n) => {
    const { version = (versions.get(event.stream) ?? 0) + 1 } = event;
    versions.set(event.stream, version);
    proof.take({ ...event, version, position: n + 1 });
  });
  return proof.end();
};

const messages = (...given: readonly GivenAt[]): readonly string[] =>
  prove(...given).faults.map(({ position, message }) => `${position}: ${message}`);

/** Positions: 2 moves a, 3 moves b, 4 is their round, 5 decides c. */
const sound = [
  accepted(),
  moved('a'),
  moved('b'),
  round(0, 1, item(0, 'a', 2), item(1, 'b', 3)),
  round(0, 2, item(2, 'c')),
  finished({ succeeded: 2, unchanged: 1 }),
] as const;

describe('The proof of a bulk job', () => {
  test('finds nothing wrong with a sound log, and tells what it came to', () => {
    expect(prove(...sound)).toMatchObject({
      command: 'move-crate',
      state: 'completed',
      total: 3,
      rounds: 2,
      events: 2,
      counts: { succeeded: 2, unchanged: 1 },
      faults: [],
    });
  });

  test('an open job is proven as far as it went', () => {
    expect(prove(...sound.slice(0, 4))).toMatchObject({ state: 'running', faults: [] });
  });

  test('an item that was decided twice', () => {
    const again = round(0, 2, item(0, 'a'), item(2, 'c'));
    const end = finished({ succeeded: 2, unchanged: 2 });
    expect(messages(...sound.slice(0, 4), again, end)).toEqual(['5: Item 0 was decided twice.']);
  });

  test('an item that took effect twice', () => {
    expect(messages(...sound.slice(0, 4), moved('a'), round(0, 2, item(2, 'c')), sound[5])).toEqual([
      '5: An event of the job on crate-a that no item of its round names.',
    ]);
  });

  test('an item that was never decided', () => {
    const end = finished({ succeeded: 2 });
    expect(messages(...sound.slice(0, 4), end)).toEqual(['5: It ended with 1 items undecided.']);
  });

  test('an item that says it changed something and did not', () => {
    expect(messages(accepted(), moved('a'), round(0, 1, item(0, 'a', 2), item(1, 'b', 9)))).toEqual([
      "3: Item 1 names the event 9, which is not one of this round's.",
    ]);
  });

  test("an item that names another target's event", () => {
    expect(messages(accepted(), moved('b'), round(0, 1, item(0, 'a', 2)))).toEqual([
      '3: Item 0 names the event 2, which is on crate-b.',
    ]);
  });

  test('an item succeeded without an event, or failed with one', () => {
    const failed = { ...item(0, 'a', 2), outcome: 'failed' };
    const nothing = { ...item(1, 'b'), outcome: 'succeeded' };
    expect(messages(accepted(), moved('a'), round(0, 1, failed, nothing))).toEqual([
      '3: Item 0 is failed and names 1 events.',
      '3: Item 1 is succeeded and names 0 events.',
    ]);
  });

  test('an item that the job does not have', () => {
    expect(messages(accepted(), round(0, 1, item(3, 'd')))).toEqual(['2: There is no item 3.']);
  });

  test('a round that is missing', () => {
    expect(messages(accepted(), round(0, 2, item(0, 'a')))).toEqual([
      '2: Chunk 0 goes on with round 2, not 1.',
    ]);
  });

  test('work that was committed while the job was paused, and after it was cancelled or ended', () => {
    const late = round(0, 1, item(0, 'a'));
    expect(messages(accepted(), control('BulkJobPaused'), late)).toEqual([
      '3: A round was committed while the job was paused.',
    ]);
    expect(messages(accepted(), control('BulkJobCancelled', { cancelled: 3 }), late)).toEqual([
      '3: A round was committed while the job was cancelled.',
    ]);
    expect(messages(...sound, moved('a'))).toEqual([
      '7: An event of the job on crate-a that no item of its round names.',
    ]);
  });

  test('a pause and a going on are no fault', () => {
    const [first, ...rest] = sound;
    const between = [control('BulkJobPaused'), control('BulkJobResumed')];
    const shifted = [moved('a'), moved('b'), round(0, 1, item(0, 'a', 4), item(1, 'b', 5)), ...rest.slice(3)];
    expect(messages(first, ...between, ...shifted)).toEqual([]);
  });

  test('an end that counts something else than its rounds', () => {
    expect(messages(...sound.slice(0, 5), finished({ succeeded: 3 }))).toEqual([
      '6: Its end counts 3 succeeded, its rounds 2.',
      '6: Its end counts 0 unchanged, its rounds 1.',
    ]);
  });

  test('a cancel that counts something else than was left', () => {
    expect(messages(accepted(), control('BulkJobCancelled', { cancelled: 2 }))).toEqual([
      '2: 2 items are said to be cancelled; 3 were undecided.',
    ]);
  });

  test('a dry run that appended something', () => {
    expect(messages(accepted({ dryRun: true }), moved('a'), finished({ succeeded: 3 }))).toEqual([
      '2: A dry run appended to crate-a.',
    ]);
  });

  test('records that have lost their shape', () => {
    const shapeless = { ...round(0, 1), data: { jobId: 'j' } };
    expect(messages(accepted(), shapeless)).toEqual(['2: BulkItemsDecided does not have the shape of one.']);
  });

  test('a pause that was taken out of the log, and all positions behind it moved up', () => {
    const [first, a, b, one, two, end] = sound;
    const resumed = { ...control('BulkJobResumed'), version: 3 };
    expect(messages(first, a, b, one, two, resumed, end)).toEqual([
      '6: $bulk-j goes on with version 3, not 2.',
      '6: It was resumed when it was running.',
    ]);
    expect(messages(first, a, b, { ...one, version: 2 }, two, end)).toEqual([
      '4: $bulk-items-j goes on with version 2, not 1.',
    ]);
  });

  test('a record that names another job', () => {
    const [first, a, b, one, two, end] = sound;
    const other = { ...one, data: { ...(one.data as object), jobId: 'k' } };
    expect(messages(first, a, b, other, two, end)).toEqual(['4: BulkItemsDecided names another job.']);
  });

  test('more items than any job has: told, rather than counted', () => {
    expect(messages(accepted({ total: Number.MAX_SAFE_INTEGER }))).toEqual([
      '1: BulkJobAccepted does not have the shape of one.',
    ]);
  });

  test('tells of a hundred faults at most', () => {
    const many = Array.from({ length: 150 }, (_, n) => item(n + 3, 'a'));
    expect(prove(accepted(), round(0, 1, ...many)).faults).toHaveLength(100);
  });
});

describe('Verifying a bulk job on a real log', () => {
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

  test('finds what somebody with the rights of the database took out of it', async () => {
    const rows = ids('v', 700).map((id) => `${id},1`);
    const job = await house.upload({ command: 'pack-crate' }, ['crateId,weight', ...rows].join('\n'));
    const done = await house.ended(job.id);
    expect(done.succeeded).toBe(700);
    await proveFromLog(house, done);

    const [victim] = (await house.events('CratePacked')).slice(5);
    const position = victim?.position ?? 0;
    const superuser = new pg.Client(db.superuserUrl);
    await superuser.connect();
    await superuser.query("SET session_replication_role = 'replica'");
    await superuser.query('DELETE FROM events WHERE position = $1', [position]);
    await superuser.end();
    const { faults } = await house.bulk.verify(job.id);
    expect(faults.map(({ message }) => message)).toEqual([
      expect.stringMatching(/^1 of the positions \d+ to \d+ hold no event\.$/),
      expect.stringContaining(`names the event ${position}, which is not one of this round's`),
    ]);
  });

  test('says so where the log holds no such job', async () => {
    await expect(house.bulk.verify('nobody')).rejects.toMatchObject({ code: 'not_found' });
  });
});
