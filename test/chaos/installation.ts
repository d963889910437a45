/**
 * One installation that is killed and started again: a data directory, a port, and whichever process
 * serves them at the moment. Everything a test knows of it comes over HTTP.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readPasswords } from '../../src/db/embedded/passwords.ts';
import { runningEmbedded } from '../../src/db/embedded/running.ts';
import { Browser } from '../access/browser.ts';
import { type Answered, type Asked, ask, type Who } from '../contract/running.ts';
import { freePort } from '../setup/redis.ts';
import { builtProgram } from './built.ts';

export class Installation {
  readonly dataDir: string;
  readonly base: string;
  readonly #program: string;
  readonly #environment: Readonly<Record<string, string>>;
  readonly #cookies = new Map<Who, string>();
  #process: ChildProcess | undefined;
  #output = '';

  private constructor(dataDir: string, port: number, program: string, environment: Record<string, string>) {
    this.dataDir = dataDir;
    this.base = `http://127.0.0.1:${port}`;
    this.#program = program;
    this.#environment = { ...environment, QUARTERDECK_PORT: String(port) };
  }

  /** Started on an empty data directory, with everybody of the development provider signed in. */
  static async open(environment: Record<string, string> = {}): Promise<Installation> {
    const program = await builtProgram();
    const dataDir = await mkdtemp(path.join(tmpdir(), 'quarterdeck-chaos-'));
    const installed = new Installation(dataDir, await freePort(), program, environment);
    await installed.start();
    for (const who of ['ops', 'admin', 'compliance'] as const) await installed.signIn(who);
    return installed;
  }

  /** Resolves when it says that it is ready. */
  async start(): Promise<void> {
    const { DATABASE_URL, REDIS_URL, ...inherited } = process.env;
    const child = spawn(process.execPath, [this.#program], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...inherited,
        NODE_OPTIONS: '',
        QUARTERDECK_DATA_DIR: this.dataDir,
        QUARTERDECK_DEMO: 'off',
        ...this.#environment,
      },
    });
    this.#process = child;
    this.#output = '';
    await new Promise<void>((resolve, reject) => {
      const hear = (chunk: Buffer) => {
        this.#output += chunk;
        if (this.#output.includes('Quarterdeck is ready at')) resolve();
      };
      child.stdout.on('data', hear);
      child.stderr.on('data', hear);
      child.once('exit', (code) => reject(new Error(`ended with ${code}:\n${this.#output.slice(-3_000)}`)));
    });
  }

  /** What the process that runs, or ran last, has printed. */
  get output(): string {
    return this.#output;
  }

  /** Whoever waits for its end calls `end`. */
  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal);
  }

  /** Ends the process and answers its exit code; null when the signal ended it. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#process;
    if (child === undefined) return null;
    this.#process = undefined;
    const exited = once(child, 'exit');
    child.kill(signal);
    const [code] = await exited;
    return code as number | null;
  }

  /** An act of the command line on this installation, beside the process that serves it. */
  async act(...words: readonly string[]): Promise<{ readonly code: number; readonly output: string }> {
    const { DATABASE_URL, ...inherited } = process.env;
    const env = { ...inherited, NODE_OPTIONS: '', QUARTERDECK_DATA_DIR: this.dataDir, ...this.#environment };
    const child = spawn(process.execPath, [this.#program, ...words], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
    const [code] = await once(child, 'close');
    return { code: code as number, output };
  }

  /** The process id of the PostgreSQL on the data directory. */
  async postmaster(): Promise<number> {
    const pidFile = path.join(this.dataDir, 'postgres', 'postmaster.pid');
    return Number.parseInt(await readFile(pidFile, 'utf8'), 10);
  }

  /** Of the database that it runs on, for a look at what no answer shows. */
  async superuserUrl(): Promise<string> {
    const [running, passwords] = [await runningEmbedded(this.dataDir), await readPasswords(this.dataDir)];
    if (running === undefined || passwords === undefined) throw new Error('nothing runs there');
    const asSuperuser = new URL(running.url);
    asSuperuser.username = 'postgres';
    asSuperuser.password = passwords.superuser;
    return asSuperuser.href;
  }

  ask(who: Who, asked: Asked): Promise<Answered> {
    return ask(this.base, this.#cookies.get(who), asked);
  }

  /** Asks until there is an answer that is no 503, through restarts of whatever it needs. */
  async insist(who: Who, asked: Asked): Promise<Answered> {
    for (;;) {
      const answer = await this.ask(who, asked).catch(() => undefined);
      if (answer !== undefined && answer.status !== 503) return answer;
      await sleep(50);
    }
  }

  async close(): Promise<void> {
    // A failed test may have left the PostgreSQL of a killed process, which the next start takes care of.
    if (this.#process === undefined) await this.start().catch(() => undefined);
    await this.end('SIGTERM');
    const cluster = await realpath(path.join(this.dataDir, 'postgres')).catch(() => undefined);
    if (cluster !== undefined) await rm(cluster, { recursive: true, force: true });
    await rm(this.dataDir, { recursive: true, force: true });
  }

  /** Anew, where an act wants a sign-in of the last minutes. */
  async signIn(who: Who): Promise<void> {
    const browser = new Browser(this.base);
    await browser.signIn(`${who}@dev.test`);
    this.#cookies.set(who, browser.cookies());
  }
}
