/**
 * Where items come from. A source is read once, in batches, as fast as its reader asks for it, so that an
 * upload of any size is never held whole. Whatever is wrong with a source as a whole stops it with a
 * `QuarterdeckError` before anything runs; whatever is wrong with one item is that item's own outcome.
 */
import type { EventData } from '../../events/definition.ts';

export interface SourceItem {
  /** Line of the upload at which it begins, from 1. */
  readonly line?: number;
  /** Its own part of the input, not validated yet. */
  readonly input: EventData;
}

export type Source = AsyncIterable<readonly SourceItem[]>;

/** Which column of the upload a field came from, for messages; undefined where there are no columns. */
export type ColumnOf = (field: string) => string | undefined;

/** Bounds of an upload, all stated in the refusals. */
export const itemsMax = 1_000_000;
export const rowBytesMax = 256 * 1024;

export const batchItems = 500;
