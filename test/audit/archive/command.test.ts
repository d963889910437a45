/** `quarterdeck log archive`, `detach` and `attach` as an operator runs them: processes, words and exit codes. */
import { execFile } from 'node:child_process';
import { rename } from 'node:fs/promises';
import { promisify } from 'node:util';
import { builtProgram } from '../../chaos/built.ts';
import { directory, openProcess, type Process } from '../../compliance/testbed.ts';
import { type TestDatabase, testDatabase } from '../../setup/database.ts';
import { until } from '../../setup/until.ts';
import { smallPartitions } from './partitions.ts';

let db: TestDatabase;
let program: string;
let archive: Awaited<ReturnType<typeof directory>>;
let data: Awaited<ReturnType<typeof directory>>;

beforeAll(async () => {
  program = await builtProgram();
});
beforeEach(async () => {
  db = await testDatabase();
  await smallPartitions(db, 20);
  [archive, data] = await Promise.all([directory(), directory()]);
});
afterEach(async () => {
  await db.drop();
  await archive.remove();
  await data.remove();
});

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

const act = async (words: readonly string[], more: Record<string, string> = {}): Promise<Ended> => {
  const env = {
    PATH: process.env.PATH,
    DATABASE_URL: db.applicationUrl,
    QUARTERDECK_OWNER_DATABASE_URL: db.ownerUrl,
    QUARTERDECK_DATA_DIR: data.path,
    QUARTERDECK_MASTER_KEY: Buffer.alloc(32, 5).toString('base64'),
    QUARTERDECK_SIGNING_KEY: Buffer.alloc(32, 6).toString('base64'),
    QUARTERDECK_LOG_ARCHIVE: archive.path,
    ...more,
  };
  const { stdout, stderr, code } = await promisify(execFile)(process.execPath, [program, ...words], {
    env,
  }).then(
    ({ stdout: out, stderr: err }) => ({ stdout: out, stderr: err, code: 0 }),
    (error: { stdout: string; stderr: string; code: number }) => error,
  );
  return { code, out: stdout, err: stderr };
};

const filled = async (): Promise<void> => {
  const one: Process = await openProcess(db, { logMirror: `${data.path}/mirror` });
  await one.engine.start({ project: true, work: false });
  for (let n = 0; n < 30; n++)
    await one.run('open-account', {
      ...{ accountId: `acc-${n}`, plan: 'DSL', contract: 'one-year', tenureMonths: 3 },
      ...{ monthlyCharges: '29.85', totalCharges: '89.55' },
    });
  await until(async () => {
    const { head, sealed } = await one.engine.transparency.health();
    return sealed >= head;
  });
  await one.close();
};

const before = (): readonly string[] => ['--before', new Date().toISOString()];

test('into the archive, out of the database, and back; each of it on record', async () => {
  await filled();
  expect(await act(['log', 'detach', ...before()])).toMatchObject({
    code: 1,
    err: expect.stringMatching(/Positions 1 to 19 are not in the archive\. Archive them first\./),
  });
  expect(await act(['log', 'archive', ...before()])).toMatchObject({
    code: 0,
    out: expect.stringMatching(
      /-0*19\.ndjson\.gz: positions 1 to 19, \d+ bytes, SHA-256 \w{64}; proven where it lies/,
    ),
  });
  expect(await act(['log', 'detach', ...before()])).toMatchObject({
    code: 0,
    out: expect.stringMatching(
      /Positions 1 to 19 are read from .* from now on; \d+ streams, 0 without a snapshot/,
    ),
  });
  expect(await act(['log', 'check'])).toMatchObject({ code: 0, out: expect.stringMatching(/^intact/m) });
  expect(await act(['log', 'attach', ...before()])).toMatchObject({
    code: 0,
    out: expect.stringMatching(/(1 partition is|\d partitions are) in the database again/),
  });
  expect(await act(['log', 'detach', ...before(), '--drop'])).toMatchObject({
    code: 0,
    out: expect.stringMatching(/dropped: what they held is in the archive alone/),
  });
  expect(await act(['log', 'check'])).toMatchObject({ code: 0 });
  const { rows } = await db.app.query(
    `SELECT array_agg(DISTINCT type) AS types FROM events WHERE type IN ('LogArchived', 'LogDetached', 'LogAttached', 'LogDropped')`,
  );
  expect(rows).toEqual([{ types: ['LogArchived', 'LogAttached', 'LogDetached', 'LogDropped'] }]);
});

test('what is asked for in vain says what to do', async () => {
  await filled();
  await act(['log', 'archive', ...before()]);
  expect(await act(['log', 'detach', '--before', 'yesterday'])).toMatchObject({
    code: 1,
    err: expect.stringMatching(/before must be/),
  });
  expect(await act(['log', 'detach', '--before', '2999-01-01T00:00:00Z'])).toMatchObject({
    code: 1,
    err: expect.stringMatching(/before must not lie in the future/),
  });
  expect(await act(['log', 'check'], { DATABASE_URL: '' })).toMatchObject({
    code: 1,
    err: expect.stringMatching(/There is no database in .*QUARTERDECK_DATA_DIR or DATABASE_URL must name/),
  });
  expect(await act(['log', 'detach', ...before()], { QUARTERDECK_LOG_ARCHIVE: '' })).toMatchObject({
    code: 1,
    err: expect.stringMatching(/QUARTERDECK_LOG_ARCHIVE must say where/),
  });
  expect(
    await act(['log', 'detach', ...before()], { QUARTERDECK_OWNER_DATABASE_URL: db.applicationUrl }),
  ).toMatchObject({ code: 1, err: expect.stringMatching(/QUARTERDECK_OWNER_DATABASE_URL/) });
  await act(['log', 'detach', ...before(), '--drop']);
  expect(await act(['log', 'check'], { QUARTERDECK_LOG_ARCHIVE: '' })).toMatchObject({
    code: 1,
    err: expect.stringMatching(
      /QUARTERDECK_LOG_ARCHIVE must say where the archive is .* up to position \d+ were moved/,
    ),
  });
  await rename(archive.path, `${archive.path}-away`);
  expect(await act(['log', 'check'])).toMatchObject({ code: 1, err: expect.stringMatching(/no such file/) });
  await rename(`${archive.path}-away`, archive.path);
});
