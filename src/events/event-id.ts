/** Ids of events: UUID v7. */
import { v7 } from 'uuid';
import { randomOf } from './randomness.ts';

export const newEventId = (): string => v7({ random: randomOf(16) });
