/**
 * What a command is: one value, from which come the endpoint, the OpenAPI entry, the form in the
 * console, bulk execution, dry run and the audit entry. `decide` is pure: it takes plain values, and
 * time and permissions come in with the context.
 */
import type { z } from 'zod';
import type { EventData, NewEvent } from '../events/definition.ts';
import type { ActorRef, Timestamp } from '../events/envelope.ts';
import { personalFields } from '../events/personal.ts';
import type { StreamDefinition } from './stream.ts';

/** A rule said no. Not a fault: it is recorded, stored under the idempotency key and replayed. */
export interface Rejection {
  readonly rejection: string;
  readonly message: string;
}

/** No events means: nothing to change. */
export type Decision = readonly NewEvent[] | Rejection;

export const reject = (rejection: string, message: string): Rejection => ({ rejection, message });

export const isRejection = (decision: Decision): decision is Rejection => 'rejection' in decision;

/** Another stream that a decision depends on; the version it had becomes a condition of the append. */
export interface ReadDefinition<Input, State extends object, Read extends object> {
  readonly stream: StreamDefinition<Read, never>;
  /** The id in that stream; undefined when this input and state do not need it. */
  readonly id: (input: Input, state: State) => string | undefined;
}

export interface CommandContext<Reads = Readonly<Record<string, object>>> {
  readonly actor: ActorRef;
  /** Whether the principal holds a permission, for limits within a command. */
  readonly can: (permission: string) => boolean;
  readonly now: Timestamp;
  /** From `Quarterdeck-Reason`, or the input's own `reason`. */
  readonly reason?: string;
  readonly reference?: string;
  /** States of the streams named in `reads`; the initial state where an id was undefined or unused. */
  readonly read: Reads;
}

/** The command that takes this one back, and its input made from what was and what was asked. */
export interface Inverse<Input, State> {
  readonly command: string;
  /** undefined when this very execution cannot be taken back. `reason`: why it is, where somebody said so. */
  readonly input: (input: Input, before: State, why: { readonly reason?: string }) => EventData | undefined;
}

export interface CommandDefinition {
  readonly name: string;
  /** One sentence for the catalogue and the form. */
  readonly summary: string;
  readonly input: z.ZodObject;
  readonly stream: StreamDefinition;
  readonly id: (input: EventData) => string;
  readonly reads: Readonly<Record<string, ReadDefinition<EventData, object, object>>>;
  readonly decide: (input: EventData, state: object, context: CommandContext) => Decision;
  /** `<area>:<verb>`; checked before anything else is looked at. */
  readonly permission: string;
  /** Further permissions that this very input needs (a credit above a limit). */
  readonly alsoNeeds: (input: EventData) => readonly string[];
  /** All that `alsoNeeds` and `can` may ask for, so that a policy which grants them is not thought misspelt. */
  readonly mayNeed: readonly string[];
  /** Where it may run in bulk: the input field that holds an item's target id. */
  readonly bulk: { readonly field: string } | undefined;
  readonly needs: Needs;
  readonly inverse: Inverse<EventData, object> | undefined;
  /** Why no command takes it back; undefined where one does. */
  readonly irreversible: string | undefined;
  /** Whose personal data the marked input fields are. */
  readonly subject: (input: EventData) => string;
  readonly personal: readonly string[];
}

export interface Needs {
  /** `Quarterdeck-Reason`, or the input's own `reason` field, must be there. */
  readonly reason?: boolean;
  readonly reference?: boolean;
  /** A sign-in not older than this many minutes. */
  readonly freshSignInMinutes?: number;
  readonly approval?: boolean;
  /** Roles that reach some rows only do not count: what it does is about every row. */
  readonly everyRow?: boolean;
}

/** A field of inputs that names whose personal data is meant, as `accountId` does: by its name. */
export interface SubjectNaming {
  readonly field: z.ZodType<string>;
  /** The subject, as events have it. */
  readonly subject: (value: string) => string;
}

interface Options<Schema extends z.ZodObject, State extends object, Reads extends Record<string, object>> {
  readonly name: string;
  readonly summary: string;
  readonly input: Schema;
  readonly stream: StreamDefinition<State, never>;
  readonly id: (input: z.output<Schema>) => string;
  readonly reads?: { readonly [K in keyof Reads]: ReadDefinition<z.output<Schema>, State, Reads[K]> };
  readonly permission: string;
  readonly alsoNeeds?: (input: z.output<Schema>) => readonly string[];
  readonly mayNeed?: readonly string[];
  readonly bulk?: { readonly field: Extract<keyof z.output<Schema>, string> };
  readonly needs?: Needs;
  readonly inverse?: Inverse<z.output<Schema>, State>;
  /** In place of an inverse: why there is none, in a sentence for whoever is about to do it. */
  readonly irreversible?: string;
  readonly subject?: (input: z.output<Schema>) => string;
  readonly decide: (input: z.output<Schema>, state: State, context: CommandContext<Reads>) => Decision;
}

const noInverse = 'No command is declared that takes it back.';

const commandName = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;

/**
 * The types of input, state and reads are checked here, where they are known, and erased in the result:
 * the pipeline handles every command alike and always hands `decide` what this definition declared.
 * @throws Error when the definition contradicts itself.
 */
export const defineCommand = <
  Schema extends z.ZodObject,
  State extends object,
  Reads extends Record<string, object> = Record<never, never>,
>(
  options: Options<Schema, State, Reads>,
): CommandDefinition => {
  if (!commandName.test(options.name))
    throw new Error(`"${options.name}" is not a command name (kebab-case)`);
  if (options.inverse !== undefined && options.irreversible !== undefined)
    throw new Error(`${options.name} has an inverse and says that it is irreversible`);
  const stream = options.stream as unknown as StreamDefinition;
  const id = options.id as CommandDefinition['id'];
  return {
    name: options.name,
    summary: options.summary,
    input: options.input.strict(),
    stream,
    id,
    reads: (options.reads ?? {}) as unknown as CommandDefinition['reads'],
    decide: options.decide as unknown as CommandDefinition['decide'],
    permission: options.permission,
    alsoNeeds: (options.alsoNeeds ?? (() => [])) as CommandDefinition['alsoNeeds'],
    mayNeed: options.mayNeed ?? [],
    bulk: options.bulk,
    needs: options.needs ?? {},
    inverse: options.inverse as CommandDefinition['inverse'],
    irreversible: options.inverse === undefined ? (options.irreversible ?? noInverse) : undefined,
    subject:
      (options.subject as CommandDefinition['subject'] | undefined) ?? ((input) => stream.of(id(input))),
    personal: personalFields(options.input),
  };
};
