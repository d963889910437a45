/**
 * States as they were right before given events: for taking back what those did. One round trip for any
 * number of them; long streams are folded page by page, so that memory stays bounded.
 */
import { arrayText } from '../db/array-text.ts';
import type { Db } from '../db/pool.ts';
import { type ArchivedEvents, completedFrom } from './archived.ts';
import type { EventData } from './definition.ts';
import type { Encoding } from './encoding.ts';
import type { Folding, StateBefore } from './log.ts';
import { type BeforeRow, selectBefore } from './sql/states-before.ts';

/** Events of one stream in memory at once. */
const pageMax = 500;

interface Folded {
  readonly stream: string;
  readonly version: number;
  state: object;
}

export const createStatesBefore = (
  pool: Db,
  encoding: Pick<Encoding, 'decodeData'>,
  archived: ArchivedEvents,
) => {
  const completed = completedFrom(archived);

  const onto = async (folding: Folding, before: object, rows: readonly BeforeRow[]): Promise<object> => {
    const events = rows.flatMap(({ type, schemaVersion, data }) =>
      type === null ? [] : [{ type, schemaVersion: schemaVersion ?? 1, data: data ?? {} }],
    );
    const data = await encoding.decodeData(events, 'when-read');
    return events.reduce(
      (state, { type }, n) => folding.evolve(state, { type, data: data[n] as EventData }),
      before,
    );
  };

  return async (positions: readonly number[], folding: Folding): Promise<readonly StateBefore[]> => {
    const folded = new Map<number, Folded>();
    let open = positions.map((position, index) => ({ position, index, after: 0 }));
    while (open.length > 0) {
      const values = [
        arrayText(open.map(({ position }) => position)),
        arrayText(open.map(({ after }) => after)),
        pageMax,
      ];
      const { rows } = await pool.query<BeforeRow>({ ...selectBefore, values });
      const pages = pagesOf(await completed(rows, (row, { data }) => ({ ...row, data })));
      const next: typeof open = [];
      for (const [nth, page] of pages) {
        const one = open[nth - 1] as (typeof open)[number];
        const { stream, atVersion } = page[0] as BeforeRow;
        const known = folded.get(one.index) ?? { stream, version: atVersion, state: folding.initialState };
        known.state = await onto(folding, known.state, page);
        folded.set(one.index, known);
        if (page.length === pageMax) next.push({ ...one, after: page.at(-1)?.version ?? 0 });
      }
      open = next;
    }
    return positions.map((position, n) => {
      const found = folded.get(n);
      if (found === undefined) throw new Error(`there is no event at position ${position}`);
      return found;
    });
  };
};

const pagesOf = (rows: readonly BeforeRow[]): ReadonlyMap<number, readonly BeforeRow[]> => {
  const pages = new Map<number, BeforeRow[]>();
  for (const row of rows) {
    const page = pages.get(row.nth);
    if (page === undefined) pages.set(row.nth, [row]);
    else page.push(row);
  }
  return pages;
};
