/** Who verifies the parts of an export: this thread, or as many others as there are to use. */
import { Worker } from 'node:worker_threads';
import type { PartVerifier } from './export.ts';
import { type Asked, type PartResult, verifyPart } from './part.ts';

export interface Hands extends PartVerifier {
  close(): Promise<void>;
}

export const ownHand: Hands = {
  hands: 1,
  verify: async (block, asked) => verifyPart(block.toString('utf8'), asked),
  close: async () => undefined,
};

interface Answer {
  readonly result?: PartResult;
  readonly error?: string;
}

/** From source as from the build: a thread is started with what this process was started with. */
const program = new URL(import.meta.url.endsWith('.ts') ? './hand.ts' : './hand.js', import.meta.url);

export const openHands = (count: number): Hands => {
  if (count <= 1) return ownHand;
  const idle: Worker[] = Array.from({ length: count }, () => new Worker(program));
  const all = [...idle];
  const waiting: ((worker: Worker) => void)[] = [];

  const take = async (): Promise<Worker> =>
    idle.pop() ?? new Promise<Worker>((resolve) => waiting.push(resolve));

  const giveBack = (worker: Worker): void => {
    const next = waiting.shift();
    if (next === undefined) idle.push(worker);
    else next(worker);
  };

  const ask = (worker: Worker, block: Buffer, asked: Asked): Promise<PartResult> =>
    new Promise((resolve, reject) => {
      const settle = ({ result, error }: Answer): void => {
        worker.off('error', reject);
        if (result === undefined) reject(new Error(error));
        else resolve(result);
      };
      worker.once('message', settle);
      worker.once('error', reject);
      const bytes = new Uint8Array(block);
      worker.postMessage({ bytes, asked }, [bytes.buffer]);
    });

  return {
    hands: count,
    async verify(block, asked) {
      const worker = await take();
      try {
        return await ask(worker, block, asked);
      } finally {
        giveBack(worker);
      }
    },
    async close() {
      for (const worker of all) await worker.terminate();
    },
  };
};
