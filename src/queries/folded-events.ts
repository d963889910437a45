/**
 * Events as projections see them: their data readable, their metadata without what is personal. Who the
 * actor was by name, from where and why is the actor's data and not the row's subject's: in a read model
 * it would outlive the actor's erasure.
 */
import type { RecordedEvent } from '../events/envelope.ts';
import type { EventLog } from '../events/log.ts';
import type { FoldedEvent } from './definition.ts';

export type FoldLog = Pick<EventLog, 'head' | 'readClear'>;

const clear = ({ email, name, ip, reason, ...rest }: RecordedEvent['metadata']): FoldedEvent['metadata'] =>
  rest;

/** Streams up to a position. */
export const readFoldedStreams = async (
  log: Pick<EventLog, 'readStreams'>,
  streams: readonly string[],
  upTo: number,
): Promise<readonly FoldedEvent[]> => {
  const events = await log.readStreams(streams, upTo);
  return events.map((event) => ({ ...event, metadata: clear(event.metadata) }));
};
