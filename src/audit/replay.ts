/**
 * Replay: every state a stream went through, with who brought it about and why, folded by the very
 * definition that decisions are made on.
 */
import { createPatch } from 'rfc6902';
import type { Rows } from '../access/principal.ts';
import { invalidInput, QuarterdeckError } from '../errors.ts';
import { positionOf } from '../events/asked-moment.ts';
import type { RecordedEvent, StoredEvent, Timestamp } from '../events/envelope.ts';
import type { EventLog, Folding } from '../events/log.ts';
import type { Batches } from './reading.ts';
import type { Replay, ReplayedState, ReplayRequest } from './request.ts';
import type { StreamsReached } from './shown.ts';

// biome-ignore lint/suspicious/noExplicitAny: each stream keeps its own type of state; a list of them has none.
export type Replayable = Folding<any> & { readonly prefix: string };

/** A replay is one answer with two states an event, so it has an end. */
const eventsMax = 5_000;

interface Deps {
  readonly log: Pick<EventLog, 'head' | 'positionAt' | 'decode'>;
  readonly batches: Batches;
  readonly streams: readonly Replayable[];
  readonly clock: () => Timestamp;
  readonly streamsReached: StreamsReached;
}

export const createReplay = ({ log, batches, streams, clock, streamsReached }: Deps) => {
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

  return async ({ stream, at }: ReplayRequest, reached: Rows): Promise<Replay & { upTo: number }> => {
    const upTo = at === undefined ? (await log.head()).position : await positionOf('at', at, { log, clock });
    if (!(await streamsReached([stream], reached)).has(stream)) throw noSuchStream(stream);
    return { stream, states: statesOf(await eventsOf(stream, upTo), definitionOf(stream)), upTo };
  };
};

const noSuchStream = (stream: string): QuarterdeckError =>
  new QuarterdeckError('not_found', `There is no stream ${stream} at that moment.`);

const statesOf = (events: readonly RecordedEvent[], folding: Replayable | undefined): ReplayedState[] => {
  let state: object = folding?.initialState ?? {};
  let before: object | null = null;
  return events.map((event) => {
    if (folding !== undefined) state = folding.evolve(state, event) as object;
    const after = folding === undefined ? null : state;
    const replayed = { ...whoAndWhy(event), before, after, diff: createPatch(before, after) };
    before = after;
    return replayed;
  });
};

const whoAndWhy = ({ version, position, type, recordedAt, metadata }: RecordedEvent) => {
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
    reason,
    reference,
  };
};
