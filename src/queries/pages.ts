/**
 * Pages of rows for a plan, now or as of a position, from whichever table answers.
 */
import type { Db } from '../db/pool.ts';
import type { Column } from './columns.ts';
import type { Place } from './cursor.ts';
import { isGone, present, type Readable, requireColumns } from './live-tables.ts';
import type { Plan } from './plan.ts';
import type { Row } from './request.ts';
import type { ReachingOf } from './scope/reach.ts';
import { type Snapshots, snapshotBuilding } from './snapshots.ts';
import type { Reach } from './sql/reach.ts';
import { selectRows } from './sql/select-rows.ts';
import type { Value } from './values.ts';

/** A row as the table has it, with every column that was asked for. */
export type Stored = Readonly<Record<string, unknown>>;

export interface PageOfRecords {
  readonly records: readonly Stored[];
  readonly position: number;
}

export interface PageWanted {
  readonly plan: Plan;
  /** A position; undefined: now. */
  readonly asOf: number | undefined;
  readonly after: Place | undefined;
  readonly limit: number;
}

/** undefined: the table no longer answers. */
type ReadTable<T> = (source: Readable, reach: Reach) => Promise<T | undefined>;

export interface ReadPage {
  (wanted: PageWanted): Promise<PageOfRecords>;
  /** Whatever is to be read of the rows as of a position. */
  from<T>(plan: Plan, position: number, read: ReadTable<T>): Promise<T>;
}

/** The row as it is answered: an absent value is null where the schema says so, and otherwise left out. */
export const answered = (fields: readonly Column[], record: Stored): Row => {
  const row: Record<string, unknown> = {};
  for (const { name, nullable } of fields) {
    const value = record[name] ?? undefined;
    if (value !== undefined) row[name] = value;
    else if (nullable) row[name] = null;
  }
  return row;
};

/** Where a page that ended with this record goes on. */
export const placeOf = ({ sort }: Plan, record: Stored): Place =>
  sort.map(({ column }) => (record[column.name] ?? null) as Value | null);

/** How often a table may be dropped, to make room, between being found and being read. */
const snapshotsLostMax = 3;

export const createReadPage = (pool: Db, reaching: ReachingOf, snapshots: Snapshots): ReadPage => {
  /** undefined: the table no longer answers for the projection. */
  const readFrom = async (
    wanted: PageWanted,
    source: Readable,
    reach: Reach,
  ): Promise<PageOfRecords | undefined> => {
    const { plan, after, limit } = wanted;
    requireColumns(source, plan.known.shape, plan.filter, plan.sort);
    const { sql, parameters } = selectRows({
      source,
      reach,
      columns: present(source, plan.fields),
      filter: plan.filter,
      sort: plan.sort,
      after,
      limit,
    });
    const { rows } = await pool.query<Record<string, unknown>>(sql, [...parameters]);
    if (rows[0] === undefined) return undefined;
    const key = plan.known.shape.key.name;
    return { records: rows.filter((row) => row[key] !== null), position: Number(rows[0]._at) };
  };

  const readAsOf = async <T>({ known, rows }: Plan, asOf: number, read: ReadTable<T>): Promise<T> => {
    for (let n = 0; n < snapshotsLostMax; n++) {
      const source = await snapshots.tableAt(known, asOf);
      const found = await reaching(known, rows)
        .readAsOf(source, read)
        .catch((error: unknown) => {
          if (!isGone(error)) throw error;
        });
      if (found !== undefined) return found;
    }
    throw snapshotBuilding(asOf);
  };

  const readPage = (wanted: PageWanted): Promise<PageOfRecords> => {
    const { plan, asOf } = wanted;
    const read: ReadTable<PageOfRecords> = (source, reach) => readFrom(wanted, source, reach);
    return asOf === undefined ? reaching(plan.known, plan.rows).readNow(read) : readAsOf(plan, asOf, read);
  };
  return Object.assign(readPage, { from: readAsOf });
};
