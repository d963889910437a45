/**
 * The keys that a filter selects, page by page from one snapshot of the database, so that all of them
 * answer for the same position. The transaction is read-only and ends with the iteration.
 */
import type { Db, Tx } from '../db/pool.ts';
import { openSnapshot } from '../db/snapshot.ts';
import type { Known } from './catalogue.ts';
import type { Filter } from './filter.ts';
import { type LiveTables, type Readable, requireColumns } from './live-tables.ts';
import type { KeyPage } from './request.ts';
import { selectRows } from './sql/select-rows.ts';

const pageKeysMax = 10_000;

/** undefined: the table no longer answers for the projection. */
const readKeys = async (
  tx: Tx,
  source: Readable,
  { shape }: Known,
  filter: Filter,
  last: string | undefined,
): Promise<KeyPage | undefined> => {
  const { sql, parameters } = selectRows({
    source,
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
  liveTables: LiveTables,
  known: Known,
  filter: Filter,
): AsyncGenerator<KeyPage> {
  const begun = await liveTables.read(known, async (source) => {
    requireColumns(source, known.shape, filter, []);
    const snapshot = await openSnapshot(pool);
    const page = await readKeys(snapshot.tx, source, known, filter, undefined).catch(
      async (error: unknown) => {
        await snapshot.end();
        throw error;
      },
    );
    if (page !== undefined) return { snapshot, source, page };
    await snapshot.end();
    return undefined;
  });
  const { snapshot, source } = begun;
  try {
    let page: KeyPage | undefined = begun.page;
    while (page !== undefined) {
      yield page;
      if (page.keys.length < pageKeysMax) return;
      page = await readKeys(snapshot.tx, source, known, filter, page.keys.at(-1));
    }
  } finally {
    await snapshot.end();
  }
}
