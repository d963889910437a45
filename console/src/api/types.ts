/** The shapes of the HTTP contract that the console reads. Unknown members and values are ignored. */

/** Microseconds in UTC, `YYYY-MM-DDTHH:MM:SS.ffffffZ`. */
export type Timestamp = string;

export interface Actor {
  readonly id: string;
  readonly kind?: string;
  readonly email?: string;
  readonly name?: string;
}

export interface Me {
  readonly principal: Actor;
  readonly roles: readonly string[];
  /** Grants; one may end in `*`. */
  readonly permissions: readonly string[];
  readonly tool: string;
}

/** Of somebody who is signed in; times are ISO 8601. */
export interface Session {
  readonly id: string;
  readonly personId: string;
  readonly email?: string;
  readonly name?: string;
  readonly tool: string;
  readonly createdAt: Timestamp;
  readonly lastUsedAt: Timestamp;
  readonly expiresAt: Timestamp;
  /** Where somebody signed in from, and what their browser calls itself. */
  readonly ip?: string;
  readonly browser?: string;
  /** The one that the console itself has. */
  readonly current: boolean;
}

/** What somebody gave a tool, by which it may act as them; times are ISO 8601. */
export interface ToolGrant {
  readonly id: string;
  readonly personId: string;
  readonly email?: string;
  readonly name?: string;
  readonly tool: string;
  readonly givenAt: Timestamp;
  readonly expiresAt: Timestamp;
  /** The session that it ends with; null where it outlives it. */
  readonly sessionId: string | null;
}

export interface Page<Row> {
  readonly data: readonly Row[];
  readonly nextCursor?: string | number | null;
  readonly position?: number;
}

export interface One<Row> {
  readonly data: Row;
  readonly position?: number;
}

/** Money is a decimal string; internal fields are absent where they may not be read. */
export interface Account {
  readonly accountId: string;
  readonly name?: string | null;
  readonly ownerEmail?: string | null;
  readonly status: string;
  readonly plan: string;
  readonly contract: string;
  readonly paymentMethod?: string | null;
  readonly tenureMonths: number;
  readonly monthlyCharges: string;
  readonly totalCharges: string;
  readonly currency: string;
  readonly openedAt: Timestamp;
  readonly changedAt: Timestamp;
  readonly cost?: string | null;
  readonly margin?: string | null;
  readonly flags?: Readonly<Record<string, unknown>> | null;
}

export interface Job {
  readonly id: string;
  readonly command: string;
  readonly label?: string | null;
  readonly state: string;
  readonly dryRun: boolean;
  readonly requestedBy: Actor;
  readonly requestedAt: Timestamp;
  readonly startedAt?: Timestamp | null;
  readonly finishedAt?: Timestamp | null;
  readonly total: number;
  readonly succeeded: number;
  readonly unchanged: number;
  readonly rejected: number;
  readonly failed: number;
  readonly skipped?: number;
  readonly cancelled?: number;
  readonly ratePerSecond?: number | null;
  readonly etaSeconds?: number | null;
  readonly position?: number | null;
  readonly source?: string;
  readonly readAs?: Readonly<Record<string, string>>;
  readonly pausedReason?: string;
  readonly where?: Readonly<Record<string, unknown>>;
  readonly reason?: string;
  /** With `where`: the log position at or beyond which it was evaluated. */
  readonly frozenAt?: number;
  readonly retryOf?: string;
  readonly priority?: string;
  /** Until then it is accepted and nothing of it runs. */
  readonly startAt?: Timestamp;
  /** Items a second at most. */
  readonly maxRate?: number;
  /** The part of 1 that may fail or be rejected. */
  readonly maxFailureRatio?: number;
  /** Since when results are kept no longer. */
  readonly resultsExpiredAt?: Timestamp;
  /** The dry run whose items this job runs for real. */
  readonly from?: string;
  readonly undoOf?: string;
  readonly undoneBy?: string;
}

export interface ItemResult {
  readonly index: number;
  readonly line?: number | null;
  readonly target?: string | null;
  readonly outcome: string;
  readonly code?: string | null;
  readonly message?: string | null;
  readonly path?: string | null;
  readonly positions?: readonly number[];
  /** In a dry run: types of the events that there would be. */
  readonly wouldAppend?: readonly string[];
}

export interface LogEvent {
  readonly position: number;
  readonly id: string;
  readonly stream: string;
  readonly version: number;
  readonly type: string;
  readonly recordedAt: Timestamp;
  readonly data: Readonly<Record<string, unknown>>;
  readonly metadata: Readonly<Record<string, unknown>> & { readonly actor?: Actor };
}

/** One operation of a JSON Patch (RFC 6902). */
export interface Change {
  readonly op: string;
  readonly path: string;
  readonly from?: string;
  readonly value?: unknown;
}

export interface StreamState {
  readonly version: number;
  readonly position: number;
  readonly type: string;
  readonly recordedAt: Timestamp;
  readonly actor: Actor | string;
  readonly reason?: string | null;
  readonly before: unknown;
  readonly after: unknown;
  readonly diff: readonly Change[];
}

/** What a bulk job's file may be. */
export type UploadType =
  | 'text/csv'
  | 'application/x-ndjson'
  | 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet';
