/**
 * Events whose partition was moved to the archive. Their rows are still there and say everything but data, which is
 * null in JSON, and what metadata says beside the ids of command and bulk job: so versions, counts, positions, times
 * and whose an event is are answered as ever, and whoever wants to know more of it has it completed from the archive,
 * or is told why not (decision 36).
 */
import type { Queryable } from '../db/pool.ts';
import { QuarterdeckError } from '../errors.ts';
import type { StoredEvent } from './envelope.ts';
import { movedUpTo } from './sql/moved-partitions.ts';

export interface ArchivedEvents {
  /**
   * The stored form of each of these events, as JSON text, which was held against the sealed tree.
   * @throws QuarterdeckError `unavailable` where the archive cannot be read, and `internal` where what lies there is
   * not what was sealed; both name positions and file
   */
  textsAt(positions: readonly number[]): Promise<ReadonlyMap<number, string>>;
}

/** The last position whose partition was moved; 0 where none was. */
export const lastMoved = async (db: Queryable): Promise<number> => {
  const { rows } = await db.query<{ position: number }>(movedUpTo);
  return rows[0]?.position ?? 0;
};

/** Where nobody told where the archive is. */
export const noArchive: ArchivedEvents = {
  async textsAt(positions) {
    throw new QuarterdeckError(
      'unavailable',
      `${spanOf(positions)} was moved to the archive, and this process was not told where that is. Set QUARTERDECK_LOG_ARCHIVE.`,
    );
  },
};

/** `Position 7`, or `What is at positions 7 to 30`. */
export const spanOf = (positions: readonly number[]): string => {
  const first = positions.reduce((least, one) => Math.min(least, one), Number.MAX_SAFE_INTEGER);
  const last = positions.reduce((most, one) => Math.max(most, one), 0);
  return first === last ? `The event at position ${first}` : `What is at positions ${first} to ${last}`;
};

interface Row {
  readonly position: number;
  /** A type where the row is of an event at all. */
  readonly type: string | null;
  readonly data: unknown;
}

type Complete<R extends Row> = (row: R, event: StoredEvent) => R;

const isMoved = ({ type, data }: Row): boolean => type !== null && data === null;

const columnsLeft = ['id', 'stream', 'version', 'type', 'schemaVersion', 'recordedAt'] as const;

/** The archive's event was proven, so a row that is of another one was altered in the database. */
const requireSame = (row: Row, event: StoredEvent): void => {
  const left = row as Row & { readonly [name in (typeof columnsLeft)[number]]?: unknown };
  if (columnsLeft.every((name) => left[name] == null || left[name] === event[name])) return;
  throw new QuarterdeckError(
    'internal',
    `The row at position ${row.position} is not of the event that was sealed there and lies in the archive.`,
  );
};

/**
 * Rows as they are, those of moved events completed; the usual case costs a look at each.
 * @throws QuarterdeckError as `textsAt` does, and `internal` where the row that was left is not of that event
 */
export const completedFrom =
  (archived: ArchivedEvents) =>
  async <R extends Row>(rows: readonly R[], complete: Complete<R>): Promise<readonly R[]> => {
    if (!rows.some(isMoved)) return rows;
    const texts = await archived.textsAt(rows.filter(isMoved).map(({ position }) => position));
    return rows.map((row) => {
      if (!isMoved(row)) return row;
      const event = JSON.parse(texts.get(row.position) ?? 'null') as StoredEvent;
      requireSame(row, event);
      return complete(row, event);
    });
  };
