/**
 * One round: decide up to a hundred groups, then commit their events, the record of what was decided
 * and the outcomes in one transaction. Its first statement locks the chunk and demands that it is still
 * ours; its append demands that nobody paused or cancelled the job. What meets a conflict is handed back.
 */
import type { Ask, StreamDecision } from '../commands/deciding.ts';
import type { Tx } from '../db/pool.ts';
import { inTransaction } from '../db/transaction.ts';
import { emptyUnit } from '../events/event-log.ts';
import type { Admission } from '../events/log.ts';
import type { Unit } from '../events/unit.ts';
import { BulkItemsDecided, controlStream, itemsStream } from './engine-events.ts';
import { positionsOf, type StoredOutcome } from './outcomes.ts';
import type { Parts } from './parts.ts';
import { metadataFor } from './requester.ts';
import { lockChunk, writeRound } from './sql/chunks.ts';
import { type Group, outcomeOf, type Work } from './work.ts';

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

interface Proposed {
  readonly group: Group;
  readonly unit: Unit;
  /** In the order of the group's items; `p` is relative to the unit's first event until it is known. */
  readonly outcomes: readonly StoredOutcome[];
}

export interface Rounds {
  /** Decides before the append lock is taken, on the versions that were read: conditions of the append. */
  together(work: Work, groups: readonly Group[], settled: readonly StoredOutcome[]): Promise<RoundDone>;
  /** Decides one group while holding the append lock, so that nobody can come between: no conflict. */
  alone(work: Work, group: Group): Promise<RoundDone>;
}

export const createRounds = (parts: Parts): Rounds => {
  const { pool, log, deciding, clock, newId } = parts;

  const propose = async (work: Work, groups: readonly Group[]): Promise<readonly Proposed[]> => {
    const decidedAt = clock();
    const asks: Ask[] = groups.flatMap(({ items }) =>
      items.map(({ input, reason }) => ({
        command: work.command,
        input,
        metadata: metadataFor(work.job, work.principal, { commandId: newId(), decidedAt, reason }),
        can: work.principal.permissions.has,
      })),
    );
    const decisions = new Map(
      (await deciding.decideAll(asks)).map((decision) => [decision.stream, decision]),
    );
    return groups.map((group) => proposalOf(work, group, decisions.get(group.stream) as StreamDecision));
  };

  const lock = async (tx: Tx, work: Work): Promise<void> => {
    const { job, chunk, lease, rounds } = work;
    const { rowCount } = await tx.query({
      ...lockChunk,
      values: [job.id, chunk, lease, rounds, job.controlVersion],
    });
    if (rowCount !== 1) throw new Stopped();
  };

  const write = async (
    tx: Tx,
    { job, chunk }: Work,
    outcomes: readonly StoredOutcome[],
    position: number,
  ) => {
    const count = (o: StoredOutcome['o']): number => outcomes.filter((outcome) => outcome.o === o).length;
    const counts = [
      count('succeeded'),
      count('unchanged'),
      count('rejected'),
      count('failed'),
      count('skipped'),
    ];
    const values = [job.id, chunk, JSON.stringify(outcomes), ...counts, position, leaseSeconds];
    await tx.query({ ...writeRound, values });
  };

  /** Everything from the append lock on; the position of the round's last event. */
  const append = async (
    tx: Tx,
    work: Work,
    proposed: readonly Proposed[],
    settled: readonly StoredOutcome[],
  ) => {
    const control: Unit = {
      ...emptyUnit,
      reads: [{ stream: controlStream(work.job.id), version: work.job.controlVersion }],
    };
    const { head, refused } = await log.admit(tx, [control, ...proposed.map(({ unit }) => unit)]);
    if (refused[0] !== undefined) throw new Stopped();
    const admitted = proposed.filter((_, n) => refused[n + 1] === undefined);
    const { conflicting, claimed, taken } = turnedAway(proposed, refused.slice(1));
    const outcomes = [...settled, ...taken, ...place(admitted, head.position)];
    if (outcomes.length === 0) return { done: { decided: 0, conflicting, claimed }, position: 0 };
    const record: Unit = { ...control, ...recordOf(parts, work, outcomes) };
    const written = await log.write(tx, [
      ...admitted.map(({ unit }) => unit).filter((u) => u.events.length > 0),
      record,
    ]);
    if (written.some((outcome) => !outcome.accepted)) throw new Error('a unit that was admitted was refused');
    const position = head.position + admitted.reduce((n, { unit }) => n + unit.events.length, 0) + 1;
    await write(tx, work, outcomes, position);
    return { done: { decided: outcomes.length, conflicting, claimed }, position };
  };

  const settle = async (
    work: Work,
    run: (tx: Tx) => Promise<{ readonly done: RoundDone; readonly position: number }>,
  ): Promise<RoundDone> => {
    const { done, position } = await inTransaction(pool, async (tx) => {
      await lock(tx, work);
      return run(tx);
    });
    if (done.decided > 0) work.rounds++;
    if (position > 0) log.announce(position);
    return done;
  };

  const preview = async (
    tx: Tx,
    work: Work,
    proposed: readonly Proposed[],
    settled: readonly StoredOutcome[],
  ) => {
    const outcomes = [
      ...settled,
      ...proposed.flatMap((p) => p.outcomes.map(({ p: _, ...outcome }) => outcome)),
    ];
    await write(tx, work, outcomes, 0);
    return { done: { decided: outcomes.length, conflicting: [], claimed: [] }, position: 0 };
  };

  return {
    async together(work, groups, settled) {
      const proposed = await propose(work, groups);
      return settle(work, (tx) => (work.job.dryRun ? preview : append)(tx, work, proposed, settled));
    },
    alone: (work, group) =>
      settle(work, async (tx) => {
        if (work.job.dryRun) return preview(tx, work, await propose(work, [group]), []);
        await log.admit(tx, []);
        return append(tx, work, await propose(work, [group]), []);
      }),
  };
};

const proposalOf = (work: Work, group: Group, { unit, verdicts }: StreamDecision): Proposed => {
  let first = 0;
  const outcomes = group.items.map((item, n) => {
    const verdict = verdicts[n] as StreamDecision['verdicts'][number];
    const { outcome, rejection, events } = verdict;
    if (rejection !== undefined)
      return outcomeOf(item, { o: 'rejected', c: rejection.rejection, m: rejection.message });
    if (events.length === 0) return outcomeOf(item, { o: outcome });
    first += events.length;
    const types = work.job.dryRun ? { w: events.map(({ type }) => type) } : {};
    return outcomeOf(item, { o: outcome, p: [first - events.length, events.length], ...types });
  });
  return { group, unit, outcomes };
};

/** Of several items that share a unit nobody knows whose claim is taken; of one it is that item's rejection. */
const turnedAway = (proposed: readonly Proposed[], refused: Admission['refused']) => {
  const conflicting: Group[] = [];
  const claimed: Group[] = [];
  const taken: StoredOutcome[] = [];
  proposed.forEach(({ group }, n) => {
    const refusal = refused[n];
    if (refusal === undefined) return;
    const [item, ...more] = group.items;
    if (refusal.cause !== 'claimed') conflicting.push(group);
    else if (item === undefined || more.length > 0) claimed.push(group);
    else
      taken.push(
        outcomeOf(item, { o: 'rejected', c: refusal.code, m: 'Something that only one may hold is taken.' }),
      );
  });
  return { conflicting, claimed, taken };
};

/** Positions follow the head without a gap, unit by unit, as they are about to be written. */
const place = (admitted: readonly Proposed[], head: number): readonly StoredOutcome[] => {
  let before = head + 1;
  return admitted.flatMap(({ unit, outcomes }) => {
    const start = before;
    before += unit.events.length;
    return outcomes.map((one) =>
      one.p === undefined ? one : { ...one, p: [start + one.p[0], one.p[1]] as const },
    );
  });
};

const recordOf = (
  parts: Parts,
  work: Work,
  outcomes: readonly StoredOutcome[],
): Pick<Unit, 'writes' | 'events'> => {
  const { job, chunk, rounds, principal, command } = work;
  const stream = itemsStream(job.id);
  const metadata = metadataFor(job, principal, { commandId: parts.newId(), decidedAt: parts.clock() });
  const items = outcomes.map((one) => ({
    index: one.x,
    target: one.t,
    outcome: one.o,
    ...(one.c === undefined ? {} : { code: one.c }),
    positions: [...positionsOf(one)],
  }));
  const data = { jobId: job.id, chunk, round: rounds + 1, prefix: command.stream.prefix, items };
  return { writes: [{ stream, base: 'any' }], events: [{ stream, metadata, ...BulkItemsDecided.of(data) }] };
};
