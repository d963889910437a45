/** A thread that verifies parts of an export, one after another. */
import { parentPort } from 'node:worker_threads';
import { type Asked, verifyPart } from './part.ts';

interface Question {
  readonly bytes: Uint8Array;
  readonly asked: Asked;
}

parentPort?.on('message', ({ bytes, asked }: Question) => {
  try {
    parentPort?.postMessage({
      result: verifyPart(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), asked),
    });
  } catch (error) {
    parentPort?.postMessage({
      error: error instanceof Error ? error.message : String(error),
    });
  }
});
