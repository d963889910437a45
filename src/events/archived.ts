/**
 * Events whose partition was moved to the archive. Their rows are still there and say everything but data and
 * metadata, which are null in JSON: so versions, counts, positions and times are answered as ever, and whoever
 * wants to know more of such an event has it completed from the archive, or is told why not (decision 36).
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

/** Rows as they are, those of moved events completed; the usual case costs a look at each. */
export const completedFrom =
  (archived: ArchivedEvents) =>
  async <R extends Row>(rows: readonly R[], complete: Complete<R>): Promise<readonly R[]> => {
    if (!rows.some(isMoved)) return rows;
    const texts = await archived.textsAt(rows.filter(isMoved).map(({ position }) => position));
    return rows.map((row) =>
      isMoved(row) ? complete(row, JSON.parse(texts.get(row.position) ?? 'null') as StoredEvent) : row,
    );
  };

/**
 * The event in place of its row. @throws QuarterdeckError `internal` where the row that was left is not of that event:
 * the archive's was proven, so the database's was altered
 */
export const wholeEvent: Complete<StoredEvent> = (row, event) => {
  const { position, id, stream, version, type, recordedAt } = row;
  const alike =
    event.id === id &&
    event.stream === stream &&
    event.version === version &&
    event.type === type &&
    event.recordedAt === recordedAt;
  if (alike) return event;
  throw new QuarterdeckError(
    'internal',
    `The row at position ${position} is not of the event that was sealed there and lies in the archive.`,
  );
};
