/**
 * An effect: what a command does to the product's own data, where that stays the source of truth. Either in the
 * transaction of the append, where the product's tables are in the same database: both or neither; or delivered
 * afterwards, with the event's id as idempotency key, and recorded as applied or not applied.
 */
import type { Queryable } from '../../db/pool.ts';
import { QuarterdeckError } from '../../errors.ts';
import type { Metadata, RecordedEvent } from '../../events/envelope.ts';
import type { ReactorContext, Retrying } from '../reactors/definition.ts';

/** An event that stands in the log if the transaction commits. */
export type AppendedEvent = Pick<
  RecordedEvent,
  'position' | 'stream' | 'version' | 'type' | 'data' | 'metadata'
>;

/**
 * One set-based statement or few: the append lock is held meanwhile. Throws `refuse(code, message)` where the
 * product says no, and nothing is appended.
 */
export type InTransaction = (tx: Queryable, events: readonly AppendedEvent[]) => Promise<void>;

/** `notApplied`: the product will not do it, ever, and why. Throws where another attempt may help. */
export type Applied = 'applied' | { readonly notApplied: string };

export type Deliver = (
  event: RecordedEvent,
  context: Pick<ReactorContext, 'idempotencyKey' | 'attempt' | 'signal'>,
) => Promise<Applied>;

export interface EffectDefinition {
  /** kebab-case. A delivered one is the reactor `effect-<name>`. */
  readonly name: string;
  readonly summary: string;
  /** Commands whose events it is for. */
  readonly commands: readonly string[];
  /** Types of those events. */
  readonly events: readonly string[];
  /**
   * Actors whose own changes these are (`service:product`): the product reported them, and is not told what it
   * told us.
   */
  readonly except: readonly string[];
  readonly inTransaction: InTransaction | undefined;
  readonly deliver: Deliver | undefined;
  readonly retrying: Partial<Retrying>;
  readonly timeoutSeconds: number;
  readonly concurrency: number;
}

interface Options {
  readonly name: string;
  readonly summary: string;
  readonly commands: readonly string[];
  readonly events: readonly string[];
  readonly except?: readonly string[];
  readonly inTransaction?: InTransaction;
  readonly deliver?: Deliver;
  readonly retrying?: Partial<Retrying>;
  readonly timeoutSeconds?: number;
  readonly concurrency?: number;
}

/** @throws Error where it is neither in the transaction nor delivered, or both. */
export const defineEffect = (options: Options): EffectDefinition => {
  const { name, inTransaction, deliver } = options;
  if ((inTransaction === undefined) === (deliver === undefined))
    throw new Error(`the effect ${name} is either inTransaction or deliver`);
  if (options.commands.length === 0 || options.events.length === 0)
    throw new Error(`the effect ${name} names its commands and the types of their events`);
  return {
    ...options,
    inTransaction,
    deliver,
    except: options.except ?? [],
    retrying: options.retrying ?? {},
    timeoutSeconds: options.timeoutSeconds ?? 30,
    concurrency: options.concurrency ?? 16,
  };
};

/** Whether the effect is for an event, by what its metadata says. */
export const isFor = (
  { commands, except }: EffectDefinition,
  { command, actor }: Pick<Metadata, 'command' | 'actor'>,
): boolean => commands.includes(command ?? '') && !except.includes(actor.id);

/** The product says no: the command is refused with a code of the product's own. */
export const refuse = (code: string, message: string): QuarterdeckError =>
  new QuarterdeckError('rejected', message, { rejection: code });
