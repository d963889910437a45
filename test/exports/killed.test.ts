/** Whatever happens to the process that writes an export, it comes to one end and one file. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { type TestDatabase, testDatabase } from '../setup/database.ts';
import { type Desk, fillAccounts, openDesk, origin } from './desk.ts';

const script = path.join(import.meta.dirname, 'worker-process.ts');
const rows = 300_000;

let db: TestDatabase;
let location: string;
let desk: Desk;
const children: ChildProcess[] = [];

beforeAll(async () => {
  db = await testDatabase();
  location = await mkdtemp(path.join(tmpdir(), 'quarterdeck-exports-'));
  // This process accepts, looks and projects; it writes no export.
  desk = await openDesk({ url: db.applicationUrl, location, duties: { project: true, work: false } });
  await fillAccounts(desk.pool, rows);
});
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await desk.stop();
  await db.drop();
  await rm(location, { recursive: true, force: true });
});

const startWorker = async (): Promise<ChildProcess> => {
  const settings = JSON.stringify({ url: db.applicationUrl, location });
  const child = spawn(process.execPath, ['--import', 'tsx', script, settings], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  children.push(child);
  if (child.stdout !== null) await once(createInterface(child.stdout), 'line');
  return child;
};

const kill = async (child: ChildProcess, signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> => {
  child.kill(signal);
  await once(child, 'exit');
};

const filesOf = async (id: string) => (await readdir(location)).filter((name) => name.startsWith(id));

const halfWay = (id: string) =>
  desk.until(id, ({ state, rows: written }) => state === 'running' && written > 0 && written < rows);

test('a killed worker’s export is taken over and completes once', async () => {
  const { id } = await desk.start({ fields: ['accountId', 'name'] });
  const first = await startWorker();
  await halfWay(id);
  await kill(first);
  expect(await filesOf(id)).toEqual([]);
  const second = await startWorker();
  const made = await desk.ended(id);
  expect(made).toMatchObject({ state: 'completed', rows, total: rows });
  expect(await filesOf(id)).toHaveLength(1);
  const lines = (await desk.textOf(id)).trimEnd().split('\n');
  expect(lines).toHaveLength(rows);
  expect(JSON.parse(lines.at(-1) ?? '')).toEqual({ accountId: 'many-00300000', name: 'Name 300000' });
  const { events } = await desk.engine.log.read({ after: 0, limit: 1_000, types: ['ExportCompleted'] });
  expect(events.filter(({ data }) => data.exportId === id)).toHaveLength(1);
  await kill(second);
});

test('a cancelled export stops, and nothing of it is left', async () => {
  const worker = await startWorker();
  const { id } = await desk.start({ format: 'csv' });
  await halfWay(id);
  const cancelled = await desk.engine.exports.cancel({ ...origin, id });
  expect(cancelled.state).toBe('cancelled');
  // The next one is written by the same worker: it has let go of the first.
  const next = await desk.start({ where: { accountId: 'many-00000001' } });
  expect(await desk.ended(next.id)).toMatchObject({ state: 'completed', rows: 1 });
  await desk.until(id, () => true);
  await kill(worker);
  expect(await filesOf(id)).toEqual([]);
  await expect(desk.engine.exports.file({ ...origin, id })).rejects.toMatchObject({
    code: 'rejected',
    rejection: 'export_not_ready',
  });
});
