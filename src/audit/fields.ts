/**
 * Which fields of events somebody is shown who may look at the log: internal and personal ones only as far as
 * they may read them in the rows that the events are about. What is left out is absent, as in a row. Fields of
 * a type that nobody defines (any more) are for those who may see all fields.
 */
import { covers, type Principal, type Rows } from '../access/principal.ts';
import { isEngineStream, type RecordedEvent } from '../events/envelope.ts';
import { type FieldNotes, hiddenFields, type May } from '../events/field-notes.ts';
import type { RefsOf, StreamsReached } from './shown.ts';

/** Shows every field, whatever its own permission is. */
export const allFields = 'audit:all-fields';

/** What an event type says of its fields; undefined where nobody defines it. */
export type NotesOf = (type: string) => FieldNotes | undefined;

export interface ReadableEvent {
  readonly event: RecordedEvent;
  /** Names of personal fields that are shown: `NoteAdded.text`, `metadata.reason`. */
  readonly personal: readonly string[];
}

export interface Asking {
  readonly principal: Principal;
  /** The rows whose events are shown at all. */
  readonly rows: Rows;
}

export interface Fields {
  of(events: readonly RecordedEvent[], asking: Asking): Promise<readonly ReadableEvent[]>;
  /** For one stream; of the engine's own streams, whatever they are about. */
  mayOf(stream: string, permissions: Iterable<string>, asking: Asking): Promise<May>;
  /** Whether personal fields of such an event may be shown, of some row. */
  somePersonal(type: string, principal: Principal): boolean;
}

interface Options {
  readonly streamsReached: StreamsReached;
  readonly refsOf: RefsOf;
  readonly notesOf: NotesOf;
  /** A permission beside each field's own; undefined: there is none. */
  readonly everything?: string;
}

export const without = <T extends object>(whole: T, hidden: ReadonlySet<string>): T =>
  hidden.size === 0
    ? whole
    : (Object.fromEntries(Object.entries(whole).filter(([name]) => !hidden.has(name))) as T);

/** Permissions that the event's fields need; `undefined` stands for what only all fields' own gives. */
export const neededBy = (notes: FieldNotes | undefined): readonly string[] =>
  notes === undefined
    ? []
    : [...(notes.permission === undefined ? [] : [notes.permission]), ...Object.values(notes.internal ?? {})];

export const createFields = ({ streamsReached, refsOf, notesOf, everything }: Options): Fields => {
  /** For each permission the streams it may be used on; undefined: all. */
  const reachedBy = async (
    streams: readonly string[],
    permissions: Iterable<string>,
    { principal, rows }: Asking,
  ): Promise<ReadonlyMap<string, ReadonlySet<string> | undefined>> => {
    const { has, rows: rowsOf } = principal.permissions;
    const asked = [...new Set(permissions)].filter(has);
    const reached = await Promise.all(
      asked.map(async (one) =>
        covers(rowsOf(one), rows) ? undefined : await streamsReached(streams, rowsOf(one)),
      ),
    );
    return new Map(asked.map((one, n) => [one, reached[n]]));
  };

  const withEverything = (permissions: Iterable<string>): readonly string[] =>
    everything === undefined ? [...permissions] : [everything, ...permissions];

  const mayAt = (
    reached: ReadonlyMap<string, ReadonlySet<string> | undefined>,
    about: readonly string[],
  ): May => {
    const holds = (permission: string | undefined): boolean => {
      if (permission === undefined || !reached.has(permission)) return false;
      const streams = reached.get(permission);
      return streams === undefined || (about.length > 0 && about.every((stream) => streams.has(stream)));
    };
    const all = holds(everything);
    return (permission) => all || holds(permission);
  };

  return {
    async of(events, asking) {
      const about = events.map((event) => (isEngineStream(event.stream) ? refsOf(event) : [event.stream]));
      const needed = new Set(events.flatMap(({ type }) => neededBy(notesOf(type))));
      const reached = await reachedBy(about.flat(), withEverything(needed), asking);
      return events.map((event, n) => readable(event, notesOf(event.type), mayAt(reached, about[n] ?? [])));
    },
    async mayOf(stream, permissions, asking) {
      return mayAt(await reachedBy([stream], withEverything(permissions), asking), [stream]);
    },
    somePersonal(type, { permissions: { has } }) {
      const { permission, personal = [] } = notesOf(type) ?? {};
      const all = everything !== undefined && has(everything);
      return personal.length > 0 && (all || (permission !== undefined && has(permission)));
    },
  };
};

/**
 * The reason that a command was given goes with the personal fields: most often it is one of them, copied. By
 * id, e-mail and name the actor is told to whoever may look at the log: that is what it is for.
 */
const readable = (event: RecordedEvent, notes: FieldNotes | undefined, may: May): ReadableEvent => {
  const { reason, ...metadata } = event.metadata;
  const reasonShown = reason !== undefined && may(notes?.permission);
  const hidden = notes === undefined ? undefined : hiddenFields(notes, may);
  const every = notes === undefined && may(undefined);
  const data = hidden === undefined ? (every ? event.data : {}) : without(event.data, hidden);
  const personal = (notes?.personal ?? []).filter((name) => data[name] !== undefined);
  return {
    event: { ...event, data, metadata: reasonShown ? event.metadata : metadata },
    personal: [
      ...personal.map((name) => `${event.type}.${name}`),
      ...(reasonShown ? ['metadata.reason'] : []),
    ],
  };
};
