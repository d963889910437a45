/** Time and ids as they are passed in to everything that needs them. */
import type { Timestamp } from './events/envelope.ts';
import { newEventId } from './events/event-id.ts';

export interface Sources {
  readonly clock: () => Date;
  /** UUID v7: unique, and sorted by the time it was made. */
  readonly newId: () => string;
}

export const systemSources: Sources = { clock: () => new Date(), newId: newEventId };

/** Text form of a moment, `YYYY-MM-DDTHH:MM:SS.ffffffZ`; a Date knows milliseconds only. */
export const timestampOf = (moment: Date): Timestamp => moment.toISOString().replace('Z', '000Z');
