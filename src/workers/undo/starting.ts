/**
 * Undoing what a job did, as a job of its own. A job is undone once: while an undo of it runs and after it has
 * completed, another is refused; one that was cancelled or had failures may be followed by another, which
 * leaves alone what the first took back. To bring the effect back, the undo itself is undone.
 */
import { z } from 'zod';
import { QuarterdeckError } from '../../errors.ts';
import type { Plan } from '../accept.ts';
import { bulkCommand, checkAsked, common, requireNeeds } from '../asked.ts';
import { conductShape } from '../conduct.ts';
import { type JobRecord, requesterShown, type Written } from '../job-record.ts';
import type { Parts } from '../parts.ts';
import type { UndoRequest } from '../request.ts';
import { requireResults } from '../results.ts';
import { endedStates } from '../steering.ts';
import { type Undoing, undoItems } from './items.ts';

const undoSchema = z.strictObject({
  dryRun: common.dryRun,
  label: common.label,
  expectedCount: common.expectedCount,
  ...conductShape,
});

/**
 * @throws QuarterdeckError not_permitted, not_found, invalid_input, reason_required; `rejected` with `job_not_ended`,
 * `nothing_to_undo`, `irreversible`, `undo_in_progress` or `already_undone`.
 */
export const planUndo = async (parts: Parts, request: UndoRequest): Promise<Plan> => {
  await parts.require(request, 'bulk:run');
  const job = await parts.store.get(request.id, requesterShown(request.principal, 'bulk:run'));
  const asked = checkAsked(undoSchema, request.body);
  const undoing = await undoingOf(parts, request, job);
  const { inverse } = undoing;
  await parts.require(request, inverse.permission);
  const now = parts.clock();
  await parts.requireFresh(request, inverse);
  requireNeeds(inverse, { ...request, input: {}, now }, true);
  await requireUndoable(parts, job);
  requireResults(job);
  const written: Written = {
    ...(asked.label === undefined ? {} : { label: asked.label }),
    ...(request.reason === undefined ? {} : { reason: request.reason }),
  };
  return {
    origin: request,
    command: bulkCommand(parts.catalogue, inverse.name),
    source: 'undo',
    dryRun: asked.dryRun,
    written,
    reference: request.reference,
    expectedCount: asked.expectedCount,
    conduct: asked,
    undoOf: job.id,
    idempotencyKey: request.idempotencyKey,
    items: undoItems(parts, undoing),
    frozenAt: () => undefined,
    fingerprint: () => ({ undoOf: job.id, asked, reason: request.reason ?? null }),
    knownAhead: true,
  };
};

const undoingOf = async ({ catalogue }: Parts, { reason }: UndoRequest, job: JobRecord): Promise<Undoing> => {
  const command = bulkCommand(catalogue, job.command);
  const { inverse: takesBack, irreversible = '' } = command;
  if (takesBack === undefined) throw refused('irreversible', irreversible);
  return { job, command, takesBack, inverse: catalogue.get(takesBack.command), reason };
};

const requireUndoable = async ({ store }: Parts, job: JobRecord): Promise<void> => {
  if (job.dryRun) throw refused('nothing_to_undo', 'A dry run changed nothing.');
  if (!endedStates.has(job.state))
    throw refused('job_not_ended', `The job is ${job.state}; wait until it has ended, or cancel it first.`);
  if (job.counts.succeeded === 0) throw refused('nothing_to_undo', 'No item of this job changed anything.');
  if (job.undoneBy === null) return;
  const [undo] = await store.find([job.undoneBy]);
  if (undo === undefined || mayFollow.has(undo.state)) return;
  if (endedStates.has(undo.state)) throw alreadyUndone(undo.id);
  throw refused('undo_in_progress', `The job ${undo.id} is undoing it.`);
};

/** An undo that ended like this may not have taken everything back. */
const mayFollow: ReadonlySet<string> = new Set(['cancelled', 'completed-with-failures', 'failed']);

const alreadyUndone = (id?: string): QuarterdeckError =>
  refused(
    'already_undone',
    id === undefined
      ? 'The job is being undone or was undone already.'
      : `The job was undone by ${id}; to bring its effect back, undo that one.`,
  );

const refused = (rejection: string, message: string): QuarterdeckError =>
  new QuarterdeckError('rejected', message, { rejection });

/** The index that holds the promise, where two came at once. */
export const toldOfUndo = (error: unknown): unknown => {
  const { code, constraint } = error as { code?: unknown; constraint?: unknown };
  return code === '23505' && constraint === 'bulk_jobs_undone' ? alreadyUndone() : error;
};
