/**
 * Topic `log`: the newest events as envelopes, without their data and without whatever is encrypted.
 * Engine events (`$…` streams) are neither shown nor do they wake anybody.
 */

import { notPermitted } from '../../errors.ts';
import type { EventData } from '../../events/definition.ts';
import { isEngineStream, type StoredEvent } from '../../events/envelope.ts';
import type { EventLog } from '../../events/log.ts';
import type { Feed, Reading, TopicKind } from './topic.ts';

const permission = 'audit:read';
const shownMax = 50;
/** How far back a snapshot looks for events worth showing; behind bulk work most are engine events. */
const lookBack = 500;

type LogPort = Pick<EventLog, 'head' | 'readStored' | 'onAppended'>;

export const logTopic = (log: LogPort): TopicKind => ({
  open: (name, principal) => {
    if (name !== 'log') return undefined;
    if (!principal.permissions.has(permission)) throw notPermitted(permission);
    return { view: '', feed: () => logFeed(log) };
  },
  onChange: (listener) => log.onAppended(listener),
});

const logFeed = (log: LogPort): Feed => {
  let seen: number | undefined;
  const newest = async (): Promise<Reading> => {
    const head = (await log.head()).position;
    seen ??= head;
    return { seq: head, data: await shownAfter(log, Math.max(0, head - lookBack), head) };
  };
  return {
    snapshot: newest,
    changes: async () => {
      const head = (await log.head()).position;
      const after = Math.max(seen ?? head, head - lookBack);
      seen = head;
      const data = head > after ? await shownAfter(log, after, head) : [];
      return data.length === 0 ? undefined : { seq: head, data };
    },
  };
};

const shownAfter = async (log: LogPort, after: number, upTo: number): Promise<readonly object[]> => {
  const { events } = await log.readStored({ after, upTo, limit: lookBack });
  return events
    .filter((event) => !isEngineStream(event.stream))
    .slice(-shownMax)
    .map(envelopeOf);
};

const envelopeOf = ({ data: _data, metadata, ...envelope }: StoredEvent): object => ({
  ...envelope,
  metadata: inTheClear(metadata),
});

const clear = [
  'actor',
  'executor',
  'tool',
  'command',
  'commandId',
  'correlationId',
  'bulkJobId',
  'reference',
];

const inTheClear = (metadata: EventData): EventData =>
  Object.fromEntries(Object.entries(metadata).filter(([name]) => clear.includes(name)));
