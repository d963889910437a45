/**
 * Where items come from. A source is read once, in batches, as fast as its reader asks for it, so that an
 * upload of any size is never held whole. Whatever is wrong with a source as a whole stops it with a
 * `QuarterdeckError` before anything runs; whatever is wrong with one item is that item's own outcome.
 */
import type { FieldError } from '../../errors.ts';
import type { EventData } from '../../events/definition.ts';

export interface SourceItem {
  /** Line of the upload at which it begins (of a workbook: its row), from 1. */
  readonly line?: number;
  /** Its own part of the input, not validated yet. */
  readonly input: EventData;
  /** Cells that mean nothing, which no schema could tell. */
  readonly faults?: readonly FieldError[];
}

export type Source = AsyncIterable<readonly SourceItem[]>;

/** How an upload was read: what it said of itself, what it was told to be, or what was found in it. */
export interface ReadAs {
  /** `utf-8`, `utf-16le`, `utf-16be` or `windows-1252`. */
  readonly encoding?: string;
  /** `comma`, `semicolon` or `tab`. */
  readonly delimiter?: string;
  /** `point` or `comma`. */
  readonly decimal?: string;
  /** Name of the sheet of a workbook. */
  readonly sheet?: string;
}

export interface UploadSource {
  readonly items: Source;
  /** Known once the items were read. */
  readAs(): ReadAs;
}

/** Which column of the upload a field came from, for messages; undefined where there are no columns. */
export type ColumnOf = (field: string) => string | undefined;

/** Bounds of an upload, all stated in the refusals. */
export const itemsMax = 1_000_000;
export const uploadBytesMax = 500_000_000;
/** Of a row as text, in UTF-16 units: no more bytes than that where it is ASCII. */
export const rowCharsMax = 256 * 1024;

export const batchItems = 500;
