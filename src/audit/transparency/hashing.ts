/** A page of the log as leaf hashes. */
import { setImmediate as yieldToOthers } from 'node:timers/promises';
import type { Queryable } from '../../db/pool.ts';
import { type StoredPage, selectStoredPage } from './sql/leaves.ts';
import { leavesOfPage } from './stored-page.ts';

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
  const leaves = leavesOfPage(page);
  for (let done = 0; done < count; done += turnEvents) {
    if (!leaves.hash(turnEvents)) return { count, first, last, hashes: undefined };
    await yieldToOthers();
  }
  return { count, first, last, hashes: leaves.hashes };
};
