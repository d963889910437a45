/** What a dry run tells of ids that stand for rows out of the requester's reach is on record. */
import { isEveryRow } from '../../access/principal.ts';
import { emptyUnit } from '../../events/event-log.ts';
import type { Unit } from '../../events/unit.ts';
import { BulkTargetsNotReached, itemsStream } from '../engine-events.ts';
import type { StoredOutcome } from '../outcomes.ts';
import type { Parts } from '../parts.ts';
import { metadataFor } from '../requester.ts';
import type { Work } from '../work.ts';

const codes: readonly (string | undefined)[] = ['not_found', 'not_permitted'];

/** undefined: the requester reaches every row, or nothing was kept from them. */
export const notReached = (
  { clock, newId }: Pick<Parts, 'clock' | 'newId'>,
  { job, chunk, principal, command }: Work,
  outcomes: readonly StoredOutcome[],
): Unit | undefined => {
  if (isEveryRow(principal.permissions.rows(command.permission))) return undefined;
  const targets = outcomes.flatMap(({ t, c }) => (t !== null && codes.includes(c) ? [t] : []));
  if (targets.length === 0) return undefined;
  const stream = itemsStream(job.id);
  const metadata = metadataFor(job, principal, { commandId: newId(), decidedAt: clock() });
  const data = { jobId: job.id, chunk, prefix: command.stream.prefix, targets };
  return {
    ...emptyUnit,
    writes: [{ stream, base: 'any' }],
    events: [{ stream, metadata, ...BulkTargetsNotReached.of(data) }],
  };
};
