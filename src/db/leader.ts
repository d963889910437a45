/**
 * At most one process at a time does a thing: the one whose session holds an advisory lock. Another one
 * takes over when the leader stops, dies or loses its connection.
 *
 * A leader that lost its connection learns of it a moment after the server did, so for that moment there
 * may be two. Leadership saves work; what must never happen twice is guarded where it is written.
 */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { answerMsMax, keepSession, withLimit } from './session.ts';

export interface LeadershipOptions {
  /** A direct connection, not one through a pooler. */
  readonly url: string;
  /** What is being led, for instance `projector`. */
  readonly key: string;
  readonly onAcquired: () => void | Promise<void>;
  /** Ends the work. On `stop` the lock is given up only when this has resolved. */
  readonly onLost: () => void | Promise<void>;
  readonly log: (line: string) => void;
  /** How often those who wait ask again. */
  readonly retryMs?: number;
  readonly probeMs?: number;
}

export interface Leadership {
  readonly leading: boolean;
  readonly stop: () => Promise<void>;
}

/** The first 64 bits of the key's SHA-256, signed, as advisory locks are numbered. */
export const lockNumber = (key: string): string =>
  createHash('sha256').update(`quarterdeck leader ${key}`).digest().readBigInt64BE(0).toString();

/** Polled: a session that waits inside `pg_advisory_lock` holds a snapshot, which keeps vacuum from work. */
async function acquire(client: pg.Client, lock: string, retryMs: number, signal: AbortSignal): Promise<void> {
  for (;;) {
    const { rows } = await withLimit(signal, answerMsMax, () =>
      client.query<{ held: boolean }>('SELECT pg_try_advisory_lock($1) AS held', [lock]),
    );
    if (rows[0]?.held === true) return;
    await sleep(retryMs, undefined, { signal });
  }
}

export function holdLeadership(options: LeadershipOptions): Leadership {
  const { url, key, onAcquired, onLost, log, retryMs = 1_000 } = options;
  const lock = lockNumber(key);
  const session = keepSession({
    url,
    applicationName: `quarterdeck-leader-${key}`,
    prepare: (client, signal) => acquire(client, lock, retryMs, signal),
    probe: async (client) => {
      await client.query('SELECT');
    },
    onUp: onAcquired,
    onDown: onLost,
    log,
    ...(options.probeMs === undefined ? {} : { probeMs: options.probeMs }),
  });
  return {
    get leading() {
      return session.up;
    },
    stop: session.stop,
  };
}

export interface LedOptions extends Pick<LeadershipOptions, 'url' | 'key' | 'log'> {
  /** Until the signal aborts; resolves when what was under way has ended. */
  readonly run: (signal: AbortSignal) => Promise<void>;
}

export interface Led {
  readonly leading: boolean;
  start(): void;
  /** Resolves when the work has ended and the lock is given up. */
  stop(): Promise<void>;
}

/** Work that runs for as long as this process leads, and is begun anew when it leads again. */
export const whileLeading = ({ url, key, log, run }: LedOptions): Led => {
  let leadership: Leadership | undefined;
  let running: { readonly stop: AbortController; readonly done: Promise<void> } | undefined;

  const begin = (): void => {
    const stop = new AbortController();
    running = { stop, done: run(stop.signal) };
  };

  const end = async (): Promise<void> => {
    running?.stop.abort();
    await running?.done;
    running = undefined;
  };

  return {
    get leading() {
      return leadership?.leading ?? false;
    },
    start() {
      leadership = holdLeadership({ url, key, log, onAcquired: begin, onLost: end });
    },
    async stop() {
      await leadership?.stop();
      await end();
    },
  };
};
