/**
 * Trying again what an ended job failed at: a new job over the items that failed, or those that were
 * rejected too, as they were given or with corrected input. What succeeded is never part of it.
 */
import type { Tx } from '../db/pool.ts';
import { QuarterdeckError } from '../errors.ts';
import { type AcceptingInside, digested, type Plan } from './accept.ts';
import { bulkCommand, requireNeeds } from './asked.ts';
import { type AskedRetry, type Retriable, readCorrection, readRetry, told } from './asked-retry.ts';
import { correctedRows } from './corrections.ts';
import { type Family, readFamily } from './family.ts';
import { type StoredItem, storeItems } from './items.ts';
import { type JobRecord, ownWords, requesterShown } from './job-record.ts';
import type { Parts } from './parts.ts';
import type { Accepted, RetryRequest, SteerRequest } from './request.ts';
import { type Results, requireResults } from './results.ts';
import { bounded } from './sources/upload.ts';
import { endedStates } from './steering.ts';

type Rest = Pick<Plan, 'items' | 'fingerprint' | 'knownAhead' | 'wasReadWhole' | 'mayPublish'>;

export const createRetry = (parts: Parts, accepting: AcceptingInside, results: Results) => {
  const jobOf = async (request: SteerRequest) => {
    await parts.require(request, 'bulk:run');
    const job = await parts.store.get(request.id, requesterShown(request.principal, 'bulk:run'));
    const command = bulkCommand(parts.catalogue, job.command);
    await parts.require(request, command.permission);
    await parts.requireFresh(request, command);
    return { job, command };
  };

  const planOf = (
    request: SteerRequest,
    { job, command }: Awaited<ReturnType<typeof jobOf>>,
    asked: AskedRetry,
    rest: Rest,
  ): Plan => {
    const own = ownWords(job, request.principal);
    const { input, where } = job.written;
    const { label = own.label } = asked;
    const { reason = own.reason, reference = job.reference ?? undefined } = request;
    const given = {
      ...request,
      input: input ?? {},
      now: parts.clock(),
      ...(reason === undefined ? {} : { reason }),
      ...(reference === undefined ? {} : { reference }),
    };
    // Whoever goes on with another's job says why themselves, before anything is read.
    requireNeeds(command, given, job.source !== 'targets' && where === undefined);
    return {
      origin: request,
      command,
      source: 'retry',
      dryRun: job.dryRun,
      written: {
        ...(label === undefined ? {} : { label }),
        ...(input === undefined ? {} : { input }),
        ...(reason === undefined ? {} : { reason }),
      },
      reference,
      expectedCount: undefined,
      conduct: asked,
      retryOf: job.id,
      ...(job.undoOf === null ? {} : { undoOf: job.undoOf }),
      idempotencyKey: request.idempotencyKey,
      frozenAt: () => undefined,
      ...rest,
    };
  };

  async function* asGiven(job: JobRecord, outcomes: readonly Retriable[], familyOf: () => Promise<Family>) {
    const family = await familyOf();
    let any = false;
    for await (const items of results.retriable(job.id, outcomes)) {
      const left = items.filter((retried) => !family.isTaken(retried));
      any ||= left.length > 0;
      yield left.map((retried) => inFamily(retried.item, family.indexOf(retried)));
    }
    // They may have expired while they were read.
    requireResults(await parts.store.get(job.id));
    if (!any) throw family.nothingLeft();
  }

  /** Read once the new job is being made, and held against what there is when it is published. */
  const lookingAtFamily = (job: JobRecord) => {
    let reading: Promise<Family> | undefined;
    const family = (): Promise<Family> => {
      reading ??= readFamily(parts.pool, job);
      return reading;
    };
    return { family, mayPublish: async (tx: Tx) => (await family()).requireNewest(tx) };
  };

  const again = async (request: SteerRequest, body: Readonly<Record<string, unknown>>): Promise<Accepted> => {
    const asked = readRetry(body);
    const found = await jobOf(request);
    const { outcomes = ['failed'] } = asked;
    requireSome(found.job, outcomes);
    // A request that asks nothing more is told as what it always was.
    const more = Object.keys(asked).length === 0 ? {} : { asked };
    const { family, mayPublish } = lookingAtFamily(found.job);
    return accepting.fromPlan(
      planOf(request, found, asked, {
        items: asGiven(found.job, outcomes, family),
        mayPublish,
        fingerprint: () => ({ retryOf: found.job.id, reason: request.reason ?? null, ...more }),
        knownAhead: true,
      }),
    );
  };

  const corrected = async (
    request: SteerRequest,
    upload: NonNullable<RetryRequest['upload']>,
  ): Promise<Accepted> => {
    const asked = readCorrection(upload.query);
    const found = await jobOf(request);
    const { outcomes = ['failed', 'rejected'] } = asked;
    requireSome(found.job, outcomes);
    const { job, command } = found;
    const common = job.written.input ?? {};
    const { content, digest, wasReadWhole } = digested(bounded(upload.content));
    const { family, mayPublish } = lookingAtFamily(job);
    const columns = upload.mediaType !== 'application/x-ndjson';
    const rows = correctedRows({
      ...{ results, jobId: job.id, command, asked, outcomes, upload, content, family },
      given: Object.keys(common),
    });
    const { codec } = parts;
    const columnOf = (field: string) => (columns ? (asked.map?.[field] ?? field) : undefined);
    const stored = async function* () {
      for await (const some of rows) {
        const items = some.map(({ item }) => item);
        const kept = await storeItems({ command, common, codec, columnOf }, items);
        yield kept.map((item, n) => inFamily(item, some[n]?.place));
      }
    };
    return accepting.fromPlan(
      planOf(request, found, asked, {
        items: stored(),
        fingerprint: () => ({ retryOf: job.id, reason: request.reason ?? null, asked, content: digest() }),
        knownAhead: false,
        wasReadWhole,
        mayPublish,
      }),
    );
  };

  return (request: RetryRequest): Promise<Accepted> =>
    request.upload === undefined ? again(request, request.body ?? {}) : corrected(request, request.upload);
};

/** `index`: which item of the job that was tried first it is. */
const inFamily = ({ r: _, ...item }: StoredItem, index: number | undefined): StoredItem =>
  index === undefined ? item : { r: index, ...item };

const requireSome = (job: JobRecord, outcomes: readonly Retriable[]): void => {
  if (!endedStates.has(job.state))
    throw refused('job_not_ended', `The job is ${job.state}; wait until it has ended.`);
  if (outcomes.every((outcome) => job.counts[outcome] === 0))
    throw refused('nothing_failed', `No item of this job ${told(outcomes)}.`);
  requireResults(job);
};

const refused = (rejection: string, message: string): QuarterdeckError =>
  new QuarterdeckError('rejected', message, { rejection });
