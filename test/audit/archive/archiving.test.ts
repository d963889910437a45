/** Old partitions of the log as files that prove themselves. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { archiveName, partitionsUpTo } from '../../../src/audit/archive/archiving.ts';
import { openStorage } from '../../../src/storage/open.ts';
import type { Storage } from '../../../src/storage/storage.ts';
import { type TestDatabase, testDatabase } from '../../setup/database.ts';
import { openSealed, type Sealed, tamper } from '../transparency/testbed.ts';
import { smallPartitions } from './partitions.ts';

let db: TestDatabase;
let log: Sealed;
let place: string;
let storage: Storage;

beforeEach(async () => {
  db = await testDatabase();
  await smallPartitions(db, 30);
  log = await openSealed(db);
  for (let n = 0; n < 75; n++)
    await log.write(`counter-${n % 5}`, 'Counted', { by: n }, { reason: 'because' });
  await log.sealed();
  place = await mkdtemp(join(tmpdir(), 'quarterdeck-archive-'));
  storage = await openStorage(place);
});
afterEach(async () => {
  storage.close();
  await log.close();
  await db.drop();
  await rm(place, { recursive: true, force: true });
});

const now = (): string => new Date().toISOString().replace('Z', '000Z');
const archive = (before = now()) => log.transparency.archiving(storage).archive(before, () => undefined);
const files = async () => (await readdir(join(place, 'log'))).sort();

test('partitions end where those of the table do', () => {
  expect(partitionsUpTo(28, 30)).toEqual([]);
  expect(partitionsUpTo(29, 30)).toEqual([{ after: 0, upTo: 29 }]);
  expect(partitionsUpTo(90, 30)).toEqual([
    { after: 0, upTo: 29 },
    { after: 29, upTo: 59 },
    { after: 59, upTo: 89 },
  ]);
});

test('every full partition becomes a file that the verifier calls intact, and is recorded', async () => {
  const done = await archive();
  expect(done.map(({ after, upTo }) => [after, upTo])).toEqual([
    [0, 29],
    [29, 59],
  ]);
  expect(await files()).toEqual(done.map(({ file }) => file.slice('log/'.length)));
  for (const { file, bytes } of done) {
    const packed = await readFile(join(place, file));
    expect(packed.length).toBe(bytes);
    expect(await log.verdict(gunzipSync(packed).toString('utf8'))).toMatchObject({ intact: true });
  }
  const recorded = (await log.whole()).filter(({ type }) => type === 'LogArchived');
  expect(recorded.map(({ data }) => data)).toEqual(done);
});

test('begun again it goes on with what is not there yet', async () => {
  await archive();
  expect(await archive()).toEqual([]);
  for (let n = 0; n < 30; n++) await log.write('counter-1', 'Counted', { by: n });
  await log.sealed();
  expect((await archive()).map(({ after }) => after)).toEqual([59]);
});

test('a file that was written and not proven does not count, nor one that is gone', async () => {
  const [, second] = await archive();
  await rm(join(place, second?.file ?? ''));
  expect((await archive()).map(({ file }) => file)).toEqual([second?.file]);
  const third = archiveName({ after: 59, upTo: 89 });
  await writeFile(join(place, third), 'what a process left that was cut off');
  for (let n = 0; n < 30; n++) await log.write('counter-1', 'Counted', { by: n });
  await log.sealed();
  expect((await archive()).map(({ file }) => file)).toEqual([third]);
  const text = gunzipSync(await readFile(join(place, third))).toString('utf8');
  expect(await log.verdict(text)).toMatchObject({ intact: true });
});

test('what is younger stays where it is', async () => {
  expect(await archive('2026-01-01T00:00:00.000000Z')).toEqual([]);
  await expect(archive('2999-01-01T00:00:00.000000Z')).rejects.toMatchObject({
    errors: [{ path: 'before' }],
  });
});

test('a partition that was tampered with is not archived, and nothing is left there', async () => {
  await tamper(
    db,
    `UPDATE events SET data = replace(data::text, '"by":', '"by":9')::json WHERE position = 40`,
  );
  await expect(archive()).rejects.toMatchObject({ message: expect.stringMatching(/altered at 40/) });
  expect(await files()).toEqual([archiveName({ after: 0, upTo: 29 }).slice('log/'.length)]);
});

test('a file that was altered where it lies is found by its reader', async () => {
  const [first] = await archive();
  const file = join(place, first?.file ?? '');
  const text = gunzipSync(await readFile(file)).toString('utf8');
  await writeFile(file, gzipSync(text.replace('"by":5', '"by":6')));
  const altered = gunzipSync(await readFile(file)).toString('utf8');
  expect(await log.verdict(altered)).toMatchObject({ intact: false, faults: [{ kind: 'altered' }] });
});
