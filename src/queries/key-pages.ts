/**
 * The keys that a filter selects, page by page from one snapshot of the database, so that all of them
 * answer for the same position. The transaction is read-only and ends with the iteration.
 */
import type { Rows } from '../access/principal.ts';
import type { Db, Tx } from '../db/pool.ts';
import { openSnapshot } from '../db/snapshot.ts';
import type { Known } from './catalogue.ts';
import type { Filter } from './filter.ts';
import { type Readable, requireColumns } from './live-tables.ts';
import type { KeyPage } from './request.ts';
import type { ReachingOf } from './scope/reach.ts';
import type { Reach } from './sql/reach.ts';
import { selectRows } from './sql/select-rows.ts';

const pageKeysMax = 10_000;

interface Selection {
  readonly source: Readable;
  readonly reach: Reach;
  readonly known: Known;
  readonly filter: Filter;
}

/** undefined: a table no longer answers for the projection. */
const readKeys = async (
  tx: Tx,
  { source, reach, known: { shape }, filter }: Selection,
  last: string | undefined,
): Promise<KeyPage | undefined> => {
  const { sql, parameters } = selectRows({
    source,
    reach,
    columns: [],
    filter,
    sort: [{ column: shape.key, descending: false }],
    after: last === undefined ? undefined : [last],
    limit: pageKeysMax,
  });
  const { rows } = await tx.query<Record<string, unknown>>(sql, [...parameters]);
  if (rows[0] === undefined) return undefined;
  const keys = rows.map((row) => row[shape.key.name]).filter((key) => typeof key === 'string');
  return { keys, position: Number(rows[0]._at) };
};

export async function* keyPages(
  pool: Db,
  reaching: ReachingOf,
  known: Known,
  rows: Rows,
  filter: Filter,
): AsyncGenerator<KeyPage> {
  const begun = await reaching(known, rows).readNow(async (source, reach) => {
    requireColumns(source, known.shape, filter, []);
    const selection = { source, reach, known, filter };
    const snapshot = await openSnapshot(pool);
    const page = await readKeys(snapshot.tx, selection, undefined).catch(async (error: unknown) => {
      await snapshot.end();
      throw error;
    });
    if (page !== undefined) return { snapshot, selection, page };
    await snapshot.end();
    return undefined;
  });
  const { snapshot, selection } = begun;
  try {
    let page: KeyPage | undefined = begun.page;
    while (page !== undefined) {
      yield page;
      if (page.keys.length < pageKeysMax) return;
      page = await readKeys(snapshot.tx, selection, page.keys.at(-1));
    }
  } finally {
    await snapshot.end();
  }
}
