/**
 * The built program, as `npm start` runs it. What is older than its sources is built first, by one test
 * file at a time: they run side by side.
 */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';

const run = promisify(execFile);
const root = path.resolve(import.meta.dirname, '../..');
export const program = path.join(root, 'dist/main.js');

/** Any number: the tests' own PostgreSQL keeps the queue, which a killed test cannot leave locked. */
const lock = 7_403_217;

export const builtProgram = async (): Promise<string> => {
  const { superuserUrl } = JSON.parse(process.env.QUARTERDECK_TEST_POSTGRES ?? '{}') as {
    superuserUrl: string;
  };
  const client = new pg.Client(superuserUrl);
  await client.connect();
  try {
    await client.query('SELECT pg_advisory_lock($1)', [lock]);
    await run(process.execPath, ['scripts/build-stale.mjs'], { cwd: root });
  } finally {
    await client.end();
  }
  return program;
};
