/**
 * A process of its own for the tests' PostgreSQL (jest's global setup cannot load ES modules in
 * TypeScript). Makes and migrates the template database, prints how to connect as one line of JSON, and
 * stops and removes everything when its standard input ends, also because jest was killed.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { startEmbedded } from '../../src/db/embedded.ts';
import { migrate } from '../../src/db/migrate.ts';

const toStderr = (line: string) => process.stderr.write(`${line}\n`);

const dataDir = await mkdtemp(path.join(tmpdir(), 'quarterdeck-test-'));
// Nothing here outlives the run, so nothing needs to reach the disk.
const postgres = await startEmbedded({
  dataDir,
  log: () => undefined,
  settings: {
    fsync: 'off',
    synchronous_commit: 'off',
    full_page_writes: 'off',
    shared_buffers: '64MB',
    max_connections: '300',
    max_wal_size: '512MB',
  },
});

const stop = async (): Promise<void> => {
  await postgres.stop();
  await rm(dataDir, { recursive: true, force: true });
};

const template = 'quarterdeck_template';

/** Migrated once and then closed to connections, which CREATE DATABASE … TEMPLATE would trip over. */
async function makeTemplate(): Promise<void> {
  const client = new pg.Client(postgres.superuserUrl);
  await client.connect();
  try {
    await client.query(`CREATE DATABASE ${template} OWNER quarterdeck_owner`);
    const ownerUrl = new URL(postgres.ownerUrl);
    ownerUrl.pathname = template;
    await migrate({
      ownerUrl: ownerUrl.href,
      applicationRole: postgres.applicationRole,
      queues: true,
      log: () => undefined,
    });
    await client.query(`ALTER DATABASE ${template} WITH ALLOW_CONNECTIONS false IS_TEMPLATE true`);
  } finally {
    await client.end();
  }
}

try {
  await makeTemplate();
} catch (error) {
  toStderr(`The template database could not be made. ${error instanceof Error ? error.stack : error}`);
  await stop();
  process.exit(1);
}

const { ownerUrl, applicationUrl, superuserUrl, applicationRole } = postgres;
console.log(JSON.stringify({ ownerUrl, applicationUrl, superuserUrl, applicationRole, template }));

// Ctrl-C goes to the whole group: jest ends our input when it is done.
process.on('SIGINT', () => undefined);
process.stdin.on('end', () => stop().then(() => process.exit(0)));
process.stdin.resume();
