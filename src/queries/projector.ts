/**
 * Keeps all projections up to date with the log in one loop, builds beside it what is missing, and drops
 * what was retired. At most one process leads; another takes over when it stops or dies, and even two at
 * once would not fold an event twice, because every commit demands the checkpoint it began from.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { whileLeading } from '../db/leader.ts';
import type { Db } from '../db/pool.ts';
import { inTransaction } from '../db/transaction.ts';
import type { EventLog } from '../events/log.ts';
import { createWake } from '../events/wake.ts';
import { createAdvancing, type Live } from './advancing.ts';
import { createBuilder } from './builder.ts';
import type { Catalogue } from './catalogue.ts';
import type { Progress } from './progress.ts';
import { createSerial } from './serial.ts';
import { lockRetired, readTables, type TableRow } from './sql/projections.ts';
import { dropTables, fits, openTable } from './tables.ts';

export interface ProjectorOptions {
  readonly pool: Db;
  readonly log: Pick<EventLog, 'head' | 'readClear' | 'onAppended'>;
  readonly catalogue: Catalogue;
  readonly progress: Pick<Progress, 'announce'>;
  /** A direct connection for the leader's lock. */
  readonly leaderUrl: string;
  readonly onError: (error: unknown) => void;
  readonly logLine: (line: string) => void;
  readonly retiredSeconds?: number;
}

export interface Projector {
  readonly leading: boolean;
  start(): void;
  /** Resolves when the page under way is committed and the lock given up. */
  stop(): Promise<void>;
}

const idleMs = 1_000;
/**
 * From one page's beginning to the next one's, unless the page was full: under load a page then carries
 * hundreds of events instead of dozens, and its fixed cost (eight round trips) is shared by all of them.
 * What comes after a quiet while is not held up.
 */
const pageEveryMs = 20;
/** The same behind a page of so many events, as a bulk job makes them. */
const largePageEvents = 100;
const afterLargePageMs = 50;
const retryMs = 1_000;

export const createProjector = (options: ProjectorOptions): Projector => {
  const { pool, log, catalogue, progress, leaderUrl, onError, logLine, retiredSeconds = 300 } = options;
  const wake = createWake();

  const advanceAll = createAdvancing({ pool, log, progress, onError });
  const openLive = async (): Promise<Map<string, Live>> => {
    const { rows } = await pool.query<TableRow>(readTables);
    const live = new Map<string, Live>();
    for (const known of catalogue.all) {
      const { name, version } = known.definition;
      const row = rows.find((r) => r.name === name && r.state === 'live');
      if (row !== undefined && fits(row, known)) {
        live.set(name, { table: openTable(row, known), position: row.position, stopped: false });
      } else if (row !== undefined && row.version > version) {
        onError(
          new Error(`the projection ${name} is at version ${row.version}; this program knows ${version}`),
        );
      }
    }
    return live;
  };

  const dropRetired = (): Promise<void> =>
    inTransaction(pool, async (tx) => {
      const { rows } = await tx.query<Pick<TableRow, 'id' | 'tableName'>>({
        ...lockRetired,
        values: [retiredSeconds],
      });
      await dropTables(tx, rows);
    });

  /** Leads until stopped; throws where the database or another process gets in the way. */
  const lead = async (signal: AbortSignal): Promise<void> => {
    const live = await openLive();
    const exclusively = createSerial();
    const builder = createBuilder({
      pool,
      log,
      catalogue,
      onError,
      exclusively,
      onLive(table, position) {
        const { name, version } = table.known.definition;
        live.set(name, { table, position, stopped: false });
        logLine(`the projection ${name} is live in version ${version} at position ${position}`);
        progress.announce(position);
        wake.call();
      },
    });
    const ended = new AbortController();
    const over = AbortSignal.any([signal, ended.signal]);
    const building = (async () => {
      const idle = createWake();
      over.addEventListener('abort', idle.call);
      while (!over.aborted) {
        if (await builder.buildNext(over)) continue;
        await dropRetired();
        await idle.sleep(idleMs);
      }
    })();
    let fault: { error: unknown } | undefined;
    building.catch((error: unknown) => {
      fault = { error };
      wake.call();
    });
    try {
      while (!signal.aborted && fault === undefined) {
        const begun = performance.now();
        const { moved, events } = await exclusively(() => advanceAll(live.values()));
        const every = events < largePageEvents ? pageEveryMs : afterLargePageMs;
        if (moved === 'nowhere') await wake.sleep(idleMs);
        else if (moved === 'to-head') await pause(begun + every - performance.now(), signal);
      }
    } finally {
      ended.abort();
      await building.catch(() => undefined);
    }
    if (fault !== undefined) throw (fault as { error: unknown }).error;
  };

  const pause = (ms: number, signal: AbortSignal): Promise<void> =>
    ms < 1 ? Promise.resolve() : sleep(ms, undefined, { signal }).catch(() => undefined);

  /** After a fault the standing is read afresh: whatever another process or a lost connection did. */
  const run = async (signal: AbortSignal): Promise<void> => {
    signal.addEventListener('abort', wake.call);
    while (!signal.aborted) {
      try {
        await lead(signal);
      } catch (error) {
        onError(error);
        await pause(retryMs, signal);
      }
    }
  };

  const led = whileLeading({ url: leaderUrl, key: 'projector', log: logLine, run });
  let unsubscribe: (() => void) | undefined;
  return {
    get leading() {
      return led.leading;
    },
    start() {
      unsubscribe = log.onAppended(wake.call);
      led.start();
    },
    async stop() {
      unsubscribe?.();
      await led.stop();
    },
  };
};
