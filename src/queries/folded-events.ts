/**
 * Events as projections see them: their data readable, their metadata without what is personal. Who the
 * actor was by name, from where and why is the actor's data and not the row's subject's: in a read model
 * it would outlive the actor's erasure. It is also never decrypted here, which a rebuild of every event
 * feels (a third of its time).
 */
import { isSealed } from '../events/codec.ts';
import type { RecordedEvent, StoredEvent } from '../events/envelope.ts';
import type { EventLog, Page, ReadOptions } from '../events/log.ts';
import type { ClearMetadata, FoldedEvent } from './definition.ts';

export type FoldLog = Pick<EventLog, 'head' | 'readStored' | 'decode'>;

/** In plain loops: this runs for every event of a rebuild. */
const withoutSealed = (event: StoredEvent): StoredEvent => {
  const metadata: Record<string, unknown> = {};
  for (const name in event.metadata) {
    const value = event.metadata[name];
    if (!isSealed(value)) metadata[name] = value;
  }
  return { ...event, metadata };
};

const clear = ({ email, name, ip, reason, ...rest }: RecordedEvent['metadata']): ClearMetadata => rest;

/** A page of the log. */
export const readFolded = async (
  log: Pick<EventLog, 'readStored' | 'decode'>,
  options: ReadOptions,
): Promise<Page<FoldedEvent>> => {
  const { events, position } = await log.readStored(options);
  return { events: await log.decode(events.map(withoutSealed)), position };
};

/** Streams up to a position. */
export const readFoldedStreams = async (
  log: Pick<EventLog, 'readStreams'>,
  streams: readonly string[],
  upTo: number,
): Promise<readonly FoldedEvent[]> => {
  const events = await log.readStreams(streams, upTo);
  return events.map((event) => ({ ...event, metadata: clear(event.metadata) }));
};
