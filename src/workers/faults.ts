/** Whether a fault is the database's or the network's, so that the same work may well succeed later. */
import { outcomeUnknown, provesRollback } from '../db/sqlstate.ts';
import { isQuarterdeckError } from '../errors.ts';

export const passes = (error: unknown): boolean =>
  provesRollback(error) ||
  outcomeUnknown(error) ||
  (isQuarterdeckError(error) && error.code === 'unavailable');
