/**
 * The format of a provable export: NDJSON that stands for itself. A head, then for every position of the range
 * exactly one line (the event where it matches the filter, otherwise its entry), then an end that counts them.
 * Every line names the leaf as it was sealed, and the head the hashes that make a signed root of those leaves:
 * so whoever has the log's verifier key finds what was altered, taken out, left out or added.
 */
import type { RecordedEvent, StoredEvent } from '../../events/envelope.ts';
import type { Entry } from '../transparency/entry.ts';

export const exportFormat = 'quarterdeck-audit-export/1';

/** Of fields that entries carry: whether a match was left out can be told for these alone. */
export interface EntryFilter {
  readonly stream?: string;
  readonly actor?: string;
  readonly tool?: string;
  readonly type?: string;
  readonly command?: string;
  readonly correlationId?: string;
  /** Recorded then or later, `YYYY-MM-DDTHH:MM:SS.ffffffZ`. */
  readonly from?: string;
  /** Recorded then or earlier. */
  readonly to?: string;
}

export const entryFilterFields = ['stream', 'actor', 'tool', 'type', 'command', 'correlationId'] as const;

export interface ExportHead {
  readonly format: typeof exportFormat;
  /** Of the log; the name of the key that signs its checkpoints. */
  readonly origin: string;
  readonly filter: EntryFilter;
  /** Lines follow for the positions behind `after`, up to and with `upTo`. */
  readonly after: number;
  readonly upTo: number;
  /** `csv`: every line is an entry, and the events are in a file of their own. */
  readonly events: 'here' | 'csv';
  /** The signed note. */
  readonly checkpoint: string;
  /** Base64: the complete subtrees before the range, left to right; and those behind it. */
  readonly before: readonly string[];
  readonly behind: readonly string[];
}

/** `leaf`: base64, as sealed. */
export type ExportLine =
  | { readonly leaf: string; readonly stored: StoredEvent; readonly event?: RecordedEvent }
  | { readonly leaf: string; readonly entry: Entry }
  /** The log had no event there. */
  | { readonly leaf: string; readonly missing: number };

export interface ExportEnd {
  readonly end: {
    readonly events: number;
    readonly entries: number;
    readonly missing: number;
  };
}

/** Columns of the events in CSV: `data` and `metadata` are JSON as stored. */
export const csvColumns = [
  'position',
  'id',
  'stream',
  'version',
  'type',
  'schemaVersion',
  'recordedAt',
  'data',
  'metadata',
] as const;

/** What filters look at. */
export type FilteredFields = {
  readonly [name in (typeof entryFilterFields)[number]]?: string | undefined;
} & Pick<Entry, 'recordedAt'>;

export const matches = (filter: EntryFilter, entry: FilteredFields): boolean =>
  entryFilterFields.every((field) => filter[field] === undefined || filter[field] === entry[field]) &&
  (filter.from === undefined || entry.recordedAt >= filter.from) &&
  (filter.to === undefined || entry.recordedAt <= filter.to);
