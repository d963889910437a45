/** A page of the log as leaf hashes. */
import { setImmediate as yieldToOthers } from 'node:timers/promises';
import type { Queryable } from '../../db/pool.ts';
import type { StoredText } from '../../events/envelope.ts';
import { type StoredPage, selectStoredPage } from './sql/leaves.ts';
import { columnsOfPage, columnsOfTexts, leavesOfColumns, type StoredColumns } from './stored-page.ts';

export interface HashedPage {
  readonly count: number;
  /** null where there is no event. */
  readonly first: number | null;
  readonly last: number | null;
  /** 32 bytes each; undefined: an event is not stored as canonical JSON. */
  readonly hashes: Uint8Array | undefined;
}

/** Hashed in one turn of the event loop: half a millisecond. */
const turnEvents = 200;

/** Events behind `after` up to and with `upTo`. */
export const hashPage = async (db: Queryable, after: number, upTo: number): Promise<HashedPage> => {
  const { rows } = await db.query<StoredPage>({ ...selectStoredPage, values: [after, upTo] });
  const page = rows[0] as StoredPage;
  const { count, first, last } = page;
  return { count, first, last, hashes: await hashesOf(columnsOfPage(page)) };
};

/** The same of texts that were read already. */
export const hashTexts = async (events: readonly StoredText[]): Promise<HashedPage> => ({
  count: events.length,
  first: events[0]?.position ?? null,
  last: events.at(-1)?.position ?? null,
  hashes: await hashesOf(columnsOfTexts(events)),
});

const hashesOf = async (columns: StoredColumns | undefined): Promise<Uint8Array | undefined> => {
  if (columns === undefined) return undefined;
  const leaves = leavesOfColumns(columns);
  for (let done = 0; done < columns.ids.length; done += turnEvents) {
    if (!leaves.hash(turnEvents)) return undefined;
    await yieldToOthers();
  }
  return leaves.hashes;
};
