/**
 * Running for real what a dry run looked at: the same frozen items and the same input. An item whose stream
 * was changed since is left alone unless told otherwise; one that the dry run could not decide was never
 * looked at, and is left alone too.
 */
import { QuarterdeckError } from '../../errors.ts';
import type { Plan } from '../accept.ts';
import { type AskedFrom, bulkCommand, invalidFrom, requireNeeds } from '../asked.ts';
import type { Kept, StoredItem } from '../items.ts';
import { type JobRecord, ownWords, requesterShown } from '../job-record.ts';
import type { StoredOutcome } from '../outcomes.ts';
import type { Parts } from '../parts.ts';
import type { JobRequest } from '../request.ts';
import { eachChunk, requireResults } from '../results.ts';
import { type DecidedItemsRow, selectDecidedItems } from '../sql/previews.ts';

const notPreviewed: Kept = {
  c: 'not_previewed',
  m: 'The dry run could not decide it, so nobody has seen what would happen; it is left as it is.',
};

/** What the dry run said of itself stands in the item already: it is said again. */
const saidAgain = ({ o, c }: StoredOutcome): boolean =>
  o === 'skipped' || (o === 'rejected' && c === 'invalid_input');

const itemFrom = ({ d: _, ...item }: StoredItem, outcome: StoredOutcome | undefined): StoredItem => {
  if (outcome?.v !== undefined) return { ...item, d: outcome.v };
  if (outcome !== undefined && saidAgain(outcome)) return item;
  const { t, l } = item;
  return { t, ...(l === undefined ? {} : { l }), k: notPreviewed };
};

const itemsOf = async function* (parts: Parts, jobId: string, evenIfChanged: boolean) {
  for await (const rows of eachChunk<DecidedItemsRow>(parts.pool, selectDecidedItems, jobId)) {
    for (const { firstIndex, inputs, rounds } of rows) {
      const items = inputs as readonly StoredItem[];
      if (evenIfChanged) yield items.map(({ d: _, ...item }) => item);
      else {
        const outcomes = new Map((rounds.flat() as readonly StoredOutcome[]).map((one) => [one.x, one]));
        yield items.map((item, n) => itemFrom(item, outcomes.get(firstIndex + n)));
      }
    }
  }
};

/** @throws QuarterdeckError invalid_input, `rejected` with `not_a_dry_run`, `job_not_ended` or `preview_incomplete`. */
export const planFrom = async (parts: Parts, request: JobRequest, asked: AskedFrom): Promise<Plan> => {
  const dryRun = await findDryRun(parts, request, asked.from);
  const command = bulkCommand(parts.catalogue, dryRun.command);
  await parts.require(request, command.permission);
  await parts.requireFresh(request, command);
  const { input = {}, where } = dryRun.written;
  const own = ownWords(dryRun, request.principal);
  const { label = own.label } = asked;
  const { reason = own.reason } = request;
  const written = {
    ...(dryRun.written.input === undefined ? {} : { input }),
    ...(where === undefined ? {} : { where }),
    ...(label === undefined ? {} : { label }),
    ...(reason === undefined ? {} : { reason }),
  };
  const { reason: _, ...asking } = request;
  const given = { ...asking, ...(reason === undefined ? {} : { reason }), input, now: parts.clock() };
  const reference = request.reference ?? dryRun.reference ?? undefined;
  const rows = dryRun.source !== 'targets' && where === undefined;
  requireNeeds(command, { ...given, ...(reference === undefined ? {} : { reference }) }, rows);
  return {
    origin: request,
    command,
    source: 'dry-run',
    conduct: asked,
    dryRun: false,
    written,
    reference,
    expectedCount: asked.expectedCount,
    from: dryRun.id,
    ...(dryRun.undoOf === null ? {} : { undoOf: dryRun.undoOf }),
    idempotencyKey: request.idempotencyKey,
    items: itemsOf(parts, dryRun.id, asked.evenIfChanged),
    frozenAt: () => dryRun.frozenAt ?? undefined,
    fingerprint: () => ({ bulk: asked, reason: request.reason ?? null }),
    knownAhead: true,
  };
};

const findDryRun = async (parts: Parts, request: JobRequest, id: string): Promise<JobRecord> => {
  const shown = requesterShown(request.principal, 'bulk:run');
  const [job] = await parts.store.find([id]);
  if (job === undefined || (shown !== undefined && job.requesterId !== shown)) {
    throw invalidFrom('There is no such bulk job; give the id of a dry run.');
  }
  if (!job.dryRun) throw refused('not_a_dry_run', 'That job was run for real; give the id of a dry run.');
  if (job.state === 'cancelled')
    throw refused(
      'preview_incomplete',
      'The dry run was cancelled before it saw every item; start it again.',
    );
  if (job.finishedAt === null)
    throw refused('job_not_ended', `The dry run is ${job.state}; wait until it has ended.`);
  requireResults(job);
  return job;
};

const refused = (rejection: string, message: string): QuarterdeckError =>
  new QuarterdeckError('rejected', message, { rejection });
