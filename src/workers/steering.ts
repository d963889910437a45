/**
 * Pausing, resuming, cancelling and ending a job. Each is one transaction: the event and the job's state
 * commit together. The control stream is written on the version that was read, and its version is a
 * condition of all the job's work, so that nothing commits after a pause or a cancel.
 *
 * Locks are taken in one order everywhere: chunks, then the append lock, then the job's row.
 */
import { metadataOf } from '../access/origin.ts';
import type { Tx } from '../db/pool.ts';
import { inTransaction } from '../db/transaction.ts';
import { QuarterdeckError } from '../errors.ts';
import type { EventData, NewEvent } from '../events/definition.ts';
import type { Metadata } from '../events/envelope.ts';
import { emptyUnit } from '../events/event-log.ts';
import type { Unit } from '../events/unit.ts';
import {
  BulkJobCancelled,
  BulkJobFinished,
  BulkJobPaused,
  BulkJobResumed,
  controlStream,
  itemsStream,
} from './engine-events.ts';
import { type JobRecord, requesterShown } from './job-record.ts';
import type { Parts } from './parts.ts';
import type { JobState, Outcome, SteerRequest } from './request.ts';
import { executor } from './requester.ts';
import { selectEndable } from './sql/chunks.ts';
import { cancelChunks, cancelJob, finishJob, pauseJob, resumeJob, sumFinished } from './sql/steering.ts';

export interface Steering {
  pause(request: SteerRequest): Promise<void>;
  resume(request: SteerRequest): Promise<void>;
  cancel(request: SteerRequest): Promise<void>;
  pauseItself(job: JobRecord, reason: string): Promise<void>;
  /** Writes the job's end where its last chunk is done. */
  finishIfDone(jobId: string): Promise<void>;
  /** The same for every job: after a crash between the last round and the end. */
  finishAllDone(): Promise<void>;
}

const attemptsMax = 5;

export const endedStates: ReadonlySet<JobState> = new Set([
  'cancelled',
  'completed',
  'completed-with-failures',
  'failed',
]);

/** Somebody else steered it in between. */
class Overtaken extends Error {}

type Step = (tx: Tx, job: JobRecord, metadata: Metadata) => Promise<number>;

export const createSteering = (parts: Parts): Steering => {
  const { pool, log, store, progress, clock, newId } = parts;

  const write = async (
    tx: Tx,
    stream: string,
    base: number | 'any',
    event: NewEvent,
    metadata: Metadata,
  ): Promise<number> => {
    const unit: Unit = { ...emptyUnit, writes: [{ stream, base }], events: [{ stream, metadata, ...event }] };
    const [outcome] = await log.write(tx, [unit]);
    if (outcome === undefined || !outcome.accepted) throw new Overtaken();
    return outcome.events[0]?.position ?? 0;
  };

  const changeOne = async (
    tx: Tx,
    statement: { name: string; text: string },
    values: readonly unknown[],
  ): Promise<void> => {
    const { rowCount } = await tx.query({ ...statement, values: [...values] });
    if (rowCount !== 1) throw new Overtaken();
  };

  const control = (tx: Tx, job: JobRecord, event: NewEvent, metadata: Metadata): Promise<number> =>
    write(tx, controlStream(job.id), job.controlVersion, event, metadata);

  const pauseBecause =
    (reason: string | undefined): Step =>
    async (tx, job, metadata) => {
      const data = { jobId: job.id, ...(reason === undefined ? {} : { reason }) };
      const position = await control(tx, job, BulkJobPaused.of(data), metadata);
      await changeOne(tx, pauseJob, [job.id, job.controlVersion, 'paused', reason ?? null]);
      return position;
    };

  const resume: Step = async (tx, job, metadata) => {
    const position = await control(tx, job, BulkJobResumed.of({ jobId: job.id }), metadata);
    await changeOne(tx, resumeJob, [job.id, job.controlVersion]);
    return position;
  };

  const cancel: Step = async (tx, job, metadata) => {
    const { rows } = await tx.query<{ cancelled: number }>({ ...cancelChunks, values: [job.id] });
    const cancelled = Number(rows[0]?.cancelled ?? 0);
    const position = await control(tx, job, BulkJobCancelled.of({ jobId: job.id, cancelled }), metadata);
    await changeOne(tx, cancelJob, [job.id, job.controlVersion, position]);
    return position;
  };

  const carryOut = async (job: JobRecord, step: Step, metadata: Metadata): Promise<void> => {
    const position = await inTransaction(pool, (tx) => step(tx, job, metadata));
    log.announce(position);
    progress.changed(job.id);
  };

  /** Again from a fresh look where somebody else was quicker. `done`: already as wanted. */
  const steer = async (request: SteerRequest, step: Step, done: readonly JobState[]): Promise<void> => {
    await parts.require(request, 'bulk:run');
    for (let n = 1; ; n++) {
      const job = await store.get(request.id, requesterShown(request.principal, 'bulk:run'));
      if (done.includes(job.state)) return;
      if (endedStates.has(job.state)) throw ended(job);
      const { reason, reference } = request;
      const metadata = { ...metadataOf(request, { clock, newId }, { reason, reference }), bulkJobId: job.id };
      try {
        return await carryOut(job, step, metadata);
      } catch (error) {
        if (!(error instanceof Overtaken) || n === attemptsMax) throw error;
      }
    }
  };

  const ofItself = (job: JobRecord): Metadata => ({
    actor: executor,
    tool: job.requester.tool,
    commandId: newId(),
    correlationId: job.id,
    decidedAt: clock(),
    bulkJobId: job.id,
  });

  const finish = async (job: JobRecord): Promise<void> => {
    const position = await inTransaction(pool, async (tx) => {
      await log.admit(tx, []);
      const { rows } = await tx.query<Record<Outcome, number>>({ ...sumFinished, values: [job.id] });
      if (rows[0] === undefined) return undefined;
      const counts = numbers(rows[0]) as Record<Outcome, number>;
      const state = counts.failed > 0 ? 'completed-with-failures' : 'completed';
      const { requester } = job;
      const metadata = { ...ofItself(job), actor: { id: requester.id, kind: requester.kind }, executor };
      const event = BulkJobFinished.of({ jobId: job.id, state, counts });
      const last = await write(tx, itemsStream(job.id), 'any', event, metadata);
      await changeOne(tx, finishJob, [job.id, state, JSON.stringify(counts), last]);
      return last;
    });
    if (position === undefined) return;
    log.announce(position);
    progress.changed(job.id);
  };

  const finishEndable = async (ids: readonly string[] | null): Promise<void> => {
    const { rows } = await pool.query<{ id: string }>({ ...selectEndable, values: [ids] });
    for (const job of await store.find(rows.map(({ id }) => id)))
      if ((await parts.isSettled?.(job)) !== false) await finish(job);
  };

  return {
    pause: (request) => steer(request, pauseBecause(undefined), ['paused']),
    resume: (request) => steer(request, resume, ['accepted', 'running']),
    cancel: (request) => steer(request, cancel, ['cancelled']),
    async pauseItself(job, reason) {
      try {
        await carryOut(job, pauseBecause(reason), ofItself(job));
      } catch (error) {
        // Steered by somebody in between: then that is what holds.
        if (!(error instanceof Overtaken)) throw error;
      }
    },
    finishIfDone: (jobId) => finishEndable([jobId]),
    finishAllDone: () => finishEndable(null),
  };
};

const numbers = (row: EventData): EventData =>
  Object.fromEntries(Object.entries(row).map(([name, value]) => [name, Number(value ?? 0)]));

const ended = (job: JobRecord): QuarterdeckError =>
  new QuarterdeckError('rejected', `The job is ${job.state}; it cannot be steered any more.`, {
    rejection: 'job_ended',
  });
