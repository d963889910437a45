/**
 * Writes what access did into the log, with metadata of one shape: who (opaque), from where, through
 * what. Names, addresses and e-mails go into the metadata alone, where the codec encrypts them under the
 * actor's key.
 */
import type { NewEvent } from '../events/definition.ts';
import type { ActorRef, Metadata, Timestamp } from '../events/envelope.ts';
import type { EventLog } from '../events/log.ts';
import { accessStream } from './engine-events.ts';
import type { Clock, NewId } from './ports.ts';
import type { Principal } from './principal.ts';

export interface Who {
  readonly actor: ActorRef;
  readonly tool: string;
  readonly sessionId?: string;
  readonly email?: string;
  readonly name?: string;
  readonly ip?: string;
  /** The command that it was about. */
  readonly command?: string;
  /** What it belongs to; else it stands for itself. */
  readonly correlationId?: string;
  readonly traceparent?: string;
}

/** Somebody who has not signed in. */
export const anonymous = (ip?: string): Who => ({
  actor: { id: 'anonymous', kind: 'person' },
  tool: 'none',
  ...(ip === undefined ? {} : { ip }),
});

export const whoIs = (principal: Principal, ip?: string): Who => ({
  actor: { id: principal.id, kind: principal.kind },
  tool: principal.tool,
  ...(principal.sessionId === undefined ? {} : { sessionId: principal.sessionId }),
  ...(principal.email === undefined ? {} : { email: principal.email }),
  ...(principal.name === undefined ? {} : { name: principal.name }),
  ...(ip === undefined ? {} : { ip }),
});

/** With the microseconds that the log's own times have. */
export const timestampOf = (time: Date): Timestamp => time.toISOString().replace('Z', '000Z');

export interface Recorder {
  record(event: NewEvent, who: Who): Promise<void>;
  metadata(who: Who): Metadata;
}

export const createRecorder = (log: Pick<EventLog, 'record'>, clock: Clock, newId: NewId): Recorder => {
  const metadata = (who: Who): Metadata => {
    const commandId = newId();
    return { correlationId: commandId, ...who, commandId, decidedAt: timestampOf(clock()) };
  };
  return {
    metadata,
    record: async (event, who) => {
      await log.record(accessStream, [event], metadata(who));
    },
  };
};
