/** What bulk work needs from the rest of the program, as small as it is. */

import type { Origin } from '../access/origin.ts';
import type { Principal } from '../access/principal.ts';
import type { ActorKind, Timestamp } from '../events/envelope.ts';

/** Whom a job acts as. Roles are looked up afresh; the tool's scope is as it was at acceptance. */
export interface Requester {
  readonly id: string;
  readonly kind: ActorKind;
  readonly tool: string;
  /** Grants of the tool at acceptance; null: the tool narrows nothing. */
  readonly scope: readonly string[] | null;
}

export interface Requesters {
  /** What of a principal is frozen with a job. */
  scopeOf(principal: Principal): readonly string[] | null;
  /** The principal as they are now: roles ∩ the frozen scope; undefined where they may not sign in any more. */
  principalOf(requester: Requester): Promise<Principal | undefined>;
}

/** The read side, as far as a filter needs it: its `selectKeys`, and which rows have which key. */
export interface Selecting {
  readonly projections: readonly { readonly name: string; readonly keyField: string }[];
  selectKeys(
    request: Origin & { readonly projection: string; readonly where: unknown },
  ): AsyncIterable<{ readonly keys: readonly string[]; readonly position: number }>;
}

export type Clock = () => Timestamp;

/** Unique and never given twice; a UUID. */
export type NewId = () => string;

export type OnError = (error: unknown, doing: string) => void;
