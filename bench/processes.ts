/**
 * Processes to be measured: each side runs in one of its own, is asked for a round by a message and
 * answers with what it did. All of them end with the bench.
 */
import { type ChildProcess, type ForkOptions, fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export interface Measured {
  readonly pid: number;
  ask<Answer>(task: string, parameters?: object): Promise<Answer>;
  stop(): Promise<void>;
}

/** With QUARTERDECK_BENCH_PROFILE=<folder> every measured process leaves its CPU profile there. */
const folder = process.env.QUARTERDECK_BENCH_PROFILE;
const profiling: readonly string[] = folder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${folder}`];

const { scripts } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  scripts: { start: string };
};
/** Those of `npm start`, for the peers too. */
export const nodeFlags: readonly string[] = [
  ...scripts.start.split(' ').filter((part) => part.startsWith('--')),
  ...profiling,
];

type Reply = { readonly answer?: unknown; readonly error?: string };

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

const answerOf = (child: ChildProcess): Promise<unknown> =>
  new Promise((resolve, reject) => {
    const onExit = (code: number | null): void => reject(new Error(`the process ended with code ${code}`));
    child.once('exit', onExit);
    child.once('message', (message) => {
      child.off('exit', onExit);
      const { answer, error } = message as Reply;
      if (error === undefined) resolve(answer);
      else reject(new Error(error));
    });
  });

const until = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    child.once('exit', () => {
      running.delete(child);
      resolve();
    });
  });

/** `file` relative to this folder. The first task, `open`, tells it what to work on. */
export const startProcess = async (
  file: string,
  opening: object,
  options: ForkOptions = {},
): Promise<Measured> => {
  const script = fileURLToPath(new URL(file, import.meta.url));
  // Ours are TypeScript through tsx; what they import of the engine is the built code in dist/.
  const execArgv = [...(script.endsWith('.ts') ? ['--import', 'tsx'] : []), ...nodeFlags];
  const child = fork(script, { execArgv, stdio: 'inherit', ...options });
  running.add(child);
  const ended = until(child);
  const ask = async <Answer>(task: string, parameters: object = {}): Promise<Answer> => {
    const answer = answerOf(child);
    child.send({ task, parameters });
    return (await answer) as Answer;
  };
  await ask('open', opening);
  return {
    pid: child.pid ?? 0,
    ask,
    async stop() {
      if (child.connected) child.disconnect();
      await ended;
    },
  };
};
