/** Where a list of jobs, the newest first, goes on. */
import { QuarterdeckError } from '../errors.ts';
import { momentOf } from '../events/moment.ts';
import { textFault } from '../events/sound-json.ts';

interface Place {
  readonly requestedAt: string;
  readonly id: string;
}

export const writeCursor = ({ requestedAt, id }: Place): string =>
  Buffer.from(JSON.stringify([requestedAt, id])).toString('base64url');

/** @throws QuarterdeckError malformed_request. */
export const readCursor = (cursor: string): Place => {
  try {
    const [requestedAt, id] = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as [
      unknown,
      unknown,
    ];
    const ours = typeof requestedAt === 'string' && momentOf(requestedAt) === requestedAt;
    if (ours && typeof id === 'string' && textFault(id) === undefined) return { requestedAt, id };
  } catch {
    // Refused below, like one that parses and says nothing.
  }
  throw new QuarterdeckError(
    'malformed_request',
    'This cursor is none of ours; take it from nextCursor of the page before.',
  );
};
