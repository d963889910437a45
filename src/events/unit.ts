/**
 * The unit of appending: what is accepted whole or refused whole. Shapes only.
 */
import type { EventData } from './definition.ts';
import type { Metadata } from './envelope.ts';

/** `base` is the version the stream must have now; `any` appends behind whatever is there. */
export interface StreamWrite {
  readonly stream: string;
  readonly base: number | 'any';
}

/** A stream that the decision depended on, at the version it had (0: it did not exist). */
export interface StreamRead {
  readonly stream: string;
  readonly version: number;
}

/** Something only one may hold (a name, an address), as an HMAC; `code` is the rule's rejection code. */
export interface Claim {
  readonly key: Buffer;
  readonly code: string;
}

/** An idempotency key, its fingerprint, and the answer to replay (positions are added on replay). */
export interface KeyUse {
  readonly key: Buffer;
  readonly fingerprint: Buffer;
  readonly answer: EventData;
  /** Index in `events` at which what this key stands for begins. */
  readonly firstEvent: number;
}

export interface UnitEvent {
  readonly stream: string;
  readonly type: string;
  readonly data: EventData;
  readonly metadata: Metadata;
}

export interface Unit {
  readonly writes: readonly StreamWrite[];
  readonly reads: readonly StreamRead[];
  readonly claims: readonly Claim[];
  readonly releases: readonly Buffer[];
  readonly keys: readonly KeyUse[];
  readonly events: readonly UnitEvent[];
}

/** An event ready to be stored. */
export interface EncodedEvent {
  readonly id: string;
  readonly stream: string;
  readonly type: string;
  readonly schemaVersion: number;
  /** JSON text. */
  readonly data: string;
  /** JSON text without its closing brace, alike for all events of a command or of a bulk round. */
  readonly common: string;
  /** The rest of the metadata's text: `,"commandId":"…"}`. */
  readonly own: string;
}

/** A unit whose events are checked, sealed and encoded. */
export interface PreparedUnit {
  readonly unit: Unit;
  readonly events: readonly EncodedEvent[];
}

export interface Appended {
  readonly position: number;
  readonly version: number;
}

export type Refusal =
  /** A write's or read's version is not what it was. */
  | { readonly cause: 'conflict'; readonly stream: string }
  | { readonly cause: 'claimed'; readonly code: string }
  | { readonly cause: 'duplicate'; readonly key: Buffer };

/** `events` lists position and version of each event, in the unit's order. */
export type UnitOutcome =
  | { readonly accepted: true; readonly events: readonly Appended[] }
  | ({ readonly accepted: false } & Refusal);
