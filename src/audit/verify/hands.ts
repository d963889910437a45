/** Who verifies the parts of an export: this thread, or as many others as there are to use. */
import { Worker } from 'node:worker_threads';
import type { PartVerifier } from './export.ts';
import { type Asked, type PartResult, verifyPart } from './part.ts';

export interface Hands extends PartVerifier {
  close(): Promise<void>;
}

export const ownHand: Hands = {
  hands: 1,
  verify: async (block, asked) => verifyPart(block, asked),
  close: async () => undefined,
};

interface Answer {
  readonly result?: PartResult;
  readonly error?: string;
}

interface Hand {
  ask(block: Buffer, asked: Asked): Promise<PartResult>;
  end(): Promise<unknown>;
}

/** One question at a time. A thread that has ended answers nothing any more: whoever asks is told. */
const openHand = (): Hand => {
  const worker = new Worker(new URL('./hand.js', import.meta.url));
  let failed: Error | undefined;
  let asking: { resolve(result: PartResult): void; reject(error: Error): void } | undefined;
  const fail = (error: Error): void => {
    failed ??= error;
    asking?.reject(failed);
  };
  worker.on('error', fail);
  worker.on('exit', () => fail(new Error('a thread that hashes has ended.')));
  worker.on('message', ({ result, error }: Answer) => {
    if (result === undefined) asking?.reject(new Error(error));
    else asking?.resolve(result);
  });
  return {
    ask: (block, asked) =>
      new Promise((resolve, reject) => {
        if (failed !== undefined) return reject(failed);
        asking = { resolve, reject };
        // What is large has memory of its own, which is handed over; what is small may be of the shared pool.
        const bytes = block.length > Buffer.poolSize ? block : new Uint8Array(block);
        worker.postMessage({ bytes, asked }, [bytes.buffer as ArrayBuffer]);
      }),
    end: () => worker.terminate(),
  };
};

/** Run from its TypeScript, the program has this thread alone: others of Node.js 20 load none. */
const fromSource = import.meta.url.endsWith('.ts');

export const openHands = (count: number): Hands => {
  if (count <= 1 || fromSource) return ownHand;
  const all = Array.from({ length: count }, openHand);
  const idle = [...all];
  const waiting: ((hand: Hand) => void)[] = [];

  const take = async (): Promise<Hand> => idle.pop() ?? new Promise<Hand>((resolve) => waiting.push(resolve));

  const giveBack = (hand: Hand): void => {
    const next = waiting.shift();
    if (next === undefined) idle.push(hand);
    else next(hand);
  };

  return {
    hands: count,
    async verify(block, asked) {
      const hand = await take();
      try {
        return await hand.ask(block, asked);
      } finally {
        giveBack(hand);
      }
    },
    async close() {
      for (const hand of all) await hand.end();
    },
  };
};
