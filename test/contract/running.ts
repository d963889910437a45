/**
 * The whole system as a process of its own on a cloned database, reached over HTTP alone: what these
 * tests see is what a tool sees. People sign in through the development provider.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Browser } from '../access/browser.ts';
import { type TestDatabase, testDatabase } from '../setup/database.ts';

export type Who = 'support' | 'regional-support' | 'billing' | 'ops' | 'admin' | 'compliance';

export interface Running {
  readonly base: string;
  readonly db: TestDatabase;
  /** Keys that the processes of one installation share. */
  readonly dataDir: string;
  readonly process: ChildProcess;
  output(): string;
  /** The session cookie of a person, signed in once. */
  cookieOf(who: Who): Promise<string>;
  /** A command of the command line on the same installation; its output. @throws Error where it fails */
  run(words: readonly string[]): Promise<string>;
  stop(): Promise<void>;
}

/** `environment`: on top of what every test needs. `beside`: another process of the same installation. */
export const startQuarterdeck = async (
  environment: Readonly<Record<string, string>> = {},
  beside?: Running,
): Promise<Running> => {
  const db = beside?.db ?? (await testDatabase());
  const dataDir = beside?.dataDir ?? (await mkdtemp(join(tmpdir(), 'quarterdeck-contract-')));
  const port = await freePort();
  const env = {
    ...process.env,
    NODE_OPTIONS: '',
    DATABASE_URL: db.applicationUrl,
    QUARTERDECK_OWNER_DATABASE_URL: db.ownerUrl,
    QUARTERDECK_PORT: String(port),
    QUARTERDECK_DATA_DIR: dataDir,
    QUARTERDECK_DEMO: 'off',
    ...environment,
  };
  const program = ['--import', 'tsx', 'src/main.ts'];
  const child = spawn(process.execPath, program, { stdio: ['ignore', 'pipe', 'pipe'], env });
  let output = '';
  const ready = new Promise<string>((resolve, reject) => {
    const hear = (chunk: Buffer) => {
      output += chunk;
      const base = /Quarterdeck is ready at (\S+)/.exec(output)?.[1];
      if (base !== undefined) resolve(base.replace(/\/$/, ''));
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.once('exit', (code) => reject(new Error(`ended with ${code}:\n${output.slice(-3_000)}`)));
  });
  const base = await ready;
  const cookies = new Map<Who, Promise<string>>();
  return {
    base,
    db,
    dataDir,
    process: child,
    output: () => output,
    cookieOf: (who) => {
      const cookie = cookies.get(who) ?? signIn(base, who);
      cookies.set(who, cookie);
      return cookie;
    },
    run: async (words) =>
      (await promisify(execFile)(process.execPath, [...program, ...words], { env })).stdout,
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGTERM');
        await once(child, 'exit');
      }
      if (beside !== undefined) return;
      await db.drop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
};

const freePort = async (): Promise<number> => {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
};

const signIn = async (base: string, who: Who): Promise<string> => {
  const browser = new Browser(base);
  await browser.signIn(`${who}@dev.test`);
  return browser.cookies();
};

export interface Asked {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'PATCH' | 'HEAD' | 'OPTIONS';
  readonly path: string;
  /** A value is sent as JSON; text and bytes as they are. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Of a JSON answer, else empty. */
  readonly body: Record<string, unknown>;
}

/** One request; with a cookie also the `Origin` that a browser would add. */
export const ask = async (base: string, cookie: string | undefined, asked: Asked): Promise<Answered> => {
  const isText = typeof asked.body === 'string' || asked.body instanceof Uint8Array;
  const method = asked.method ?? (asked.body === undefined ? 'GET' : 'POST');
  const answer = await fetch(`${base}${asked.path}`, {
    method,
    redirect: 'manual',
    headers: {
      ...(asked.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(cookie === undefined ? {} : { cookie }),
      ...(method === 'GET' ? {} : { origin: base }),
      ...asked.headers,
    },
    ...(asked.body === undefined
      ? {}
      : { body: (isText ? asked.body : JSON.stringify(asked.body)) as string }),
  });
  const text = await answer.text();
  const isJson = /^application\/(problem\+)?json/.test(answer.headers.get('content-type') ?? '');
  return {
    status: answer.status,
    headers: answer.headers,
    text,
    body: isJson && text !== '' ? JSON.parse(text) : {},
  };
};
