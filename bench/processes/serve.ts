/** The other end of `processes.ts`: answers tasks one by one, and ends when the bench lets go. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Loaded } from '../measure.ts';

export type Task = (parameters: never) => Promise<unknown>;

export const serveTasks = (tasks: Readonly<Record<string, Task>>, close: () => Promise<void>): void => {
  process.on('message', (message: { task: string; parameters: never }) => {
    const { task, parameters } = message;
    const work = tasks[task]?.(parameters) ?? Promise.reject(new Error(`no such task: ${task}`));
    work.then(
      (answer) => process.send?.({ answer: answer ?? null }),
      (error: unknown) => process.send?.({ error: error instanceof Error ? error.stack : String(error) }),
    );
  });
  process.on('disconnect', () => {
    close().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  });
};

export const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;

/** `clients` loops that each begin the next operation when the last has ended, for so many seconds. */
export const underLoad = async (
  clients: number,
  seconds: number,
  one: (client: number, nth: number) => Promise<unknown>,
): Promise<Loaded> => {
  const cpuBefore = process.cpuUsage();
  const begun = performance.now();
  const end = begun + seconds * 1_000;
  const took: number[] = [];
  const loop = async (client: number): Promise<void> => {
    let before = performance.now();
    for (let nth = 0; before < end; nth++) {
      await one(client, nth);
      const after = performance.now();
      took.push(after - before);
      before = after;
    }
  };
  await Promise.all(Array.from({ length: clients }, (_, client) => loop(client)));
  return summary(took, (performance.now() - begun) / 1_000, process.cpuUsage(cpuBefore));
};

/** Begins operations at an even pace, whether or not earlier ones have ended, and waits for all of them. */
export const paced = async (
  perSecond: number,
  seconds: number,
  one: (nth: number) => Promise<unknown>,
): Promise<Loaded> => {
  const cpuBefore = process.cpuUsage();
  const begun = performance.now();
  const took: number[] = [];
  const under = new Set<Promise<void>>();
  const total = perSecond * seconds;
  for (let nth = 0; nth < total; ) {
    const due = Math.min(total, Math.ceil(((performance.now() - begun) / 1_000) * perSecond));
    for (; nth < due; nth++) {
      const before = performance.now();
      const work: Promise<void> = one(nth).then(() => {
        took.push(performance.now() - before);
        under.delete(work);
      });
      under.add(work);
    }
    await sleep(1);
  }
  await Promise.all(under);
  return summary(took, (performance.now() - begun) / 1_000, process.cpuUsage(cpuBefore));
};

export const summary = (took: number[], seconds: number, cpu: NodeJS.CpuUsage): Loaded => {
  took.sort((a, b) => a - b);
  return {
    operations: took.length,
    seconds,
    cpuMicros: cpu.user + cpu.system,
    p50Ms: percentile(took, 0.5),
    p95Ms: percentile(took, 0.95),
    p99Ms: percentile(took, 0.99),
  };
};
