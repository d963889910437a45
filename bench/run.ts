/**
 * `npm run bench [name…]`: runs the benches that are named, or all of them, each on a fresh embedded
 * PostgreSQL; prints a table and keeps the raw figures in `results/`. It judges nobody: what misses its
 * target is said, and the process ends well all the same.
 */
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import type { Bench } from './bench.ts';
import { benches } from './benches.ts';
import { isMet } from './measure.ts';
import { keep, show } from './report.ts';
import { startServer } from './server.ts';

interface Options {
  readonly rounds: string;
  readonly seconds: string;
  readonly minutes?: string;
  readonly keep: boolean;
}

const results = fileURLToPath(new URL('results', import.meta.url));
const say = (line: string): void => console.error(`  ${line}`);

const runOne = async (bench: Bench, options: Options): Promise<readonly string[]> => {
  console.error(`${bench.name}: ${bench.shows}`);
  const takenAt = new Date();
  const server = await startServer();
  // Ctrl-C leaves no server behind: it runs in a session of its own and would not hear of it.
  const interrupted = (): void => void server.stop().finally(() => process.exit(130));
  process.once('SIGINT', interrupted);
  try {
    const outcome = await bench.run({
      server,
      rounds: Number(options.rounds),
      seconds: Number(options.seconds),
      minutes: options.minutes === undefined ? undefined : Number(options.minutes),
      say,
    });
    console.log(show(bench.name, outcome));
    const settings = { rounds: options.rounds, secondsEach: options.seconds, ...outcome.settings };
    const result = { server: await server.settings(), ...outcome, settings };
    if (options.keep) say(`kept as ${await keep(results, bench.name, takenAt, result)}`);
    return outcome.claims
      .filter((claim) => isMet(claim) === false)
      .map(({ what }) => `${bench.name}: ${what}`);
  } finally {
    process.off('SIGINT', interrupted);
    await server.stop();
  }
};

const chosen = (names: readonly string[]): readonly Bench[] => {
  const unknown = names.filter((name) => !benches.some((bench) => bench.name === name));
  if (unknown.length > 0) {
    const known = benches.map(({ name, shows }) => `  ${name.padEnd(12)} ${shows}`).join('\n');
    throw new Error(`There is no bench ${unknown.join(', ')}. There are:\n${known}`);
  }
  return names.length === 0 ? benches : benches.filter(({ name }) => names.includes(name));
};

const program = new Command('bench')
  .argument('[name...]', 'which benches; all of them when none is named')
  .option('--rounds <n>', 'rounds of each side that count', '5')
  .option('--seconds <n>', 'length of a round', '5')
  .option('--minutes <n>', 'let the open snapshot of the bench `snapshot` grow this old')
  .option('--no-keep', 'write no file into bench/results')
  .action(async (names: readonly string[], options: Options) => {
    const missed: string[] = [];
    for (const bench of chosen(names)) missed.push(...(await runOne(bench, options)));
    console.log(missed.length === 0 ? '\nEvery target was met.' : `\nMissed:\n  ${missed.join('\n  ')}`);
  });

await program.parseAsync();
