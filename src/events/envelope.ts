/**
 * The envelope: what is stored beside an event's data, and the shapes in which events travel through
 * the program. `RecordedEvent` is the readable form (decrypted, upcast); `StoredEvent` is what the
 * database holds and what hashes are taken over (personal fields as ciphertext, never upcast).
 */
import type { EventData } from './definition.ts';

/** UTC with microseconds, `YYYY-MM-DDTHH:MM:SS.ffffffZ`; sorts as text. */
export type Timestamp = string;

export type ActorKind = 'person' | 'service' | 'system';

export interface ActorRef {
  readonly id: string;
  readonly kind: ActorKind;
}

/** Metadata in the clear. Everything optional is absent rather than null. */
export interface Metadata {
  readonly actor: ActorRef;
  /** Where a worker acted for somebody: who really executed. */
  readonly executor?: ActorRef;
  readonly tool: string;
  readonly sessionId?: string;
  readonly command?: string;
  readonly commandId: string;
  readonly correlationId: string;
  readonly causationId?: string;
  readonly decidedAt: Timestamp;
  /** A ticket, given with `Quarterdeck-Reference`. */
  readonly reference?: string;
  readonly traceparent?: string;
  readonly bulkJobId?: string;
  readonly approval?: string;
  /** Encrypted under the actor's key: who they were by name, from where, and why. */
  readonly email?: string;
  readonly name?: string;
  readonly ip?: string;
  readonly reason?: string;
}

/** What is not about a person by name: projections see no more, so that no read model outlives an erasure. */
export type ClearMetadata = Omit<Metadata, 'email' | 'name' | 'ip' | 'reason'>;

interface Position {
  /** 1, 2, 3 … without gaps, in commit order. */
  readonly position: number;
  /** UUID v7. */
  readonly id: string;
  readonly stream: string;
  /** Per stream, from 1. */
  readonly version: number;
  readonly type: string;
  readonly schemaVersion: number;
  readonly recordedAt: Timestamp;
}

export interface RecordedEvent<Type extends string = string, Data = EventData> extends Position {
  readonly type: Type;
  readonly data: Data;
  readonly metadata: Metadata;
}

/** Readable but for what its metadata says of a person. */
export interface ClearEvent<Type extends string = string, Data = EventData> extends Position {
  readonly type: Type;
  readonly data: Data;
  readonly metadata: ClearMetadata;
}

/** As stored, its metadata still text: whoever folds most often does not look at it. */
export interface UnreadEvent extends Position {
  readonly data: EventData;
  readonly metadata: string;
}

/** As stored, to the letter. */
export interface StoredText extends Position {
  /** JSON. */
  readonly data: string;
  readonly metadata: string;
}

export interface StoredEvent extends Position {
  readonly data: EventData;
  readonly metadata: EventData;
}

/** Engine streams (`$sign-ins`, `$refusals` …) are reserved: commands of an area never write them. */
export const isEngineStream = (stream: string): boolean => stream.startsWith('$');

/** 1–64 of `A–Z a–z 0–9 . _ -`, not `.` or `..`: safe in stream names, paths and file names. */
export const idPattern = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,64}$/;
