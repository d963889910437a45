/**
 * SIGTERM while everybody is at work: what was accepted is finished and answered, what was not is not
 * done, and the bulk job goes on where it stood at the next start. And a signal to npm, which never reaches us.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { until } from '../setup/until.ts';

import { accounts, commandOf, endOf, expectExactlyOnce, openAccounts, reach, startJob } from './accounts.ts';
import { builtProgram } from './built.ts';
import { Installation } from './installation.ts';
import { expectSameAnew } from './logged.ts';
import { expectRefunds, payInvoices, type Refunding, startRefunding, told } from './refunds.ts';
import { longMs, playRounds } from './rounds.ts';

describe('SIGTERM during a bulk job and commands', () => {
  let installed: Installation;
  beforeAll(async () => {
    installed = await Installation.open();
    await openAccounts(installed);
    await payInvoices(installed);
  }, longMs);
  afterAll(() => installed?.close());

  test(
    'ends with code 0; after the next start the log holds what was answered and nothing else',
    async () => {
      const rounds: Refunding[] = [];
      await playRounds('SIGTERM', async ({ round, fraction }) => {
        const refunding = startRefunding(installed, { insisting: false });
        rounds.push(refunding);
        const job = await startJob(installed, commandOf(round));
        await reach(installed, job, Math.floor(fraction * accounts * 0.7));
        expect(await installed.end('SIGTERM')).toBe(0);
        const endedAt = new Date();
        await refunding.stop();
        await installed.start();
        const ended = await endOf(installed, job);
        const outstanding = await expectExactlyOnce(installed, ended, endedAt);
        await expectRefunds(installed, rounds);
        expect(refunding.done.size).toBeGreaterThan(0);
        return { outstanding, told: told(refunding) };
      });
      await expectSameAnew(installed);
    },
    longMs,
  );
});

describe('Ctrl-C that arrives twice, from the terminal and by npm', () => {
  test(
    'drains as if it had come once, and a terminal that is closed does the same',
    async () => {
      const installed = await Installation.open();
      installed.signal('SIGINT');
      expect(await installed.end('SIGINT')).toBe(0);
      expect(installed.output).not.toContain('ending at once');
      await installed.start();
      expect(installed.output).not.toContain('Stopping the PostgreSQL of an earlier run');
      expect(await installed.end('SIGHUP')).toBe(0);
      await installed.close();
    },
    longMs,
  );
});

describe('SIGTERM to npm, which ends its shell and tells us nothing', () => {
  const isAlive = (pid: number): boolean => {
    try {
      process.kill(pid, 0);
      return true;
    } catch {
      return false;
    }
  };

  /** As npm does it: a shell around the program, of which only the shell is told. */
  const startInShell = (program: string, dataDir: string): ChildProcess => {
    const { DATABASE_URL, REDIS_URL, ...inherited } = process.env;
    return spawn('/bin/sh', ['-c', `"${process.execPath}" "${program}"; exit $?`], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...inherited,
        NODE_OPTIONS: '',
        npm_lifecycle_event: 'start',
        QUARTERDECK_DATA_DIR: dataDir,
        QUARTERDECK_PORT: '0',
        QUARTERDECK_DEMO: 'off',
      },
    });
  };

  test(
    'stops the process that it left behind, and the PostgreSQL of that',
    async () => {
      const program = await builtProgram();
      const dataDir = await mkdtemp(path.join(tmpdir(), 'quarterdeck-orphan-'));
      const shell = startInShell(program, dataDir);
      let output = '';
      const closed = once(shell, 'close');
      for (const stream of [shell.stdout, shell.stderr])
        stream?.on('data', (chunk) => {
          output += chunk;
        });
      await until(() => output.includes('Quarterdeck is ready at') || shell.exitCode !== null);
      const pidFile = path.join(dataDir, 'postgres', 'postmaster.pid');
      const postmaster = Number.parseInt(await readFile(pidFile, 'utf8'), 10);
      shell.kill('SIGTERM');
      // Its pipes close when the process that it left behind has ended too.
      await closed;
      expect(output).toContain('npm has ended: finishing what was accepted.');
      await until(() => !isAlive(postmaster));
      await rm(dataDir, { recursive: true, force: true });
    },
    longMs,
  );
});
