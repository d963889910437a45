/**
 * Stages a plan's items and publishes the job: its first event, its idempotency key and its visibility
 * commit together. A repetition with the same key answers the job that was accepted then.
 */

import { metadataOf } from '../access/origin.ts';
import type { IdempotencyKey, StoredAnswer } from '../commands/idempotency.ts';
import { inTransaction } from '../db/transaction.ts';
import { invalidInput, isQuarterdeckError, QuarterdeckError } from '../errors.ts';
import type { Metadata } from '../events/envelope.ts';
import { emptyUnit } from '../events/event-log.ts';
import type { Unit } from '../events/unit.ts';
import type { Plan } from './accept.ts';
import { canaryItems, conductData, requireStart, startOf, weightOf } from './conduct.ts';
import { BulkJobAccepted, BulkJobFinished, controlStream, itemsStream } from './engine-events.ts';
import { namesOf, sealWritten, viewOf } from './job-record.ts';
import type { Parts } from './parts.ts';
import { type Accepted, outcomes } from './request.ts';
import { conductJob } from './sql/conduct.ts';
import { setOrigin } from './sql/previews.ts';
import { insertJob, publishJob, setReadAs } from './sql/staging.ts';
import { createStaging, dropStaged } from './staging.ts';
import { toldOfUndo } from './undo/starting.ts';

export interface Publishing {
  publish(plan: Plan): Promise<Accepted>;
}

const noCounts = Object.fromEntries(outcomes.map((outcome) => [outcome, 0])) as Record<
  (typeof outcomes)[number],
  number
>;

/** The unit was refused because the key had been used. */
class Repeated extends Error {}

export const createPublishing = (parts: Parts): Publishing => {
  const { pool, log, idempotency, store } = parts;

  const answer = async (jobId: string, replayed: boolean): Promise<Accepted> => ({
    job: viewOf(await store.get(jobId)),
    replayed,
  });

  const keyOf = ({ origin, idempotencyKey }: Plan, asked: unknown): IdempotencyKey | undefined =>
    idempotencyKey === undefined ? undefined : idempotency.keyFor(origin.principal, idempotencyKey, asked);

  const replay = async (key: IdempotencyKey): Promise<Accepted | undefined> => {
    const stored: StoredAnswer | undefined = await idempotency.find(key);
    if (stored === undefined) return undefined;
    const { jobId } = stored.answer as { jobId?: string };
    if (jobId === undefined)
      throw new QuarterdeckError('idempotency_key_reused', 'This key was used for a command.');
    return answer(jobId, true);
  };

  const conduct = async (jobId: string, { conduct }: Plan): Promise<void> => {
    const { priority = 'normal', maxRate, maxFailureRatio } = conduct;
    const values = [jobId, startOf(conduct), weightOf(priority), maxRate, maxFailureRatio];
    await pool.query({ ...conductJob, values });
  };

  const stage = async (jobId: string, plan: Plan): Promise<number> => {
    const { origin, command, source, dryRun, written, reference, retryOf } = plan;
    const { id, kind, tool } = origin.principal;
    const sealed = await sealWritten(parts.codec, id, { ...namesOf(origin.principal), ...written });
    const scope = parts.requesters.scopeOf(origin.principal);
    const now = parts.clock();
    const values = [
      jobId,
      command.name,
      source,
      dryRun,
      id,
      kind,
      tool,
      scope,
      reference ?? null,
      sealed,
      retryOf ?? null,
      now,
    ];
    requireStart(plan.conduct, now);
    await pool.query({ ...insertJob, values });
    await conduct(jobId, plan);
    const canary = plan.conduct.maxFailureRatio !== undefined;
    const staging = createStaging(pool, jobId, canary ? canaryItems : undefined);
    if (plan.from !== undefined || plan.undoOf !== undefined)
      await pool.query({ ...setOrigin, values: [jobId, plan.from ?? null, plan.undoOf ?? null] });
    try {
      for await (const items of plan.items) await staging.add(items);
      const total = await staging.finish();
      const readAs = plan.readAs?.();
      if (readAs !== undefined) await pool.query({ ...setReadAs, values: [jobId, JSON.stringify(readAs)] });
      return total;
    } finally {
      await staging.stop();
    }
  };

  const commit = async (
    jobId: string,
    plan: Plan,
    total: number,
    key: IdempotencyKey | undefined,
  ): Promise<void> => {
    const unit = unitOf(jobId, plan, total, key, parts);
    const empty = total === 0;
    const position = await inTransaction(pool, async (tx) => {
      const [outcome] = await log.write(tx, [unit]);
      if (outcome === undefined || !outcome.accepted) throw new Repeated();
      await plan.mayPublish?.(tx);
      const last = outcome.events.at(-1)?.position ?? 0;
      const counts = empty ? JSON.stringify(noCounts) : null;
      const state = empty ? 'completed' : 'accepted';
      const values = [jobId, state, total, plan.frozenAt() ?? null, last, counts, parts.clock()];
      const { rowCount } = await tx.query({ ...publishJob, values });
      if (rowCount !== 1)
        throw new QuarterdeckError('unavailable', 'The upload took too long; send it again.');
      return last;
    });
    log.announce(position);
    parts.progress.changed(jobId);
  };

  const carryOut = async (plan: Plan): Promise<Accepted> => {
    if (plan.knownAhead) {
      const key = keyOf(plan, plan.fingerprint());
      const earlier = key === undefined ? undefined : await replay(key);
      if (earlier !== undefined) return earlier;
    }
    await plan.mayBegin?.();
    const jobId = parts.newId();
    try {
      const total = await stage(jobId, plan);
      requireCount(plan, total);
      await commit(jobId, plan, total, keyOf(plan, plan.fingerprint()));
      return await answer(jobId, false);
    } catch (error) {
      await dropStaged(pool, jobId).catch((e: unknown) => parts.onError(e, 'dropping a staged bulk job'));
      const known =
        error instanceof Repeated || (isQuarterdeckError(error) && plan.wasReadWhole?.() === true);
      const key = known ? keyOf(plan, plan.fingerprint()) : undefined;
      const earlier = key === undefined ? undefined : await replay(key);
      if (earlier === undefined) throw toldOfUndo(error);
      return earlier;
    }
  };

  return {
    publish(plan) {
      // What is asked is part of the fingerprint alone: waiting one's turn needs the key only.
      const key = keyOf(plan, null);
      return key === undefined ? carryOut(plan) : idempotency.inTurn(key, () => carryOut(plan));
    },
  };
};

const requireCount = ({ expectedCount, source }: Plan, total: number): void => {
  if (expectedCount === undefined || expectedCount === total) return;
  const found = source === 'where' ? 'The filter matches' : 'There are';
  throw invalidInput('expectedCount', `${found} ${total} items, not ${expectedCount}. Nothing was started.`);
};

const unitOf = (
  jobId: string,
  plan: Plan,
  total: number,
  key: IdempotencyKey | undefined,
  parts: Parts,
): Unit => {
  const { origin, command, source, dryRun, reference, retryOf, from, undoOf, written } = plan;
  const { reason, ...free } = written;
  const metadata: Metadata = {
    ...metadataOf(
      origin,
      { clock: parts.clock, newId: parts.newId },
      { command: command.name, reason, reference },
    ),
    bulkJobId: jobId,
  };
  const frozenAt = plan.frozenAt();
  const accepted = BulkJobAccepted.of({
    jobId,
    command: command.name,
    source,
    total,
    dryRun,
    requestedBy: origin.principal.id,
    ...free,
    ...(frozenAt === undefined ? {} : { frozenAt }),
    ...conductData(plan.conduct),
    ...(retryOf === undefined ? {} : { retryOf }),
    ...(from === undefined ? {} : { from }),
    ...(undoOf === undefined ? {} : { undoOf }),
  });
  const control = controlStream(jobId);
  const items = itemsStream(jobId);
  const finished = BulkJobFinished.of({ jobId, state: 'completed', counts: noCounts });
  const end = total === 0 ? [{ stream: items, metadata, ...finished }] : [];
  return {
    ...emptyUnit,
    writes: [{ stream: control, base: 0 }, ...(total === 0 ? [{ stream: items, base: 0 }] : [])],
    keys: key === undefined ? [] : [{ ...key, answer: { kind: 'bulk-job', jobId }, firstEvent: 0 }],
    events: [{ stream: control, metadata, ...accepted }, ...end],
  };
};
