/**
 * That a process of the service started and stopped, in the log. `process` is an id of its own for each start:
 * one that started and never stopped, while others came and went, has crashed or was killed. No host is named.
 */
import { z } from 'zod';
import { metadataOf } from './access/origin.ts';
import { systemPrincipal } from './access/principal.ts';
import { defineEvent, type NewEvent } from './events/definition.ts';
import type { EventLog } from './events/log.ts';

export const presenceStream = '$service';

const schema = z.object({
  process: z.string(),
  version: z.string(),
  /** What it does: all, api, worker, projector, or what the host program calls itself. */
  role: z.string(),
  environment: z.string().optional(),
});

export const ServiceStarted = defineEvent({ type: 'ServiceStarted', schema, refs: () => [] });

/** It drained: whatever was accepted is in the log before this. */
export const ServiceStopped = defineEvent({ type: 'ServiceStopped', schema, refs: () => [] });

export const presenceEvents = [ServiceStarted, ServiceStopped] as const;

/** How a process calls itself. */
export interface ToldPresence {
  readonly version: string;
  readonly role: string;
}

interface Deps {
  readonly log: Pick<EventLog, 'record'>;
  readonly clock: () => string;
  readonly newId: () => string;
  readonly environment: string | undefined;
}

export interface Presence {
  started(): Promise<void>;
  /** Does nothing where it never started. */
  stopped(): Promise<void>;
}

const silent: Presence = { started: async () => undefined, stopped: async () => undefined };

/** `told`: undefined where nothing of it shall be in the log. */
export const createPresence = (
  told: ToldPresence | undefined,
  { log, clock, newId, environment }: Deps,
): Presence => {
  if (told === undefined) return silent;
  const data = { process: newId(), ...told, ...(environment === undefined ? {} : { environment }) };
  let isStarted = false;
  const record = async (event: NewEvent): Promise<void> => {
    await log.record(presenceStream, [event], metadataOf({ principal: systemPrincipal }, { clock, newId }));
  };
  return {
    async started() {
      await record(ServiceStarted.of(data));
      isStarted = true;
    },
    async stopped() {
      if (!isStarted) return;
      isStarted = false;
      await record(ServiceStopped.of(data));
    },
  };
};
