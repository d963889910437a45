/** The engine with its read models, bulk work and erasure, over a log whose older half is in the archive alone. */
import { readFile } from 'node:fs/promises';
import { type Principal, permissions, systemPrincipal } from '../../../src/access/principal.ts';
import { openStorage } from '../../../src/storage/open.ts';
import {
  carla,
  directory,
  openProcess,
  type Process,
  plaintexts,
  scrubbed,
  until,
} from '../../compliance/testbed.ts';
import { type TestDatabase, testDatabase } from '../../setup/database.ts';
import { smallPartitions } from './partitions.ts';

const size = 25;
const ids = Array.from({ length: 30 }, (_, n) => `acc-${n}`);

let db: TestDatabase;
let archive: Awaited<ReturnType<typeof directory>>;
let mirror: Awaited<ReturnType<typeof directory>>;
const opened: Process[] = [];

const open = async (): Promise<Process> => {
  const one = await openProcess(db, { logMirror: mirror.path, logArchive: archive.path });
  opened.push(one);
  return one;
};

beforeEach(async () => {
  db = await testDatabase();
  await smallPartitions(db, size);
  [archive, mirror] = await Promise.all([directory(), directory()]);
});
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
  await db.drop();
  await archive.remove();
  await mirror.remove();
});

const account = (accountId: string) => ({
  ...{ accountId, plan: 'DSL', contract: 'one-year', tenureMonths: 3 },
  ...{ monthlyCharges: '29.85', totalCharges: '89.55', name: `Owner of ${accountId}` },
});

const projected = async ({ engine }: Process): Promise<void> => {
  const { position } = await engine.log.head();
  await until(async () =>
    (await engine.readSide.health()).projections.every((one) => one.position >= position),
  );
};

const bulkJob = async ({ engine }: Process, command: string): Promise<string> => {
  const body = { command, input: { reason: 'Unpaid.' }, targets: ids };
  const { job } = await engine.bulk.accept.fromBody({ principal: systemPrincipal, body });
  await until(
    async () => (await engine.bulk.jobs.get({ principal: carla(), id: job.id })).finishedAt !== null,
  );
  return job.id;
};

/** Everything that is there now, and nothing of what comes later. */
const moveAll = async ({ engine }: Process): Promise<number> => {
  const storage = await openStorage(archive.path);
  const before = new Date().toISOString().replace('Z', '000Z');
  await until(async () => {
    const { head, sealed } = await engine.transparency.health();
    return sealed >= head;
  });
  const archiving = engine.transparency.archiving(storage);
  await archiving.archive(before, () => undefined);
  const archived = await archiving.archivedBefore(before);
  const moving = engine.transparency.moving(storage, db.owner);
  await moving.detach(archived, () => undefined);
  await moving.drop(archived);
  storage.close();
  return archived.at(-1)?.upTo ?? 0;
};

const tableOf = async ({ pool }: Process, name: string): Promise<unknown> => {
  const { rows } = await pool.query(
    `SELECT table_name AS table FROM projections WHERE name = $1 AND state = 'live'`,
    [name],
  );
  const { table } = rows[0] as { table: string };
  return (await pool.query(`SELECT to_jsonb(t) AS row FROM read_models.${table} t ORDER BY 1`)).rows;
};

test('what the three readers ask is answered from the archive as it was from the database', async () => {
  const one = await open();
  await one.engine.access.applyPolicy(await readFile('access-policy.yaml', 'utf8'), 'access-policy.yaml');
  await one.engine.start({ project: true, work: true });
  for (const id of ids) await one.run('open-account', account(id));
  await one.run('open-account', { ...account('zoe'), name: plaintexts[0] as string });
  const suspended = await bulkJob(one, 'suspend-account');
  await one.run('change-plan', { accountId: 'acc-3', plan: 'Fiber' });
  await projected(one);

  const mid = String(40);
  const told = async (reader: Process) => ({
    asOf: await Promise.all(ids.slice(0, 5).map((id) => reader.row('accounts', id, { asOf: mid }))),
    replay: await reader.engine.audit.replay({ principal: carla(), stream: 'account-acc-3' }),
    proof: { ...(await reader.engine.bulk.verify(suspended)), to: 0 },
    policy: (await reader.engine.access.policyHistory.read({ principal: carla() })) as unknown,
  });
  const before = await told(one);
  expect(before.proof).toMatchObject({ faults: [], events: 30 });
  const rows = await tableOf(one, 'accounts');

  const upTo = await moveAll(one);
  expect(upTo).toBeGreaterThanOrEqual(size * 2 - 1);
  expect(await told(one)).toEqual(before);

  // A process that begins now has nothing of it in memory.
  const other = await open();
  expect(await told(other)).toEqual(before);

  // A rebuild from the archive makes the very rows.
  await one.engine.readSide.rebuild('accounts');
  const { rows: versions } = await one.pool.query(
    "SELECT table_name FROM projections WHERE name = 'accounts' AND state = 'live'",
  );
  await until(async () => {
    const { rows: now } = await one.pool.query(
      "SELECT table_name FROM projections WHERE name = 'accounts' AND state = 'live'",
    );
    return JSON.stringify(now) !== JSON.stringify(versions);
  });
  await projected(one);
  expect(await tableOf(one, 'accounts')).toEqual(rows);
  expect(one.errors).toEqual([]);
});

test('work goes on: commands, taking a bulk job back, and erasure', async () => {
  const one = await open();
  await one.engine.start({ project: true, work: true });
  for (const id of ids) await one.run('open-account', account(id));
  await one.run('open-account', { ...account('zoe'), name: plaintexts[0] as string });
  const suspended = await bulkJob(one, 'suspend-account');
  await moveAll(one);

  await expect(one.run('open-account', account('acc-1'))).rejects.toMatchObject({ code: 'rejected' });
  expect(await one.run('suspend-account', { accountId: 'acc-1', reason: 'Again.' })).toMatchObject({
    events: [],
  });
  const { job } = await one.engine.bulk.jobs.undo({ principal: systemPrincipal, id: suspended, body: {} });
  await until(
    async () => (await one.engine.bulk.jobs.get({ principal: carla(), id: job.id })).finishedAt !== null,
  );
  expect(await one.engine.bulk.jobs.get({ principal: carla(), id: job.id })).toMatchObject({ succeeded: 30 });
  expect(await one.engine.bulk.verify(job.id)).toMatchObject({ faults: [] });

  await one.erase('account-zoe');
  await scrubbed(one, 'account-zoe');
  const replay = await one.engine.audit.replay({ principal: carla(), stream: 'account-zoe' });
  expect(replay.states[0]?.after).toMatchObject({ name: '[erased]' });
  await expect(one.engine.transparency.checkAll(new AbortController().signal)).resolves.toMatchObject({
    after: 0,
  });
  expect((await archive.texts()).join('')).not.toContain(plaintexts[0]);
});

test('a process starts and commands are carried out while the archive cannot be read', async () => {
  const one = await open();
  await one.engine.start({ project: true, work: true });
  for (const id of ids) await one.run('open-account', account(id));
  for (let n = 0; n < 20; n++)
    await one.run('add-note', { noteId: `n${n}`, accountId: 'acc-1', text: 'Called.' });
  await moveAll(one);
  await archive.remove();

  const other = await open();
  await other.run('suspend-account', { accountId: 'acc-1', reason: 'Unpaid.' });
  const limited: Principal = { ...carla(), permissions: permissions(['audit:*', 'accounts:*', 'notes:*']) };
  await expect(
    other.engine.audit.replay({ principal: limited, stream: 'account-acc-1' }),
  ).rejects.toMatchObject({ code: 'unavailable', message: expect.stringContaining('no such file') });
});
