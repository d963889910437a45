/**
 * A kind of stream: how its state follows from its events. The write side folds streams with it to
 * decide; the audit replay folds with it to show each state. Pure, and total: an event type it does not
 * know leaves the state as it is.
 */
import type { NewEvent } from '../events/definition.ts';
import type { FieldNotes } from '../events/field-notes.ts';

/** States are plain JSON: they are stored in snapshots and compared by the replay. */
export interface StreamDefinition<State extends object = object, Event extends NewEvent = NewEvent> {
  /** Of this view of the streams; another area may have a smaller view of the same ones. */
  readonly name: string;
  /** Streams are named `<prefix>-<id>`. */
  readonly prefix: string;
  readonly initialState: State;
  readonly evolve: (state: State, event: Event) => State;
  /** Raise it when the shape of the state changes: older snapshots are then ignored. */
  readonly stateVersion: number;
  /** The stream's name for an id. */
  readonly of: (id: string) => string;
  /** Whose personal data a state may hold; its snapshot is encrypted under that subject's key. */
  readonly subject: (state: State, stream: string) => string;
  /** Without notes a replay shows states to those alone who may read every field of the stream's events. */
  readonly notes?: FieldNotes;
}

/** Of a union: the fields that any of its members has. */
type FieldOf<State> = State extends unknown ? Extract<keyof State, string> : never;

interface Options<State extends object, Event extends NewEvent> {
  readonly prefix: string;
  /** The prefix by default. */
  readonly name?: string;
  readonly initialState: State;
  readonly evolve: (state: State, event: Event) => State;
  readonly stateVersion?: number;
  readonly subject?: (state: State, stream: string) => string;
  readonly notes?: {
    readonly permission?: string;
    readonly personal?: readonly FieldOf<State>[];
    readonly internal?: { readonly [K in FieldOf<State>]?: string };
  };
}

export const defineStream = <State extends object, Event extends NewEvent>(
  options: Options<State, Event>,
): StreamDefinition<State, Event> => ({
  name: options.name ?? options.prefix,
  prefix: options.prefix,
  initialState: options.initialState,
  evolve: options.evolve,
  stateVersion: options.stateVersion ?? 1,
  of: (id) => `${options.prefix}-${id}`,
  subject: options.subject ?? ((_state, stream) => stream),
  ...(options.notes === undefined ? {} : { notes: options.notes as FieldNotes }),
});
