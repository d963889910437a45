/**
 * What can be asked of the log as an audit log, and what it answers. Nothing here knows HTTP. Every
 * function throws `QuarterdeckError`: not_permitted, not_found (no such stream), invalid_input (with path
 * and remedy), malformed_request (a cursor that is none of ours).
 */
import type { Origin } from '../access/origin.ts';
import type { ActorRef, RecordedEvent, Timestamp } from '../events/envelope.ts';

/** The filters as they came in the query string; absent ones restrict nothing. */
export interface EventFilter {
  readonly stream?: string;
  /** The opaque id of who acted. E-mail addresses are encrypted and cannot be searched. */
  readonly actor?: string;
  readonly type?: string;
  readonly command?: string;
  readonly tool?: string;
  /** A stream or a person that the event is about, as one of its own or by reference. */
  readonly about?: string;
  /** How it ended: one of `outcomes`. */
  readonly outcome?: string;
  /** Words that its reason has, all of them, in any order. */
  readonly reason?: string;
  readonly correlation?: string;
  readonly bulkJob?: string;
  readonly commandId?: string;
  readonly session?: string;
  /** ISO 8601 with zone; inclusive. */
  readonly from?: string;
  /** ISO 8601 with zone; inclusive. */
  readonly to?: string;
}

export type Order = 'oldest' | 'newest';

export interface SearchRequest extends Origin {
  readonly filter: EventFilter;
  /**
   * Only events behind this position, in the order asked for: a `nextCursor` of the page before, or any
   * position.
   */
  readonly after?: string;
  /** `oldest` first unless told. */
  readonly order?: string;
  /** 100 unless told; at most 1,000. */
  readonly limit?: number;
}

export interface EventPage {
  readonly data: readonly RecordedEvent[];
  /** The next `after`; null at the end of what there is. */
  readonly nextCursor: string | null;
  /** The head of the log when it was read. */
  readonly position: number;
}

export interface ExportRequest extends Origin {
  readonly filter: EventFilter;
  readonly after?: string;
  readonly order?: string;
  readonly format: 'ndjson' | 'csv';
}

export interface EventExport {
  /** The head of the log when the export began; it goes no further. */
  readonly position: number;
  /** In the order asked for, bounded in memory, without a transaction that stays open. */
  readonly events: AsyncIterable<RecordedEvent>;
}

export interface ReplayRequest extends Origin {
  readonly stream: string;
  /** A position or a time (ISO 8601 with zone); the whole stream without it. */
  readonly at?: string;
}

export interface ReplayedState {
  readonly version: number;
  readonly position: number;
  readonly type: string;
  readonly recordedAt: Timestamp;
  readonly actor: ActorRef & { readonly email?: string; readonly name?: string };
  readonly tool: string;
  readonly command: string | null;
  readonly reason: string | null;
  readonly reference: string | null;
  /** null before the first event, and for streams that have no state (`$…`). */
  readonly before: object | null;
  readonly after: object | null;
  /** JSON Patch (RFC 6902) from `before` to `after`. */
  readonly diff: readonly object[];
}

export interface Replay {
  readonly stream: string;
  readonly states: readonly ReplayedState[];
}

export interface Audit {
  search(request: SearchRequest): Promise<EventPage>;
  /** Recorded before the first event is handed out. */
  exportEvents(request: ExportRequest): Promise<EventExport>;
  replay(request: ReplayRequest): Promise<Replay>;
}
