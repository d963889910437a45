/**
 * Somebody who owns the machine tampers with the database, and it is found: by the log's own check, and by
 * the offline verifier in an export that the tampered database hands out.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openCheckpoint } from '../../../src/audit/transparency/checkpoint.ts';
import { verifierOf } from '../../../src/audit/transparency/note.ts';
import { type TestDatabase, testDatabase } from '../../setup/database.ts';
import { until } from '../../setup/until.ts';
import { openSealed, origin, type Sealed, tamper } from './testbed.ts';

let db: TestDatabase;
let log: Sealed;

beforeEach(async () => {
  db = await testDatabase();
  log = await openSealed(db);
  // The key is introduced by then: the event that is altered below is one of these.
  await log.sealed();
  for (let n = 1; n <= 40; n++)
    await log.write(
      `counter-${n % 4}`,
      'Counted',
      { by: n },
      { reason: 'because', email: 'ann@example.com' },
    );
  await log.sealed();
});
afterEach(async () => {
  await log.close();
  await db.drop();
});

const signal = () => new AbortController().signal;
const at = 20;

const altered: [what: string, ...sql: string[]][] = [
  [
    'a byte of the data',
    `UPDATE events SET data = replace(data::text, '"by":', '"by":1')::json WHERE position = ${at}`,
  ],
  [
    'a byte of the metadata',
    `UPDATE events SET metadata = replace(metadata::text, '"decidedAt":"2026', '"decidedAt":"2025')::json WHERE position = ${at}`,
  ],
  [
    'a byte of a sealed reason',
    `UPDATE events SET metadata = regexp_replace(metadata::text, '"sealed":"(.)(.)', '"sealed":"\\2\\1')::json WHERE position = ${at}`,
  ],
  [
    'who acted',
    `UPDATE events SET metadata = replace(metadata::text, 'person:test', 'person:mallory')::json WHERE position = ${at}`,
  ],
  [
    'the time',
    `UPDATE events SET recorded_at = recorded_at + interval '1 microsecond' WHERE position = ${at}`,
  ],
  [
    'the time, to long ago',
    `UPDATE events SET recorded_at = recorded_at - interval '1 year' WHERE position = ${at}`,
  ],
  ['the type', `UPDATE events SET type = 'Named' WHERE position = ${at}`],
  ['the stream', `UPDATE events SET stream = 'counter-77', version = 1 WHERE position = ${at}`],
  ['the version', `UPDATE events SET version = version + 100 WHERE position = ${at}`],
  ['the id', `UPDATE events SET id = gen_random_uuid() WHERE position = ${at}`],
  ['the schema version', `UPDATE events SET schema_version = 2 WHERE position = ${at}`],
];

test.each(altered)('%s altered: found where it is', async (_, ...statements) => {
  await tamper(db, ...statements);
  await expect(log.transparency.checkAll(signal())).rejects.toMatchObject({ kind: 'altered', position: at });
  expect(await log.verdict(await log.exported())).toMatchObject({
    intact: false,
    unverifiable: undefined,
    faults: expect.arrayContaining([expect.objectContaining({ kind: 'altered', position: at })]),
  });
  const { events } = await log.log.readStored({ after: 0, limit: 1_000, types: ['LogFaultFound'] });
  expect(events[0]?.data).toEqual({ kind: 'altered', position: at });
});

test('an event taken out is missing', async () => {
  const { position: head } = await log.log.head();
  await tamper(db, `DELETE FROM events WHERE position = ${at}`);
  await expect(log.transparency.checkAll(signal())).rejects.toMatchObject({ kind: 'missing', position: at });
  const verdict = await log.verdict(await log.exported({ to: head }));
  expect(verdict).toMatchObject({
    intact: false,
    faults: expect.arrayContaining([expect.objectContaining({ kind: 'missing', position: at })]),
  });
});

test('two events that changed places are both found', async () => {
  await tamper(
    db,
    `WITH pair AS (SELECT * FROM events WHERE position IN (${at}, ${at + 1}))
     UPDATE events e SET id = p.id, stream = p.stream, version = p.version, data = p.data, metadata = p.metadata
     FROM pair p WHERE e.position IN (${at}, ${at + 1}) AND p.position = ${2 * at + 1} - e.position`,
  );
  const { faults } = await log.verdict(await log.exported());
  expect(faults.filter(({ kind }) => kind === 'altered').map(({ position }) => position)).toEqual(
    expect.arrayContaining([at, at + 1]),
  );
});

test('an event put in, with all behind it moved, is found where it stands', async () => {
  await tamper(
    db,
    `CREATE TABLE moved AS SELECT * FROM events WHERE position >= ${at}`,
    `DELETE FROM events WHERE position >= ${at}`,
    `INSERT INTO events SELECT position + 1, id, stream, version, type, schema_version, data, metadata, recorded_at FROM moved`,
    `INSERT INTO events SELECT position, gen_random_uuid(), 'counter-new', 1, type, schema_version, data, metadata, recorded_at - interval '1 microsecond' FROM moved WHERE position = ${at}`,
    'DROP TABLE moved',
  );
  await expect(log.transparency.checkAll(signal())).rejects.toMatchObject({ kind: 'altered', position: at });
  expect((await log.verdict(await log.exported({ to: 41 }))).faults[0]).toMatchObject({
    kind: 'altered',
    position: at,
  });
});

test('a tail that was cut off is missed by the log itself, by what was mirrored, and by a kept checkpoint', async () => {
  const kept = await log.transparency.proofs.checkpoint(origin);
  await log.transparency.stop();
  await tamper(db, 'DELETE FROM events WHERE position > 30');
  await expect(log.transparency.checkAll(signal())).rejects.toMatchObject({ position: 31 });
  // The tiles and checkpoints too, so that nothing in the database tells of it.
  await tamper(
    db,
    'DELETE FROM events WHERE position > 30',
    'TRUNCATE log_tiles',
    'TRUNCATE log_checkpoints',
  );
  await log.again();
  await until(() => log.errors.length > 0);
  expect((await log.transparency.health()).fault).toMatch(/its end is missing/);
  // It was a backup, somebody says: that is on record, with what had been signed, and the log goes on.
  const { size } = openCheckpoint(kept, (await log.vkeys()).map(verifierOf));
  const { keptAs, ...accepted } = await log.transparency.acceptRestore('The disk was lost.');
  expect(accepted.signed).toBeGreaterThanOrEqual(size);
  expect(await readFile(join(log.mirrorDir, keptAs), 'utf8')).toContain(`\n${accepted.signed}\n`);
  await log.again();
  await until(async () => (await log.transparency.health()).sealed > accepted.head);
  const { events } = await log.log.read({ after: 0, limit: 1_000, types: ['LogSetBack'] });
  expect(events).toMatchObject([
    { data: { ...accepted, keptAs }, metadata: { reason: 'The disk was lost.' } },
  ]);
  await expect(log.transparency.acceptRestore('Again.')).rejects.toMatchObject({ code: 'rejected' });
  const verdict = await log.verdict(await log.exported(), { earlier: kept });
  expect(verdict).toMatchObject({
    intact: false,
    faults: expect.arrayContaining([expect.objectContaining({ kind: 'missing' })]),
  });
});

test('a history that was written anew, and sealed anew with the log’s own key, is not that of a kept checkpoint', async () => {
  const kept = await log.transparency.proofs.checkpoint(origin);
  await log.transparency.stop();
  await tamper(
    db,
    `UPDATE events SET data = replace(data::text, '"by":', '"by":1')::json WHERE position = ${at}`,
    'TRUNCATE log_tiles',
    'TRUNCATE log_checkpoints',
  );
  await log.again();
  await until(() => log.errors.length > 0);
  expect((await log.transparency.health()).fault).toMatch(/not the one whose first \d+ events were signed/);
  const { rm } = await import('node:fs/promises');
  await rm(`${log.mirrorDir}/checkpoint`);
  await log.again();
  await log.sealed();
  const text = await log.exported();
  expect(await log.verdict(text)).toMatchObject({ intact: true });
  expect(await log.verdict(text, { earlier: kept })).toMatchObject({
    intact: false,
    faults: [{ kind: 'altered' }],
  });
});

test('tiles altered with the events are found by the signed root', async () => {
  const [event] = (await log.log.readStored({ after: at - 1, limit: 1 })).events;
  const { entryOf } = await import('../../../src/audit/transparency/entry.ts');
  const { leafHash } = await import('../../../src/audit/transparency/merkle.ts');
  const forged = { ...event, data: { ...event?.data, by: 1_000 } };
  const leaf = leafHash(entryOf(forged as never)).toString('hex');
  await log.transparency.stop();
  await tamper(
    db,
    `UPDATE events SET data = '${JSON.stringify(forged.data)}' WHERE position = ${at}`,
    `UPDATE log_tiles SET hashes = overlay(hashes PLACING decode('${leaf}', 'hex') FROM ${(at - 1) * 32 + 1}) WHERE level = 0 AND index = 0`,
  );
  await expect(log.transparency.checkAll(signal())).rejects.toMatchObject({ kind: 'forked' });
  await tamper(db, 'DELETE FROM log_keys');
  await expect(log.transparency.checkAll(signal())).rejects.toMatchObject({ kind: 'forked' });
});

test('a fault in what is long past stops the sealing until it is mended, whatever is well behind it', async () => {
  await log.again(undefined, { checkedAtStart: 5, checkEveryMs: 0, faultRetryMs: 20 });
  const before = await log.log.readStored({ after: 2, limit: 1 });
  await tamper(db, `UPDATE events SET data = '{"by":99,"counter":"counter-3"}' WHERE position = 3`);
  await log.write('counter-1', 'Counted', { by: 1 });
  await until(async () => (await log.transparency.health()).fault !== undefined);
  const { sealed } = await log.transparency.health();
  for (let n = 0; n < 10; n++) await log.write('counter-1', 'Counted', { by: n });
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  expect(await log.transparency.health()).toMatchObject({
    sealed,
    fault: expect.stringMatching(/position 3/),
  });
  await tamper(db, `UPDATE events SET data = '${JSON.stringify(before.events[0]?.data)}' WHERE position = 3`);
  await until(async () => (await log.transparency.health()).sealed > sealed);
  expect((await log.transparency.health()).fault).toBeUndefined();
});
