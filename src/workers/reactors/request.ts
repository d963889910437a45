/** Reactors as their operators see them: shapes of what is asked and answered. */
import type { Origin } from '../../access/origin.ts';
import type { Timestamp } from '../../events/envelope.ts';

export interface ReactorView {
  readonly name: string;
  /** null: it has a checkpoint, and no process that answers here defines it (any more). */
  readonly summary: string | null;
  readonly events: readonly string[];
  /** Every event up to here was read for it, and `lag` positions lie beyond. */
  readonly position: number;
  readonly lag: number;
  /** Waiting, queued or in hand; of these `retrying` failed before. */
  readonly pending: number;
  readonly retrying: number;
  /** Behind another one of their sequence that is not finished. */
  readonly held: number;
  readonly dead: number;
  /** Position of the oldest that is outstanding. */
  readonly oldest: number | null;
  /** Attempts that failed since the last one that succeeded. */
  readonly failures: number;
  /** `reason`: `repeated_failure` where it paused itself; null where somebody paused it. */
  readonly paused: { readonly at: Timestamp; readonly reason: string | null } | null;
}

export interface DeadLetter {
  readonly position: number;
  readonly eventId: string;
  readonly type: string;
  readonly stream: string;
  readonly recordedAt: Timestamp;
  readonly attempts: number;
  readonly failedAt: Timestamp;
  /** What the last attempt failed of; `[erased]` where it quoted somebody who was erased. */
  readonly error: string;
  /** Events of its sequence that wait for it. */
  readonly held: number;
}

export interface DeadLetterPage {
  readonly data: readonly DeadLetter[];
  /** To be given as `after`; null on the last page. */
  readonly nextCursor: number | null;
}

export interface ReactorAsked extends Origin {
  readonly name: string;
}

export interface DeadLettersAsked extends ReactorAsked {
  /** Position of the last one of the page before. */
  readonly after?: number;
  /** 1 to 500; 100 by default. */
  readonly limit?: number;
}

export interface DeadLetterAsked extends ReactorAsked {
  /** undefined: all of them. */
  readonly position?: number;
}

/**
 * Everything is refused without `reactors:read`, and what changes something without `reactors:steer`; dead letters
 * and steering also to roles that reach some rows only.
 */
export interface ReactorDesk {
  list(asked: Origin): Promise<{ readonly data: readonly ReactorView[]; readonly position: number }>;
  /** @throws QuarterdeckError `not_found` */
  deadLetters(asked: DeadLettersAsked): Promise<DeadLetterPage>;
  /** Attempted anew. How many. @throws QuarterdeckError `not_found` where there is none at that position */
  retry(asked: DeadLetterAsked): Promise<number>;
  /** Never to be handled. How many. @throws QuarterdeckError as `retry` */
  discard(asked: DeadLetterAsked): Promise<number>;
  /** What is in hand ends; nothing further begins, and its checkpoint waits. */
  pause(asked: ReactorAsked): Promise<ReactorView>;
  resume(asked: ReactorAsked): Promise<ReactorView>;
}
