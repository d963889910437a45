/**
 * Puts the read side together. The API answers `queries`; the role projector runs `projector`; both may
 * be one process or many.
 */
import { createHmac } from 'node:crypto';
import type { Db } from '../db/pool.ts';
import type { Timestamp } from '../events/envelope.ts';
import type { EventLog } from '../events/log.ts';
import { askForRebuild } from './builder.ts';
import { type Catalogue, createCatalogue } from './catalogue.ts';
import { createCursors } from './cursor.ts';
import type { ProjectionDefinition } from './definition.ts';
import { createEraser, type ErasingRows } from './erasing.ts';
import { createLiveTables } from './live-tables.ts';
import { createNamedSnapshots, type NamedSnapshots } from './named-snapshots.ts';
import { createProgress, type Progress } from './progress.ts';
import { createProjector, type Projector } from './projector.ts';
import { createQueries } from './queries.ts';
import { createReadRecorder } from './reads.ts';
import type { ProjectionHealth, Queries } from './request.ts';
import { createJudging, type Judging } from './scope/judging.ts';
import { createReaching } from './scope/reach.ts';
import { createReached, type Reached } from './scope/reached.ts';
import { createScopes } from './scope/scope.ts';
import { createSnapshots } from './snapshots.ts';
import { createLag, createStandings } from './standings.ts';

export interface ReadSideOptions {
  readonly pool: Db;
  readonly log: EventLog;
  readonly projections: readonly ProjectionDefinition[];
  /** A direct connection for the projector's lock of leadership. */
  readonly leaderUrl: string;
  /** A secret shared by all processes; the key of cursors is derived from it. */
  readonly secret: Buffer;
  readonly clock: () => Timestamp;
  readonly newId: () => string;
  readonly onError: (error: unknown) => void;
  readonly logLine: (line: string) => void;
  /** How long a read waits for `Quarterdeck-Min-Position`. */
  readonly waitTimeoutMs?: number;
  /** How long a read as of a moment waits for its table. */
  readonly snapshotWaitMs?: number;
  /** How long a replaced table is kept for readers that are still at it. */
  readonly retiredSeconds?: number;
}

export interface ReadSide {
  readonly catalogue: Catalogue;
  /** For the write side: whether a command's rows are reached. */
  readonly judging: Judging;
  /** Which streams' rows are reached, exact at the head of the log. */
  readonly reached: Reached;
  readonly queries: Queries;
  /** All read models as of a position, under a name. */
  readonly named: NamedSnapshots;
  readonly projector: Projector;
  /** `heard()` is to be called on notifications of `projectedChannel`, and after a reconnect. */
  readonly progress: Progress;
  health(): Promise<ProjectionHealth>;
  /** Milliseconds by which the last of the read models is behind. */
  lagMs(): Promise<number>;
  /** Asks the leading projector to rebuild beside the version in force. @throws not_found. */
  rebuild(name: string): Promise<void>;
  /** Scrubs a person's fields from all read models, how many rows; to be called after the key was destroyed. */
  erase(subject: string, options?: ErasingRows): Promise<number>;
  /** Writes recorded reads and ends background work; the projector is stopped by its own `stop`. */
  stop(): Promise<void>;
}

export const createReadSide = (options: ReadSideOptions): ReadSide => {
  const { pool, log, clock, newId, onError, logLine, leaderUrl, secret } = options;
  const catalogue = createCatalogue(options.projections);
  const progress = createProgress({ pool, log, onError, timeoutMs: options.waitTimeoutMs ?? 5_000 });
  const snapshots = createSnapshots({ pool, log, onError, waitMs: options.snapshotWaitMs ?? 2_000 });
  const named = createNamedSnapshots({ pool, log, catalogue });
  const recordReads = createReadRecorder({ log, clock, newId, onError });
  const cursors = createCursors(createHmac('sha256', secret).update('quarterdeck cursors').digest());
  const scopes = createScopes(catalogue);
  const judging = createJudging(catalogue, scopes);
  const reached = createReached(log, judging, catalogue);
  const retired = options.retiredSeconds === undefined ? {} : { retiredSeconds: options.retiredSeconds };
  return {
    catalogue,
    judging,
    reached,
    progress,
    named,
    queries: createQueries({
      pool,
      log,
      clock,
      catalogue,
      reaching: createReaching(createLiveTables(pool), scopes),
      reached,
      snapshots,
      named,
      progress,
      cursors,
      recordReads,
    }),
    projector: createProjector({ pool, log, catalogue, progress, leaderUrl, onError, logLine, ...retired }),
    health: createStandings({ pool, log, catalogue }),
    lagMs: createLag({ pool, catalogue }),
    rebuild: async (name) => askForRebuild(pool, catalogue.get(name)),
    erase: createEraser({ pool, log, catalogue }),
    async stop() {
      await recordReads.stop();
      await snapshots.stop();
      await progress.stop();
    },
  };
};
