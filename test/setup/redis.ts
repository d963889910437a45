/**
 * A real `redis-server` on a free port of 127.0.0.1, in a folder of its own that goes with it. Undefined
 * where the program is missing; suites that need it are written with `describeWhere(redisServer, …)`.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { findOnPath } from './needs.ts';

export interface TestRedis {
  readonly url: string;
  readonly port: number;
  /** SIGSTOP: its connections stay, and nothing answers; SIGCONT goes on. */
  readonly signal: (signal: 'SIGSTOP' | 'SIGCONT') => void;
  readonly stop: () => Promise<void>;
}

export async function freePort(): Promise<number> {
  const probe = createServer();
  probe.listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (typeof address !== 'object' || address === null) throw new Error('The probe has no port.');
  return address.port;
}

function ready(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    const lines: string[] = [];
    child.once('error', reject);
    child.once('exit', () => reject(new Error(`redis-server ended: ${lines.join('\n')}`)));
    if (child.stdout === null) return;
    createInterface(child.stdout).on('line', (line) => {
      lines.push(line);
      if (line.includes('Ready to accept connections')) resolve();
    });
  });
}

/** Wants a port for tests that stop the server and start it again; `more` are arguments of the server. */
export async function startRedis(
  wantedPort?: number,
  more: readonly string[] = [],
): Promise<TestRedis | undefined> {
  const program = findOnPath('redis-server');
  if (program === undefined) return undefined;
  const folder = await mkdtemp(path.join(tmpdir(), 'quarterdeck-redis-'));
  const port = wantedPort ?? (await freePort());
  const child = spawn(
    program,
    [
      '--port',
      String(port),
      '--bind',
      '127.0.0.1',
      '--save',
      '',
      '--appendonly',
      'no',
      '--dir',
      folder,
      ...more,
    ],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  );
  await ready(child);
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    await rm(folder, { recursive: true, force: true });
  };
  const signal = (name: 'SIGSTOP' | 'SIGCONT') => child.kill(name);
  return { url: `redis://127.0.0.1:${port}`, port, signal, stop };
}
