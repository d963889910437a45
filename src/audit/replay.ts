/**
 * Replay: every state a stream went through, with who brought it about and why, folded by the very
 * definition that decisions are made on.
 */
import { createPatch } from 'rfc6902';
import { QuarterdeckError } from '../errors.ts';
import type { RecordedEvent } from '../events/envelope.ts';
import type { EventLog, Folding } from '../events/log.ts';
import { positionOf } from './moment.ts';
import type { Replay, ReplayedState, ReplayRequest } from './request.ts';

// biome-ignore lint/suspicious/noExplicitAny: each stream keeps its own type of state; a list of them has none.
export type Replayable = Folding<any> & { readonly prefix: string };

export const createReplay = (log: EventLog, streams: readonly Replayable[]) => {
  /** The definition whose prefix is the longest that fits; engine streams have none. */
  const definitionOf = (stream: string): Replayable | undefined =>
    streams
      .filter(({ prefix }) => stream.startsWith(`${prefix}-`))
      .sort((a, b) => b.prefix.length - a.prefix.length)[0];

  return async ({ stream, at }: ReplayRequest): Promise<Replay & { upTo: number }> => {
    const upTo = at === undefined ? (await log.head()).position : await positionOf('at', at, log);
    const events = await log.readStreams([stream], upTo);
    if (events.length === 0)
      throw new QuarterdeckError('not_found', `There is no stream ${stream} at that moment.`);
    return { stream, states: statesOf(events, definitionOf(stream)), upTo };
  };
};

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
