/**
 * Before all tests: starts the PostgreSQL of `server.ts` and puts how to connect into
 * QUARTERDECK_TEST_POSTGRES, which `testDatabase()` reads in every worker. QUARTERDECK_TEST_RUN is a folder that the
 * workers of this run share.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';

declare global {
  var quarterdeckTestServer: ChildProcess | undefined;
}

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`The tests' PostgreSQL ended with code ${code}.`)));
    if (child.stdout !== null) createInterface(child.stdout).once('line', resolve);
  });
}

export default async function start({ rootDir }: { readonly rootDir: string }): Promise<void> {
  const script = path.join(rootDir, 'test', 'setup', 'server.ts');
  const child = spawn(process.execPath, ['--import', 'tsx', script], {
    cwd: rootDir,
    stdio: ['pipe', 'pipe', 'inherit'],
    // jest's own options for the vm would only slow it down.
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  globalThis.quarterdeckTestServer = child;
  process.env.QUARTERDECK_TEST_POSTGRES = await firstLine(child);
  process.env.QUARTERDECK_TEST_RUN = await mkdtemp(path.join(tmpdir(), 'quarterdeck-test-run-'));
}
