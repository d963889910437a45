/**
 * An event as CloudEvents 1.0 in its JSON format (https://github.com/cloudevents/spec). What the format has no
 * word for are extension attributes, which are lower-case letters and digits by its rules.
 */
import type { RecordedEvent } from './envelope.ts';

export interface CloudEvent {
  readonly specversion: '1.0';
  /** Of the event; alike for every attempt. */
  readonly id: string;
  readonly source: string;
  readonly type: string;
  /** The stream. */
  readonly subject: string;
  readonly time: string;
  readonly datacontenttype: 'application/json';
  readonly data: Readonly<Record<string, unknown>>;
  readonly position: number;
  readonly streamversion: number;
  readonly schemaversion: number;
  readonly actor: string;
  readonly actorkind: string;
  readonly correlationid: string;
  readonly command?: string;
  readonly reference?: string;
  readonly bulkjobid?: string;
}

export interface Sent {
  /** Of this installation; a URI. */
  readonly source: string;
  /** Fields of its data that are left out. */
  readonly without: readonly string[];
}

export const cloudEventOf = (event: RecordedEvent, { source, without }: Sent): CloudEvent => {
  const { actor, correlationId, command, reference, bulkJobId } = event.metadata;
  return {
    specversion: '1.0',
    id: event.id,
    source,
    type: event.type,
    subject: event.stream,
    time: event.recordedAt,
    datacontenttype: 'application/json',
    data: Object.fromEntries(Object.entries(event.data).filter(([name]) => !without.includes(name))),
    position: event.position,
    streamversion: event.version,
    schemaversion: event.schemaVersion,
    actor: actor.id,
    actorkind: actor.kind,
    correlationid: correlationId,
    ...(command === undefined ? {} : { command }),
    ...(reference === undefined ? {} : { reference }),
    ...(bulkJobId === undefined ? {} : { bulkjobid: bulkJobId }),
  };
};
