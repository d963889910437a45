/**
 * Topic `log`: the newest events as envelopes, without their data and without whatever is encrypted.
 * Engine events (`$…` streams) are neither shown nor do they wake anybody, nor are events of rows that
 * whoever listens does not reach.
 */

import { isEveryRow, type Rows } from '../../access/principal.ts';
import { notPermitted } from '../../errors.ts';
import type { EventData } from '../../events/definition.ts';
import { isEngineStream, type StoredEvent } from '../../events/envelope.ts';
import type { EventLog } from '../../events/log.ts';
import type { Reached } from '../../queries/scope/reached.ts';
import type { Feed, Reading, TopicKind } from './topic.ts';

const permission = 'audit:read';
const shownMax = 50;
/** How far back a snapshot looks for events worth showing; behind bulk work most are engine events. */
const lookBack = 500;

type LogPort = Pick<EventLog, 'head' | 'readStored' | 'onAppended'>;

interface Ports {
  readonly log: LogPort;
  readonly reached: Pick<Reached, 'streams'>;
}

export const logTopic = (ports: Ports): TopicKind => ({
  open: (name, principal) => {
    if (name !== 'log') return undefined;
    if (!principal.permissions.has(permission)) throw notPermitted(permission);
    const rows = principal.permissions.rows(permission);
    return { view: isEveryRow(rows) ? '' : JSON.stringify(rows), feed: () => logFeed(ports, rows) };
  },
  onChange: (listener) => ports.log.onAppended(listener),
});

const logFeed = ({ log, reached }: Ports, rows: Rows): Feed => {
  let seen: number | undefined;
  const shownAfter = async (after: number, upTo: number): Promise<readonly object[]> => {
    const { events } = await log.readStored({ after, upTo, limit: lookBack });
    const own = events.filter((event) => !isEngineStream(event.stream));
    const streams = await reached.streams(
      own.map(({ stream }) => stream),
      rows,
    );
    return own
      .filter(({ stream }) => streams.has(stream))
      .slice(-shownMax)
      .map(envelopeOf);
  };
  const newest = async (): Promise<Reading> => {
    const head = (await log.head()).position;
    seen ??= head;
    return { seq: head, data: await shownAfter(Math.max(0, head - lookBack), head) };
  };
  return {
    snapshot: newest,
    changes: async () => {
      const head = (await log.head()).position;
      const after = Math.max(seen ?? head, head - lookBack);
      const data = head > after ? await shownAfter(after, head) : [];
      seen = head;
      return data.length === 0 ? undefined : { seq: head, data };
    },
  };
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
