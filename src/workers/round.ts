/**
 * One round: decide up to 250 groups, then commit their events, the record of what was decided
 * and the outcomes in one transaction. Its first statement locks the chunk and demands that it is still
 * ours; its append demands that nobody paused or cancelled the job. What meets a conflict is handed back.
 *
 * Nearly always nothing does: so it is tried as one statement first, and step by step where that was refused.
 */
import type { Ask, StreamDecision } from '../commands/deciding.ts';
import type { Tx } from '../db/pool.ts';
import { inTransaction } from '../db/transaction.ts';
import type { EventData } from '../events/definition.ts';
import { emptyUnit } from '../events/event-log.ts';
import { appendedIn } from '../events/sending.ts';
import type { Appended, PreparedUnit, Unit, UnitOutcome } from '../events/unit.ts';
import { commitAtOnce } from './at-once.ts';
import { BulkItemsDecided, controlStream, itemsStream } from './engine-events.ts';
import { countsOf, positionsOf, type StoredOutcome } from './outcomes.ts';
import type { Parts } from './parts.ts';
import { notReached } from './preview/not-reached.ts';
import { addToPreview, sampleOf } from './preview/round.ts';
import { eventsIn, type Prepared, type Proposed, placed, proposalOf, sortAdmitted } from './proposal.ts';
import { metadataFor } from './requester.ts';
import { leaveTouched } from './since.ts';
import { lockChunk, writeRound } from './sql/chunks.ts';
import type { Group, Work } from './work.ts';

export const leaseSeconds = 5;

/** The chunk is not ours any more, or the job was paused or cancelled: whoever works on it stops. */
export class Stopped extends Error {}

export interface RoundDone {
  readonly decided: number;
  /** Their unit met a conflict; nothing was decided about them. */
  readonly conflicting: readonly Group[];
  /** A claim was taken by another: to be tried item by item. */
  readonly claimed: readonly Group[];
}

export interface Rounds {
  /** Decides before the append lock is taken, on the versions that were read: conditions of the append. */
  together(work: Work, groups: readonly Group[], settled: readonly StoredOutcome[]): Promise<RoundDone>;
  /** Decides one group while holding the append lock, so that nobody can come between: no conflict. */
  alone(work: Work, group: Group): Promise<RoundDone>;
}

interface Untouched {
  readonly proposed: readonly Proposed[];
  readonly left: readonly StoredOutcome[];
}

/** `position`: of the round's last event; 0 where it has none. */
interface Committing {
  readonly done: RoundDone;
  readonly position: number;
}

export const createRounds = (parts: Parts): Rounds => {
  const { pool, log, deciding, codec, clock, newId } = parts;

  const alongside = ({ command }: Work) => parts.alongsideOf?.([command.name]);

  const propose = async (work: Work, groups: readonly Group[]): Promise<readonly Proposed[]> => {
    const decidedAt = clock();
    const { command, job, principal } = work;
    const asks: Ask[] = groups.flatMap(({ items }) =>
      items.map(({ input, reason, rows }) => ({
        command,
        input,
        metadata: metadataFor(job, principal, { commandId: newId(), decidedAt, reason }),
        can: principal.permissions.has,
        ...(rows === undefined ? {} : { rows }),
      })),
    );
    const decisions = new Map((await deciding.decideAll(asks)).map((one) => [one.stream, one]));
    return groups.map((group) => proposalOf(work, group, decisions.get(group.stream) as StreamDecision));
  };

  /** `left`: items whose stream was touched since they were meant for it, and that are left alone. */
  const proposeUntouched = async (work: Work, groups: readonly Group[]): Promise<Untouched> => {
    const { proposed, outcomes, again } = await leaveTouched(pool, work.job, await propose(work, groups));
    if (again.length === 0) return { proposed, left: outcomes };
    const rest = await proposeUntouched(work, again);
    return { proposed: [...proposed, ...rest.proposed], left: [...outcomes, ...rest.left] };
  };

  /** Sealing and encoding take longer than all else of a round, and nobody need wait for them. */
  const prepare = async (proposed: readonly Proposed[]): Promise<readonly Prepared[]> => {
    const prepared = await log.prepare(proposed.map(({ unit }) => unit));
    return proposed.map(({ group, unit, outcomes, verdicts }, n) => {
      return { group, unit, outcomes, verdicts, prepared: prepared[n] as PreparedUnit };
    });
  };

  /** undefined: a unit was refused, and nothing was written. */
  const atOnce = async (
    work: Work,
    proposed: readonly Prepared[],
    settled: readonly StoredOutcome[],
  ): Promise<RoundDone | undefined> => {
    const outcomes = [...settled, ...placed(proposed, 0)];
    const [control, record] = await log.prepare([controlOf(work), recordOf(parts, work, outcomes)]);
    const units = [control, ...proposed.map(({ prepared }) => prepared), record] as readonly PreparedUnit[];
    const committed = await commitAtOnce(pool, work, { units, outcomes, leaseSeconds });
    if (committed === 'stopped') throw new Stopped();
    if (committed === 'refused') return undefined;
    work.rounds++;
    log.announce(committed);
    return { decided: outcomes.length, conflicting: [], claimed: [] };
  };

  /** Everything from the append lock on. */
  const append = async (
    tx: Tx,
    work: Work,
    proposed: readonly Prepared[],
    settled: readonly StoredOutcome[],
  ): Promise<Committing> => {
    const { head, refused } = await log.admit(tx, [controlOf(work), ...proposed.map(({ unit }) => unit)]);
    if (refused[0] !== undefined) throw new Stopped();
    const { proposed: admitted, taken, ...back } = sortAdmitted(proposed, refused.slice(1));
    const outcomes = [...settled, ...taken, ...placed(admitted, head.position)];
    if (outcomes.length === 0) return { done: { decided: 0, ...back }, position: 0 };
    const changing = admitted.filter(({ unit }) => unit.events.length > 0).map(({ prepared }) => prepared);
    const record = await log.prepare([recordOf(parts, work, outcomes)]);
    const written = await log.writeAdmitted(tx, [...changing, ...record]);
    if (written.some((outcome) => !outcome.accepted)) throw new Error('a unit that was admitted was refused');
    const events = changing.flatMap(({ unit }, n) => appendedIn(unit, placesIn(written[n])));
    if (events.length > 0) await alongside(work)?.(tx, events);
    const position = head.position + eventsIn(admitted) + 1;
    await writeOutcomes(tx, work, outcomes, position);
    return { done: { decided: outcomes.length, ...back }, position };
  };

  /** A dry run appends nothing but what it told of rows out of reach, so it most often needs no append lock. */
  const preview = async (
    tx: Tx,
    work: Work,
    proposed: readonly Proposed[],
    settled: readonly StoredOutcome[],
    sample: readonly EventData[],
  ): Promise<Committing> => {
    const would = proposed.flatMap(({ outcomes }) => outcomes.map(({ p: _, ...outcome }) => outcome));
    const outcomes = [...settled, ...would];
    await writeOutcomes(tx, work, outcomes, 0);
    await addToPreview(tx, work, outcomes, sample);
    const told = notReached(parts, work, outcomes);
    const [written] = told === undefined ? [] : await log.write(tx, [told]);
    const position = placesIn(written).at(-1)?.position ?? 0;
    return { done: { decided: outcomes.length, conflicting: [], claimed: [] }, position };
  };

  const commit = async (work: Work, run: (tx: Tx) => Promise<Committing>): Promise<RoundDone> => {
    const { done, position } = await inTransaction(pool, async (tx) => {
      await lock(tx, work);
      return run(tx);
    });
    if (done.decided > 0) work.rounds++;
    if (position > 0) log.announce(position);
    return done;
  };

  return {
    async together(work, groups, settled) {
      const { proposed, left } = await proposeUntouched(work, groups);
      const known = [...settled, ...left];
      if (work.job.dryRun) {
        const sample = await sampleOf(codec, work, proposed);
        return commit(work, (tx) => preview(tx, work, proposed, known, sample));
      }
      const prepared = await prepare(proposed);
      const done = alongside(work) === undefined ? await atOnce(work, prepared, known) : undefined;
      return done ?? commit(work, (tx) => append(tx, work, prepared, known));
    },
    alone: (work, group) =>
      commit(work, async (tx) => {
        if (!work.job.dryRun) await log.admit(tx, []);
        const { proposed, left } = await proposeUntouched(work, [group]);
        if (work.job.dryRun) return preview(tx, work, proposed, left, []);
        return append(tx, work, await prepare(proposed), left);
      }),
  };
};

const placesIn = (outcome: UnitOutcome | undefined): readonly Appended[] =>
  outcome?.accepted === true ? outcome.events : [];

const lock = async (tx: Tx, { job, chunk, lease, rounds }: Work): Promise<void> => {
  const values = [job.id, chunk, lease, rounds, job.controlVersion];
  const { rowCount } = await tx.query({ ...lockChunk, values });
  if (rowCount !== 1) throw new Stopped();
};

/** Only pausing, resuming and cancelling write this stream, so that nothing commits after them. */
const controlOf = ({ job }: Work): Unit => ({
  ...emptyUnit,
  reads: [{ stream: controlStream(job.id), version: job.controlVersion }],
});

const writeOutcomes = async (
  tx: Tx,
  { job, chunk }: Work,
  outcomes: readonly StoredOutcome[],
  position: number,
): Promise<void> => {
  const values = [job.id, chunk, JSON.stringify(outcomes), ...countsOf(outcomes), position, leaseSeconds];
  await tx.query({ ...writeRound, values });
};

/** One event a round: from it and its neighbours a job can be proven, item by item, from the log alone. */
const recordOf = (
  { clock, newId }: Parts,
  { job, chunk, rounds, principal, command }: Work,
  outcomes: readonly StoredOutcome[],
): Unit => {
  const stream = itemsStream(job.id);
  const metadata = metadataFor(job, principal, { commandId: newId(), decidedAt: clock() });
  const items = outcomes.map(recordedOf);
  const data = { chunk, items, jobId: job.id, prefix: command.stream.prefix, round: rounds + 1 };
  return {
    ...emptyUnit,
    writes: [{ stream, base: 'any' }],
    events: [{ stream, metadata, ...BulkItemsDecided.of(data) }],
  };
};

/** In the order of canonical JSON, so that a hundred thousand of them are not sorted. */
const recordedOf = (one: StoredOutcome) => {
  const rest = { index: one.x, outcome: one.o, positions: [...positionsOf(one)], target: one.t };
  return one.c === undefined ? rest : { code: one.c, ...rest };
};
