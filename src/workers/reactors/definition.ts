/**
 * What a reactor is: a name, the event types it is told of, and what it does about them. Each event reaches
 * its handler at least once, in any process that works; what it does outside is made exactly once by the
 * receiver, who is given the event's id as idempotency key.
 */
import type { EventData } from '../../events/definition.ts';
import type { RecordedEvent } from '../../events/envelope.ts';
import type { Unit } from '../../events/unit.ts';

/** How often and when an attempt that failed is repeated, before the event becomes a dead letter. */
export interface Retrying {
  /** In all, the first among them. */
  readonly attemptsMax: number;
  /** Pause after the first failure; it doubles with each further one. */
  readonly firstSeconds: number;
  readonly secondsMax: number;
}

/** What a reactor may have carried out by the engine itself. */
export interface CommandAsked {
  readonly name: string;
  readonly input: object;
  /** Tells apart several commands of one event; the same one twice takes effect once. */
  readonly key?: string;
  readonly reason?: string;
}

export interface ReactorContext {
  /** The event's id: alike for every attempt at it. */
  readonly idempotencyKey: string;
  /** From 1. */
  readonly attempt: number;
  /** Aborts when the time is over or the process ends. */
  readonly signal: AbortSignal;
  /** Executes a command as the reactor, by the permissions of its definition; takes effect once an event. */
  readonly execute: (command: CommandAsked) => Promise<{ readonly position: number }>;
}

export type HandleEvent = (event: RecordedEvent, context: ReactorContext) => Promise<void>;

export interface ReactorDefinition {
  /** kebab-case; its checkpoint is kept under this name. */
  readonly name: string;
  readonly summary: string;
  readonly events: readonly string[];
  readonly handle: HandleEvent;
  /**
   * Events with the same key are handled one after the other, in the order of the log, and wait for one that is
   * retried or dead; undefined: in any order. A key is kept as an HMAC.
   */
  readonly sequence: ((event: RecordedEvent) => string | undefined) | 'stream' | undefined;
  /**
   * Where a reactor that was never there before begins; behind a position: one that was there does not lie before
   * it either.
   */
  readonly startAt: 'head' | 'beginning' | number;
  readonly retrying: Retrying;
  /** For one attempt. */
  readonly timeoutSeconds: number;
  /** Events handled at a time, in all processes together. */
  readonly concurrency: number;
  /** After so many failures in a row it pauses, until somebody resumes it; undefined: never. */
  readonly pauseAfter: number | undefined;
  /** For `execute`. */
  readonly permissions: readonly string[];
  /** What the log is to say of an event whose dead letter is discarded, in the transaction that does so. */
  readonly onDiscard?: (event: RecordedEvent) => Unit | undefined;
  /** By an event's metadata, the bulk job that waits until it is handled. */
  readonly countsFor?: (metadata: EventData) => string | undefined;
}

type Optional = 'sequence' | 'startAt' | 'timeoutSeconds' | 'concurrency' | 'pauseAfter' | 'permissions';

interface Options
  extends Omit<ReactorDefinition, Optional | 'retrying'>,
    Partial<Pick<ReactorDefinition, Optional>> {
  readonly retrying?: Partial<Retrying>;
}

const reactorName = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;

const bounded = (name: string, value: number, max: number): number => {
  if (Number.isInteger(value) && value >= 1 && value <= max) return value;
  throw new Error(`${name} must be a whole number from 1 to ${max}, not ${value}`);
};

/** @throws Error when the definition contradicts itself. */
export const defineReactor = (options: Options): ReactorDefinition => {
  const { name, summary, events, handle } = options;
  if (!reactorName.test(name) || name.length > 60)
    throw new Error(`reactor "${name}" needs a name in kebab-case of at most 60 characters`);
  if (events.length === 0) throw new Error(`reactor ${name} names no event types`);
  const retrying = { attemptsMax: 10, firstSeconds: 1, secondsMax: 600, ...options.retrying };
  bounded(`reactor ${name}: retrying.attemptsMax`, retrying.attemptsMax, 1_000);
  return {
    name,
    summary,
    events,
    handle,
    retrying,
    sequence: options.sequence,
    startAt: options.startAt ?? 'head',
    timeoutSeconds: bounded(`reactor ${name}: timeoutSeconds`, options.timeoutSeconds ?? 30, 3_600),
    concurrency: bounded(`reactor ${name}: concurrency`, options.concurrency ?? 16, 1_000),
    pauseAfter: options.pauseAfter,
    permissions: options.permissions ?? [],
    ...(options.onDiscard === undefined ? {} : { onDiscard: options.onDiscard }),
    ...(options.countsFor === undefined ? {} : { countsFor: options.countsFor }),
  };
};

/** A failure that no further attempt can cure: the event becomes a dead letter at once. */
export class GiveUp extends Error {
  override readonly name = 'GiveUp';
}

/** A failure whose other side said when to come again. */
export class RetryLater extends Error {
  override readonly name = 'RetryLater';
  readonly seconds: number;

  constructor(message: string, seconds: number) {
    super(message);
    this.seconds = seconds;
  }
}
