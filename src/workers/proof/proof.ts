/**
 * Proves a bulk job from the log alone: every item was decided once, what it says it changed stands in the
 * log as the job's own and nothing else does, and nothing happened while the job was paused or after its
 * end. Pure: events of the job go in by position.
 */
import { z } from 'zod';
import { BulkItemsDecided, BulkJobAccepted, BulkJobFinished } from '../engine-events.ts';
import { outcomes } from '../request.ts';
import { itemsMax } from '../sources/source.ts';
import { type Counts, createLedger } from './ledger.ts';

/** An event of the job; `data` of the job's own two streams only, as stored. */
export interface JobEvent {
  readonly position: number;
  readonly stream: string;
  readonly version: number;
  readonly type: string;
  readonly data: unknown;
}

export interface Fault {
  readonly position: number;
  readonly message: string;
}

export interface JobProof {
  readonly command: string;
  readonly dryRun: boolean;
  readonly state: 'running' | 'paused' | 'cancelled' | 'completed' | 'completed-with-failures';
  readonly total: number;
  readonly counts: Counts;
  readonly rounds: number;
  /** Events that its items appended. */
  readonly events: number;
  /** At most a hundred; none: proven. */
  readonly faults: readonly Fault[];
}

export interface Proving {
  take(event: JobEvent): void;
  /** A fault that whoever reads the events saw: a position without an event. */
  fault(position: number, message: string): void;
  end(): JobProof;
}

const faultsMax = 100;

/** Of what is sealed nothing is needed, so that a proof outlives an erasure. */
const acceptance = BulkJobAccepted.schema
  .pick({ command: true, dryRun: true })
  .extend({ total: z.int().nonnegative().max(itemsMax) });
const ofJob = z.object({ jobId: z.string() });
const cancellation = z.object({ cancelled: z.int().nonnegative() });

export interface OfJob {
  readonly jobId: string;
  readonly control: string;
  readonly items: string;
}

export const createProof = ({ jobId, control, items }: OfJob): Proving => {
  const faults: Fault[] = [];
  const roundsOf = new Map<number, number>();
  const versions = new Map<string, number>();
  let accepted: z.output<typeof acceptance> | undefined;
  let state: JobProof['state'] = 'running';
  let rounds = 0;
  let events = 0;
  let cancelled = 0;
  /** As its end tells them: a dry run leaves no other trace. */
  let told: Partial<Counts> = {};

  const fault = (position: number, message: string): void => {
    if (faults.length < faultsMax) faults.push({ position, message });
  };
  let ledger = createLedger(0, fault);

  const read = <S extends z.ZodType>(schema: S, event: JobEvent): z.output<S> | undefined => {
    const parsed = schema.safeParse(event.data);
    if (!parsed.success) fault(event.position, `${event.type} does not have the shape of one.`);
    return parsed.data;
  };

  const counts = (): Counts =>
    accepted?.dryRun === true ? { ...ledger.counts, ...told, cancelled } : { ...ledger.counts, cancelled };

  /** What may happen only while it runs. */
  const requireRunning = ({ position }: JobEvent, what: string): void => {
    if (accepted === undefined) fault(position, `${what} before the job was accepted.`);
    else if (state !== 'running') fault(position, `${what} while the job was ${state}.`);
  };

  const byType: Readonly<Record<string, (event: JobEvent) => void>> = {
    BulkJobAccepted(event) {
      if (accepted !== undefined) return fault(event.position, 'The job was accepted twice.');
      accepted = read(acceptance, event);
      ledger = createLedger(accepted?.total ?? 0, fault);
    },

    BulkItemsDecided(event) {
      requireRunning(event, 'A round was committed');
      const round = read(BulkItemsDecided.schema, event);
      if (round === undefined) return;
      rounds++;
      const expected = (roundsOf.get(round.chunk) ?? 0) + 1;
      if (round.round !== expected) {
        fault(event.position, `Chunk ${round.chunk} goes on with round ${round.round}, not ${expected}.`);
      }
      roundsOf.set(round.chunk, round.round);
      ledger.decided(event.position, round);
    },

    BulkJobPaused(event) {
      requireRunning(event, 'It was paused');
      state = 'paused';
    },

    BulkJobResumed({ position }) {
      if (state !== 'paused') fault(position, `It was resumed when it was ${state}.`);
      else state = 'running';
    },

    BulkJobCancelled(event) {
      if (state !== 'running' && state !== 'paused') fault(event.position, `Cancelled when it was ${state}.`);
      state = 'cancelled';
      cancelled = read(cancellation, event)?.cancelled ?? 0;
      const left = ledger.undecided();
      if (accepted?.dryRun !== true && cancelled !== left) {
        fault(event.position, `${cancelled} items are said to be cancelled; ${left} were undecided.`);
      }
    },

    BulkJobFinished(event) {
      requireRunning(event, 'It ended');
      const data = read(BulkJobFinished.schema, event);
      if (data === undefined) return;
      state = data.state;
      told = data.counts;
      const left = ledger.undecided();
      if (accepted?.dryRun !== true && left > 0)
        fault(event.position, `It ended with ${left} items undecided.`);
      const counted = counts();
      for (const name of outcomes) {
        if (told[name] !== counted[name]) {
          fault(event.position, `Its end counts ${told[name]} ${name}, its rounds ${counted[name]}.`);
        }
      }
      if ((state === 'completed-with-failures') !== counted.failed > 0) {
        fault(event.position, `It is ${state} with ${counted.failed} failed.`);
      }
    },
  };

  /** What was taken out of the job's own streams, or put into them, leaves them with other versions. */
  const takeOwn = (event: JobEvent): void => {
    const { position, stream, version, type, data } = event;
    const next = (versions.get(stream) ?? 0) + 1;
    if (version !== next) fault(position, `${stream} goes on with version ${version}, not ${next}.`);
    versions.set(stream, version);
    const named = ofJob.safeParse(data);
    if (named.success && named.data.jobId !== jobId) fault(position, `${type} names another job.`);
    byType[type]?.(event);
  };

  return {
    fault,
    take(event) {
      const { position, stream } = event;
      if (stream === control || stream === items) return takeOwn(event);
      if (stream.startsWith('$')) return;
      events++;
      if (accepted?.dryRun === true) fault(position, `A dry run appended to ${stream}.`);
      else ledger.appended(position, stream);
    },
    end() {
      ledger.settle();
      const { command = '', total = 0, dryRun = false } = accepted ?? {};
      return { command, total, dryRun, state, counts: counts(), rounds, events, faults };
    },
  };
};
