/**
 * Replay: every state a stream went through, with who brought it about and why, folded by the very
 * definition that decisions are made on.
 */
import { createPatch } from 'rfc6902';
import type { Rows } from '../access/principal.ts';
import { invalidInput, QuarterdeckError } from '../errors.ts';
import { positionOf } from '../events/asked-moment.ts';
import type { RecordedEvent, StoredEvent, Timestamp } from '../events/envelope.ts';
import { type FieldNotes, hiddenFields, type May } from '../events/field-notes.ts';
import type { EventLog, Folding } from '../events/log.ts';
import { type Fields, type NotesOf, neededBy, without } from './fields.ts';
import type { Batches } from './reading.ts';
import type { Replay, ReplayedState, ReplayRequest } from './request.ts';
import type { StreamsReached } from './shown.ts';

// biome-ignore lint/suspicious/noExplicitAny: each stream keeps its own type of state; a list of them has none.
export type Replayable = Folding<any> & { readonly prefix: string; readonly notes?: FieldNotes };

/** A replay is one answer with two states an event, so it has an end. */
const eventsMax = 5_000;

interface Deps {
  readonly log: Pick<EventLog, 'head' | 'positionAt' | 'decode'>;
  readonly batches: Batches;
  readonly streams: readonly Replayable[];
  readonly clock: () => Timestamp;
  readonly streamsReached: StreamsReached;
  readonly notesOf: NotesOf;
  readonly fields: Pick<Fields, 'mayOf'>;
}

export const createReplay = (deps: Deps) => {
  const { log, batches, streams, clock, streamsReached, notesOf, fields } = deps;

  /** The definition whose prefix is the longest that fits; engine streams have none. */
  const definitionOf = (stream: string): Replayable | undefined =>
    streams
      .filter(({ prefix }) => stream.startsWith(`${prefix}-`))
      .sort((a, b) => b.prefix.length - a.prefix.length)[0];

  /** @throws QuarterdeckError not_found, invalid_input where there are more than one answer can hold. */
  const eventsOf = async (stream: string, upTo: number): Promise<readonly RecordedEvent[]> => {
    const { value } = await batches({ after: 0, upTo }, { stream }, eventsMax + 1).next();
    const rows: readonly StoredEvent[] = value ?? [];
    if (rows.length === 0) throw noSuchStream(stream);
    if (rows.length > eventsMax) {
      const last = rows[eventsMax - 1]?.position;
      throw invalidInput(
        'at',
        `must be ${last} or earlier: a replay holds at most ${eventsMax} events; search them by stream for more`,
      );
    }
    return log.decode(rows);
  };

  return async ({ stream, at, principal }: ReplayRequest, rows: Rows): Promise<Replayed> => {
    const upTo = at === undefined ? (await log.head()).position : await positionOf('at', at, { log, clock });
    if (!(await streamsReached([stream], rows)).has(stream)) throw noSuchStream(stream);
    const events = await eventsOf(stream, upTo);
    const definition = definitionOf(stream);
    const types = [...new Set(events.map(({ type }) => type))];
    const noted = definition?.notes;
    const needed = [...types.flatMap((type) => neededBy(notesOf(type))), ...neededBy(noted)];
    const may = await fields.mayOf(stream, needed, { principal, rows });
    const hidden = noted === undefined ? undefined : hiddenFields(noted, may);
    const every = types.every((type) => mayReadAll(notesOf(type), may));
    const view: View = {
      folding: hidden === undefined && !every ? undefined : definition,
      state: (state) => without(state, hidden ?? new Set()),
      reason: ({ type }) => may(notesOf(type)?.permission),
    };
    const states = statesOf(events, view);
    return { stream, states, upTo, personal: showsPersonal(states, noted, events.some(view.reason)) };
  };
};

/** What was replayed, and what its record says. */
interface Replayed extends Replay {
  readonly upTo: number;
  readonly personal: boolean;
}

/** What is shown of each event. */
interface View {
  /** undefined: no states. */
  readonly folding: Replayable | undefined;
  readonly state: (state: object) => object;
  readonly reason: (event: RecordedEvent) => boolean;
}

const mayReadAll = (notes: FieldNotes | undefined, may: May): boolean =>
  notes === undefined ? may(undefined) : hiddenFields(notes, may).size === 0;

const noSuchStream = (stream: string): QuarterdeckError =>
  new QuarterdeckError('not_found', `There is no stream ${stream} at that moment.`);

const statesOf = (events: readonly RecordedEvent[], { folding, ...view }: View): ReplayedState[] => {
  let state: object = folding?.initialState ?? {};
  let before: object | null = null;
  return events.map((event) => {
    if (folding !== undefined) state = folding.evolve(state, event) as object;
    const after = folding === undefined ? null : view.state(state);
    const told = whoAndWhy(event, view.reason(event));
    const replayed = { ...told, before, after, diff: createPatch(before, after) };
    before = after;
    return replayed;
  });
};

/** A definition without notes may hold anything. */
const showsPersonal = (
  states: readonly ReplayedState[],
  notes: FieldNotes | undefined,
  mayReasons: boolean,
): boolean =>
  states.some(
    ({ after, reason }) =>
      (mayReasons && reason !== null) ||
      (after !== null &&
        (notes === undefined || (notes.personal ?? []).some((name) => Object.hasOwn(after, name)))),
  );

const whoAndWhy = (event: RecordedEvent, withReason: boolean) => {
  const { version, position, type, recordedAt, metadata } = event;
  const { actor, email, name, tool, command = null, reason = null, reference = null } = metadata;
  const person = { ...(email === undefined ? {} : { email }), ...(name === undefined ? {} : { name }) };
  return {
    version,
    position,
    type,
    recordedAt,
    actor: { ...actor, ...person },
    tool,
    command,
    reason: withReason ? reason : null,
    reference,
  };
};
