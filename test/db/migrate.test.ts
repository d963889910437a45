import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { migrate, ownsEvents, pendingMigrations } from '../../src/db/migrate.ts';
import { migrationsFolder } from '../../src/db/migration-files.ts';
import { type TestDatabase, testDatabase } from '../setup/database.ts';

describe('Migrations', () => {
  let db: TestDatabase;
  let folder: string;
  beforeEach(async () => {
    db = await testDatabase({ empty: true });
    folder = await mkdtemp(path.join(tmpdir(), 'quarterdeck-migrations-'));
    await cp(path.join(migrationsFolder, 'grants.sql'), path.join(folder, 'grants.sql'));
    await write('000001_first.sql', 'CREATE TABLE first (id int); CREATE TABLE journal (line text);');
    await write('000002_second.sql', `INSERT INTO journal VALUES ('second'); SELECT pg_sleep(0.1);`);
  });
  afterEach(async () => {
    await db.drop();
    await rm(folder, { recursive: true });
  });

  const write = (name: string, sql: string) => writeFile(path.join(folder, name), sql);
  const run = (queues = false) =>
    migrate({
      ownerUrl: db.ownerUrl,
      applicationRole: db.applicationRole,
      log: () => undefined,
      queues,
      folder,
    });
  const tables = async () =>
    (await db.owner.query(`SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1`)).rows.map(
      (row) => row.tablename,
    );

  test('race safely: of five processes that start at once, one applies each', async () => {
    await Promise.all([run(), run(), run(), run(), run()]);
    expect((await db.owner.query('SELECT line FROM journal')).rows).toEqual([{ line: 'second' }]);
    expect((await db.owner.query('SELECT version FROM schema_migrations ORDER BY 1')).rows).toEqual([
      { version: 1 },
      { version: 2 },
    ]);
  });

  test('are applied once', async () => {
    await run();
    await run();
    expect((await db.owner.query('SELECT line FROM journal')).rows).toHaveLength(1);
  });

  test('that were changed after being applied are refused by name', async () => {
    await run();
    await write('000001_first.sql', 'CREATE TABLE first (id bigint);');
    await expect(run()).rejects.toThrow('000001_first.sql was changed after it had been applied');
    await expect(pendingMigrations(db.app, folder)).rejects.toThrow('000001_first.sql');
  });

  test('do not count as changed for other line ends', async () => {
    await write('000001_first.sql', 'CREATE TABLE first (id int);\nCREATE TABLE journal (line text);\n');
    await run();
    await write('000001_first.sql', 'CREATE TABLE first (id int);\r\nCREATE TABLE journal (line text);\r\n');
    await run();
  });

  test('of a newer version stop an older one', async () => {
    await run();
    await rm(path.join(folder, '000002_second.sql'));
    await expect(run()).rejects.toThrow(
      'newer than this version of Quarterdeck: it has the migration 000002_second.sql',
    );
  });

  test('that fail leave the database at the one before, and name the file', async () => {
    await write('000003_third.sql', 'CREATE TABLE third (id int); SELECT 1 / 0;');
    await expect(run()).rejects.toThrow('000003_third.sql failed: division by zero');
    expect(await tables()).toEqual(['first', 'journal', 'schema_migrations']);
    expect(await pendingMigrations(db.app, folder).catch(() => 'not granted yet')).toBe('not granted yet');
    expect(await pendingMigrations(db.owner, folder)).toEqual(['000003_third.sql']);
    await write('000003_third.sql', 'CREATE TABLE third (id int);');
    await run();
    expect(await pendingMigrations(db.app, folder)).toEqual([]);
  });

  test('are all pending in an empty database', async () => {
    expect(await pendingMigrations(db.app, folder)).toEqual(['000001_first.sql', '000002_second.sql']);
  });

  test('refuse an application role that does not exist, by name', async () => {
    const options = { ownerUrl: db.ownerUrl, applicationRole: 'nobody_knows', log: () => undefined, folder };
    await expect(migrate(options)).rejects.toThrow('role nobody_knows does not exist');
  });

  test('make the queue tables when queues live in this database, and the application may use them', async () => {
    await run(true);
    await run(true);
    const { rows } = await db.app.query('SELECT count(*) > 0 AS migrated FROM bullmq.migration');
    expect(rows[0]?.migrated).toBe(true);
  });
});

describe("The application's role", () => {
  let db: TestDatabase;
  const denied = { code: '42501' };
  beforeAll(async () => {
    db = await testDatabase();
  });
  afterAll(() => db.drop());

  test('does not own the log; the owner does', async () => {
    expect(await ownsEvents(db.app)).toBe(false);
    expect(await ownsEvents(db.owner)).toBe(true);
  });

  test('may read and add to the log and its partitions, and nothing else', async () => {
    const { rows } = await db.app.query<{ name: string; privileges: string }>(
      `SELECT c.relname AS name, concat_ws(' ',
              CASE WHEN has_table_privilege(c.oid, 'SELECT') THEN 'select' END,
              CASE WHEN has_table_privilege(c.oid, 'INSERT') THEN 'insert' END,
              CASE WHEN has_table_privilege(c.oid, 'UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER') THEN 'more' END
            ) AS privileges
         FROM pg_partition_tree('public.events') JOIN pg_class c ON c.oid = relid`,
    );
    expect(rows.length).toBeGreaterThan(1);
    expect(rows.filter((row) => row.privileges !== 'select insert')).toEqual([]);
  });

  test('may only read the ledger of migrations', async () => {
    await db.app.query('SELECT FROM schema_migrations');
    await expect(db.app.query('DELETE FROM schema_migrations')).rejects.toMatchObject(denied);
  });

  test('makes tables in read_models and nowhere else', async () => {
    await db.app.query('CREATE TABLE read_models.accounts (id text PRIMARY KEY)');
    await expect(db.app.query('CREATE TABLE public.accounts (id text)')).rejects.toMatchObject(denied);
  });

  test('gets no right to change a partition that is made later', async () => {
    await db.owner.query('CREATE TABLE public.made_later (position bigint)');
    await db.app.query('INSERT INTO made_later VALUES (1)');
    await expect(db.app.query('UPDATE made_later SET position = 2')).rejects.toMatchObject(denied);
    await expect(db.app.query('DELETE FROM made_later')).rejects.toMatchObject(denied);
  });
});
