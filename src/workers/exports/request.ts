/**
 * Exports as their callers see them: a copy of a projection, made as a job and downloaded as a file. Nothing here
 * knows HTTP. Every method checks permissions first: `exports:run` and what reading the fields needs to start;
 * an export is there for its owner (with `exports:run`) and for holders of `exports:read-all`, and a file for
 * whoever of them may read all of it at that moment.
 */
import type { Origin } from '../../access/origin.ts';
import type { ActorRef, Timestamp } from '../../events/envelope.ts';

export const exportStates = ['accepted', 'running', 'completed', 'failed', 'cancelled', 'expired'] as const;
export type ExportState = (typeof exportStates)[number];

export const exportFormats = ['csv', 'ndjson', 'xlsx'] as const;
export type ExportFormat = (typeof exportFormats)[number];

/** Of CSV: for people, text that a spreadsheet would run as a formula gets a `'`; raw leaves it as it is. */
export const escapes = ['people', 'raw'] as const;
export type Escape = (typeof escapes)[number];

/** PostgreSQL notification channel: its payload is the id of an export that changed. */
export const exportsChannel = 'quarterdeck_exports';

export interface Export {
  readonly id: string;
  /** The projection. */
  readonly query: string;
  readonly label: string | null;
  readonly state: ExportState;
  readonly format: ExportFormat;
  readonly escape?: Escape;
  readonly fields: readonly string[];
  readonly where: Readonly<Record<string, unknown>>;
  /** By name for whoever is shown label and filter; until the requester is erased. */
  readonly requestedBy: ActorRef & { readonly name?: string; readonly email?: string };
  readonly requestedAt: Timestamp;
  readonly startedAt: Timestamp | null;
  readonly finishedAt: Timestamp | null;
  /** When its file goes; while it is there. */
  readonly expiresAt: Timestamp | null;
  /** Rows written so far. */
  readonly rows: number;
  /** Rows there will be; null until they are counted. */
  readonly total: number | null;
  /** The one position that all rows are of; null until it is known. */
  readonly position: number | null;
  /** Size of the file as it is downloaded; with `completed`. */
  readonly bytes: number | null;
  /** With `completed`, for whoever may download it: hex, and what the log's commitment to it was salted with. */
  readonly sha256: string | null;
  readonly salt: string | null;
  /** With `failed`: why. */
  readonly error?: { readonly code: string; readonly message: string };
}

export interface ExportRequest extends Origin {
  readonly body: unknown;
  readonly idempotencyKey?: string;
}

export interface AcceptedExport {
  readonly export: Export;
  /** It was accepted by an earlier request with the same idempotency key. */
  readonly replayed: boolean;
}

export interface OneExport extends Origin {
  readonly id: string;
}

export interface ListExports extends Origin {
  readonly states?: readonly string[];
  readonly limit?: number;
  readonly cursor?: string;
}

/** From `start` up to and without `end`. */
export interface Part {
  readonly start: number;
  readonly end: number;
}

/** What is known of a file before any of it is sent. */
export interface ExportFile {
  readonly fileName: string;
  readonly format: ExportFormat;
  readonly bytes: number;
  /** Without quotes; strong: the same text is the same bytes. */
  readonly tag: string;
  readonly finishedAt: Timestamp;
  /** Recorded in the log before it resolves; what cannot be recorded is not sent. */
  open(part: Part): Promise<AsyncIterable<Buffer>>;
}

export interface Exports {
  /**
   * @throws QuarterdeckError not_found, not_permitted, invalid_input, too_many_requests, idempotency_key_reused,
   * idempotency_in_flight.
   */
  accept(request: ExportRequest): Promise<AcceptedExport>;
  list(request: ListExports): Promise<{
    readonly data: readonly Export[];
    readonly nextCursor: string | null;
    readonly position: number;
  }>;
  get(request: OneExport): Promise<Export>;
  /** @throws QuarterdeckError export_expired, rejected (`export_not_ready`), not_permitted, not_found. */
  file(request: OneExport): Promise<ExportFile>;
  /** @throws QuarterdeckError rejected (`export_ended`). */
  cancel(request: OneExport): Promise<Export>;
  /** Its file and key go now. @throws QuarterdeckError rejected (`export_running`). */
  remove(request: OneExport): Promise<Export>;
  /**
   * Ends exports that hold one of these fields of a projection, or are about to, because what they hold may not be
   * kept any more. How many there were.
   */
  withdraw(fields: Readonly<Record<string, readonly string[]>>): Promise<number>;
  /** Only which exports changed. */
  onProgress(listener: (changed: readonly Export[]) => void): () => void;
  /** A notification of `exportsChannel`. */
  heard(id: string): void;
  start(): Promise<void>;
  stop(): Promise<void>;
  standing(): ExportsStanding;
}

/** Of this process. */
export interface ExportsStanding {
  readonly rowsWritten: number;
  readonly inHand: number;
  readonly queueReachable: boolean;
}
