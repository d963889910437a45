/**
 * What can be asked of the read side and what it answers. Nothing here knows HTTP: a route hands over the
 * query string as it came and maps the answer to a body and headers; bulk hands over a `where`.
 *
 * Every function throws `QuarterdeckError`: not_found (no such projection or row), not_permitted,
 * invalid_input (with path and remedy), malformed_request (a forged or foreign cursor), unavailable and
 * snapshot_building (both with `retryAfterSeconds`), projection_behind.
 */
import type { Principal, Rows } from '../access/principal.ts';
import type { ColumnKind } from './columns.ts';

/** A row as it is answered: fields in the order of the schema, internal ones only where permitted. */
export type Row = Readonly<Record<string, unknown>>;

/** Who reads, and in what connection; goes into the metadata of recorded reads. */
export interface Reader {
  readonly principal: Principal;
  readonly ip?: string;
  readonly correlationId?: string;
  readonly traceparent?: string;
}

interface ReadRequest extends Reader {
  /** Name of a projection, as in the path. */
  readonly projection: string;
  /** From `Quarterdeck-Min-Position`: the answer is as of this position or later. */
  readonly minPosition?: number;
}

/**
 * `query` is the whole query string: filters (`status=active`, `monthlyCharges[gte]=50.00`) and the words
 * `sort`, `limit`, `cursor`, `fields`, `asOf`, `where`. Anything else is refused.
 */
export interface ListRequest extends ReadRequest {
  readonly query: URLSearchParams;
}

/** `query` takes `asOf` and `fields` only. */
export interface GetRequest extends ReadRequest {
  readonly key: string;
  readonly query: URLSearchParams;
}

/** `query` as for a list, without `limit` and `cursor`: an export is the whole result. */
export type ExportRequest = ListRequest;

export interface ListAnswer {
  readonly data: readonly Row[];
  /** null on the last page. */
  readonly nextCursor: string | null;
  /** The log position that the rows reflect; with `asOf`, the position it came to. */
  readonly position: number;
}

export interface GetAnswer {
  readonly data: Row;
  readonly position: number;
  /** For `ETag`: of the one stream that the row is built from; undefined where there are several. */
  readonly version: number | undefined;
}

export interface ExportColumn {
  readonly name: string;
  /** Whether it may hold free text, which a spreadsheet must not run as a formula. */
  readonly text: boolean;
}

/** The first page is read before the answer resolves, so that refusals and faults come before any byte. */
export interface ExportAnswer {
  readonly columns: readonly ExportColumn[];
  readonly rows: AsyncIterable<Row>;
  /** Of the first page; later pages may show later positions. With `asOf`, of all of it. */
  readonly position: number;
}

/**
 * For bulk: the keys that a filter selects. `where` is the JSON grammar of filters
 * (`{"status":"active","monthlyCharges":{"gte":"50.00"}}`); `{}` selects every row.
 */
export interface SelectKeysRequest extends ReadRequest {
  /** Without `minPosition`, the head of the log at the time of the request. */
  readonly where: unknown;
  /** Path of the field that holds it, for messages; `where` by default. */
  readonly path?: string;
}

/** Keys in ascending "C" order. Every page carries the one position that the whole selection is of. */
export interface KeyPage {
  readonly keys: readonly string[];
  readonly position: number;
}

export interface Queries {
  list(request: ListRequest): Promise<ListAnswer>;
  get(request: GetRequest): Promise<GetAnswer>;
  exportRows(request: ExportRequest): Promise<ExportAnswer>;
  /**
   * Yields at least one page, an empty one where nothing matches. All pages come from one snapshot, which
   * a read-only transaction holds until the iteration ends: leave the loop early or drain it, but do not
   * dwell in it (60 s between two pages end it).
   */
  selectKeys(request: SelectKeysRequest): AsyncIterable<KeyPage>;
  readonly copying: Copying;
}

/** What a copy is to hold. `where` as for `SelectKeysRequest`; without `fields` all that are shown unasked. */
export interface CopyAsked {
  readonly projection: string;
  readonly where?: unknown;
  readonly fields?: readonly string[] | undefined;
  /** A time or a position, as in `?asOf=`. */
  readonly asOf?: string | undefined;
}

export interface CopyField extends ExportColumn {
  readonly kind: ColumnKind;
}

/** A copy as it was understood. */
export interface Copied {
  readonly fields: readonly CopyField[];
  /** The filter, with `[personal]` in place of what was asked of a personal field: for the log. */
  readonly where: Readonly<Record<string, unknown>>;
  /** Which rows it holds, as far as the requester's permissions tell. */
  readonly rows: Rows;
}

export interface CopyRequest extends Reader, CopyAsked {
  /** A log position that was kept (`keepNow`) or that `asOf` came to. */
  readonly position: number;
  readonly pageRows: number;
}

/**
 * Copies that take their time (exports). Everything is permitted anew at every call, for whoever asks then;
 * personal fields, shown or filtered by, need `exports:personal` beside what reading them needs.
 */
export interface Copying {
  /** What was asked, checked; nothing is read. `position` is what `asOf` came to. */
  settle(request: Reader & CopyAsked): Promise<Copied & { readonly position: number | undefined }>;
  /** The rows that somebody reaches with what was asked. */
  reaches(request: Reader & CopyAsked): Rows;
  /**
   * Keeps the rows as they are now, at the position that is answered, or later than `atLeast` once the
   * projection is as far. What is kept is dropped when it was not read for a while, and made anew when read.
   */
  keepNow(request: Reader & CopyAsked, atLeast: number): Promise<number>;
  /**
   * Every page in the order of keys, all of them of one position; may take any time and hold nothing open.
   * A page is on record before it is yielded, where fields are whose reading is recorded.
   *
   * @throws QuarterdeckError as every query; `snapshot_building` from pages too: ask again for the whole.
   */
  read(
    request: CopyRequest,
  ): Promise<Copied & { readonly total: number; readonly pages: AsyncIterable<readonly Row[]> }>;
}

/** One projection's standing, for health, metrics and the topic `system`. */
export interface ProjectionStanding {
  readonly name: string;
  readonly version: number;
  /** `missing`: no version can answer yet. */
  readonly state: 'live' | 'building' | 'missing';
  readonly position: number;
  readonly lag: number;
  /** The checkpoint moved lately, or there is nothing to do. */
  readonly progressing: boolean;
  /** Why it stopped; undefined while it runs. */
  readonly error: string | undefined;
}

export interface ProjectionHealth {
  /** Every projection can answer and is at the head or progressing: behind but progressing is healthy. */
  readonly healthy: boolean;
  /** The true head of the log, asked for at this moment. */
  readonly head: number;
  readonly projections: readonly ProjectionStanding[];
}
