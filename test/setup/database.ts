/**
 * A migrated database for one test file, cloned from the template in a fraction of a second:
 *
 *     let db: TestDatabase;
 *     beforeAll(async () => { db = await testDatabase(); });
 *     afterAll(() => db.drop());
 *
 * `app` is what the application may do, `owner` owns the schema, `superuserUrl` is for killing sessions.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { createPool, type Db } from '../../src/db/pool.ts';
import { sqlState } from '../../src/db/sqlstate.ts';

export interface TestDatabase {
  readonly name: string;
  readonly ownerUrl: string;
  readonly applicationUrl: string;
  readonly superuserUrl: string;
  readonly applicationRole: string;
  readonly owner: Db;
  readonly app: Db;
  readonly drop: () => Promise<void>;
}

interface TestServer {
  readonly ownerUrl: string;
  readonly applicationUrl: string;
  readonly superuserUrl: string;
  readonly applicationRole: string;
  readonly template: string;
}

function testServer(): TestServer {
  const json = process.env.QUARTERDECK_TEST_POSTGRES;
  if (json === undefined) throw new Error('Run the tests with npm test: its global setup starts PostgreSQL.');
  return JSON.parse(json) as TestServer;
}

const inDatabase = (url: string, name: string): string => {
  const changed = new URL(url);
  changed.pathname = name;
  return changed.href;
};

async function asSuperuser(sql: string): Promise<void> {
  const client = new pg.Client(testServer().superuserUrl);
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

/** Another clone being taken from the same template is no reason to fail. */
async function cloneDatabase(name: string, template: string): Promise<void> {
  const busy = '55006';
  for (let attempt = 1; ; attempt++) {
    try {
      return await asSuperuser(`CREATE DATABASE ${name} TEMPLATE ${template} OWNER quarterdeck_owner`);
    } catch (error) {
      if (sqlState(error) !== busy || attempt === 50) throw error;
      await sleep(100);
    }
  }
}

/**
 * With `empty`, the database has no schema at all: for tests of the migrations themselves. `copyOf`: a database to
 * which nobody is connected, as it is now: a backup.
 */
export async function testDatabase({
  empty = false,
  copyOf,
}: {
  empty?: boolean;
  copyOf?: string;
} = {}): Promise<TestDatabase> {
  const server = testServer();
  const name = `test_${randomBytes(6).toString('hex')}`;
  await cloneDatabase(name, copyOf ?? (empty ? 'template0' : server.template));
  const ownerUrl = inDatabase(server.ownerUrl, name);
  const applicationUrl = inDatabase(server.applicationUrl, name);
  // Tests kill sessions on purpose; a broken idle connection is no failure of theirs.
  const onError = () => undefined;
  const owner = createPool({ url: ownerUrl, max: 4, applicationName: 'test-owner', onError });
  const app = createPool({ url: applicationUrl, max: 10, applicationName: 'test-app', onError });
  return {
    name,
    ownerUrl,
    applicationUrl,
    superuserUrl: inDatabase(server.superuserUrl, name),
    applicationRole: server.applicationRole,
    owner,
    app,
    drop: async () => {
      await Promise.all([owner.end(), app.end()]);
      await asSuperuser(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    },
  };
}
