/**
 * One dedicated connection that is kept for ever: prepared, probed, and replaced with growing pauses when
 * it breaks or stops answering. Listening and leadership live on such sessions, because both end silently
 * with the connection that holds them.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { connectionConfig } from './pool.ts';

export interface SessionRules {
  readonly url: string;
  readonly applicationName: string;
  /** Prepares a fresh connection; the session is up when this resolves. `signal` aborts when it is lost. */
  readonly prepare: (client: pg.Client, signal: AbortSignal) => Promise<void>;
  /** Throws, or does not answer within the time limit, when the connection is no longer of use. */
  readonly probe: (client: pg.Client, signal: AbortSignal) => Promise<void>;
  readonly onUp: () => void | Promise<void>;
  /** Its errors are logged. Awaited before the connection is given up by `stop`, and before another one is tried. */
  readonly onDown: () => void | Promise<void>;
  readonly log: (line: string) => void;
  readonly probeMs?: number;
}

export interface Session {
  readonly up: boolean;
  readonly stop: () => Promise<void>;
}

const probeMsDefault = 5_000;
export const answerMsMax = 5_000;
const pauseMsMin = 100;
const pauseMsMax = 5_000;

/** So that the server notices within half a minute that our host has vanished, and frees what we hold. */
const serverKeepalives = `
  SELECT set_config('tcp_keepalives_idle', '10', false),
         set_config('tcp_keepalives_interval', '5', false),
         set_config('tcp_keepalives_count', '3', false)`;

/** Ends a connection politely, or, when the other side does not answer any more, by its socket. */
async function close(client: pg.Client): Promise<void> {
  const patience = new AbortController();
  await Promise.race([
    client.end().catch(() => undefined),
    sleep(2_000, undefined, { signal: patience.signal }).catch(() => undefined),
  ]);
  patience.abort();
  // Not in the driver's types; a no-op on a socket that is closed already.
  (client as unknown as { connection: { stream: { destroy: () => void } } }).connection.stream.destroy();
}

/** Rejects when `signal` aborts first, whatever becomes of `work`. */
function unless<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

/**
 * A signal of its own that ends with `parent` or after `limitMs`. Not AbortSignal.any and .timeout: in
 * Node.js 20 a signal that only those hold can be collected as garbage before it fires, and the wait for
 * an answer then lasts for ever.
 */
export async function withLimit<T>(
  parent: AbortSignal,
  limitMs: number,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const own = new AbortController();
  const pass = () => own.abort(parent.reason);
  const timer = setTimeout(() => own.abort(new Error(`No answer within ${limitMs} ms.`)), limitMs);
  parent.addEventListener('abort', pass, { once: true });
  if (parent.aborted) pass();
  try {
    return await unless(own.signal, work(own.signal));
  } finally {
    clearTimeout(timer);
    parent.removeEventListener('abort', pass);
  }
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

export function keepSession(rules: SessionRules): Session {
  const { probeMs = probeMsDefault } = rules;
  const stopping = new AbortController();
  let up = false;

  async function live(client: pg.Client, signal: AbortSignal): Promise<never> {
    await unless(signal, client.connect());
    await withLimit(signal, answerMsMax, () => client.query(serverKeepalives));
    await unless(signal, rules.prepare(client, signal));
    up = true;
    await rules.onUp();
    for (;;) {
      await sleep(probeMs, undefined, { signal });
      await withLimit(signal, answerMsMax, (limit) => rules.probe(client, limit));
    }
  }

  /** Lives until the connection is lost or the session stopped; resolves to whether it ever was up. */
  async function oneConnection(): Promise<boolean> {
    const over = new AbortController();
    const stop = () => over.abort(stopping.signal.reason);
    stopping.signal.addEventListener('abort', stop, { once: true });
    const client = new pg.Client(connectionConfig(rules.url, rules.applicationName));
    client.on('error', (error) => over.abort(error));
    client.on('end', () => over.abort(new Error('The connection ended.')));
    await live(client, over.signal).catch((error: unknown) => {
      if (!stopping.signal.aborted) rules.log(`${rules.applicationName}: ${reasonOf(error)}`);
    });
    stopping.signal.removeEventListener('abort', stop);
    const wasUp = up;
    up = false;
    if (wasUp) {
      await Promise.resolve()
        .then(rules.onDown)
        .catch((error: unknown) => rules.log(`${rules.applicationName}: ${reasonOf(error)}`));
    }
    await close(client);
    return wasUp;
  }

  async function keep(): Promise<void> {
    let pauseMs = pauseMsMin;
    while (!stopping.signal.aborted) {
      const wasUp = await oneConnection();
      pauseMs = wasUp ? pauseMsMin : Math.min(pauseMs * 2, pauseMsMax);
      await sleep(pauseMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  }
  const kept = keep();

  return {
    get up() {
      return up;
    },
    stop: async () => {
      stopping.abort(new Error('Stopped.'));
      await kept;
    },
  };
}
