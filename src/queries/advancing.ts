/**
 * Advances live projections: those that stand at the same position read each page once and commit
 * together. One that fails stops alone and loudly; a checkpoint beyond the head of the log (another
 * database, a restored backup) stops its projections rather than guess.
 */

import type { Db } from '../db/pool.ts';
import { applyPage, type Failure } from './apply.ts';
import type { FoldLog } from './folded-events.ts';
import type { Progress } from './progress.ts';
import { setError } from './sql/projections.ts';
import type { OpenTable } from './tables.ts';

/** A projection that this process keeps up to date. */
export interface Live {
  readonly table: OpenTable;
  position: number;
  stopped: boolean;
}

/** Whether there was nothing new, or a page up to the head, or one that left more behind it. */
export type Moved = 'nowhere' | 'to-head' | 'a-page';

export interface AdvancingDeps {
  readonly pool: Db;
  readonly log: FoldLog;
  readonly progress: Pick<Progress, 'announce'>;
  readonly onError: (error: unknown) => void;
}

const pageEventsMax = 2_000;
/** Positions looked through at once: where events of these types are rare, a read must still end soon. */
const windowPositions = 50_000;

/** One that lags far behind reads pages of its own and holds nobody up. */
const byPosition = (live: Iterable<Live>): Map<number, Live[]> => {
  const groups = new Map<number, Live[]>();
  for (const one of live) {
    if (!one.stopped) groups.set(one.position, [...(groups.get(one.position) ?? []), one]);
  }
  return groups;
};

export const createAdvancing = ({ pool, log, progress, onError }: AdvancingDeps) => {
  const halt = async (one: Live, why: string, cause?: unknown): Promise<void> => {
    one.stopped = true;
    const { name } = one.table.known.definition;
    onError(new Error(`the projection ${name} stopped at position ${one.position}: ${why}`, { cause }));
    await pool.query({ ...setError, values: [one.table.id, why] });
  };

  const haltFailed = async (group: readonly Live[], failures: readonly Failure[]): Promise<void> => {
    for (const { table, error } of failures) {
      const one = group.find((l) => l.table === table);
      if (one !== undefined) await halt(one, `It cannot take an event in: ${String(error)}`, error);
    }
  };

  const requireHead = async (group: readonly Live[], position: number): Promise<void> => {
    const head = (await log.head()).position;
    if (head >= position) return;
    const why = `Its checkpoint ${position} is beyond the head of the log, ${head}.`;
    for (const one of group) await halt(one, why);
  };

  /** One page for the projections that stand at `from`. */
  const advance = async (group: readonly Live[], from: number): Promise<Moved> => {
    const types = [...new Set(group.flatMap(({ table }) => table.known.definition.events))];
    const upTo = from + windowPositions;
    const page = await log.readClear({ after: from, upTo, limit: pageEventsMax, types, follows: true });
    if (page.position === from) {
      await requireHead(group, from);
      return 'nowhere';
    }
    const tables = group.map(({ table }) => table);
    const failures = await applyPage(pool, tables, { events: page.events, from, to: page.position });
    await haltFailed(group, failures);
    for (const one of group) if (!one.stopped) one.position = page.position;
    progress.announce(page.position);
    return page.events.length < pageEventsMax && page.position < upTo ? 'to-head' : 'a-page';
  };

  /** A page for every group; the answer is that of the group with most left to do. */
  return async (live: Iterable<Live>): Promise<Moved> => {
    const moved = new Set<Moved>();
    for (const [from, group] of byPosition(live)) moved.add(await advance(group, from));
    return (['a-page', 'to-head'] as const).find((one) => moved.has(one)) ?? 'nowhere';
  };
};
