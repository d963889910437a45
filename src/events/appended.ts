/**
 * Wakes readers after appends. In this process at once; in others by NOTIFY, sent after the commit and
 * outside its transaction (inside, it would serialise all commits on one lock), the first at once and the
 * next not before some milliseconds later: a busy log would else send one a batch, hundreds a second. A
 * notification is a hint and may be lost, so a poll backs it up: readers are woken at least every
 * `pollMs` and compare their checkpoint with the true head.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Db } from '../db/pool.ts';
import { notifyAppended } from './sql/notify-appended.ts';

export const appendedChannel = 'quarterdeck_appended';

export interface Wakeups {
  /** Something was appended by this process. */
  announce(position: number): void;
  /** Another process said that something was appended. */
  heard(): void;
  on(listener: () => void): () => void;
  /** Resolves when what was announced has been sent. */
  stop(): Promise<void>;
}

const notifyEveryMs = 10;

interface Options {
  readonly pool: Db;
  readonly onError: (error: unknown) => void;
  readonly pollMs?: number;
}

export const createWakeups = ({ pool, onError, pollMs = 500 }: Options): Wakeups => {
  const listeners = new Set<() => void>();
  let scheduled = false;
  let newest = 0;
  let notified = 0;
  let notifying: Promise<void> | undefined;

  /** A listener that throws is its owner's fault, and no reason to end the process. */
  const tell = (listener: () => void): void => {
    try {
      listener();
    } catch (error) {
      onError(error);
    }
  };

  const wake = (): void => {
    if (scheduled) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      for (const listener of listeners) tell(listener);
    });
  };

  const send = async (): Promise<void> => {
    try {
      while (notified < newest) {
        const position = newest;
        await pool.query({ ...notifyAppended, values: [appendedChannel, String(position)] });
        notified = position;
        await sleep(notifyEveryMs);
      }
    } catch (error) {
      onError(error);
      notified = newest;
    }
  };

  const notify = (): void => {
    notifying ??= send().finally(() => {
      notifying = undefined;
    });
  };

  const poll = setInterval(wake, pollMs);
  poll.unref();

  return {
    announce(position) {
      newest = Math.max(newest, position);
      wake();
      notify();
    },
    heard: wake,
    on(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async stop() {
      clearInterval(poll);
      listeners.clear();
      await notifying;
    },
  };
};
