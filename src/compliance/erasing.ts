/**
 * Erasure beyond the decision: the key is destroyed in the transaction in which SubjectErased is appended, after its
 * tombstone was written outside the database; copies are scrubbed afterwards by whoever works, and what a restored
 * backup brought back is destroyed again before anything is served.
 */
import { metadataOf } from '../access/origin.ts';
import { systemPrincipal } from '../access/principal.ts';
import type { Db, Tx } from '../db/pool.ts';
import { inTransaction } from '../db/transaction.ts';
import { invalidInput } from '../errors.ts';
import type { NewEvent } from '../events/definition.ts';
import { emptyUnit } from '../events/event-log.ts';
import type { KeyRing } from '../events/keys.ts';
import { keysChannel } from '../events/keys.ts';
import type { Alongside, EventLog, Folding } from '../events/log.ts';
import { burySubjectKey, destroySubjectKey, selectHasKey } from '../events/sql/subject-keys.ts';
import { ErasureReapplied, SubjectScrubbed } from './events.ts';
import type { Tombstone, Tombstones } from './mirror.ts';
import type { Copies } from './scrubbing.ts';
import {
  type ClaimedRow,
  claimErasure,
  finishErasure,
  giveBackErasure,
  insertErasure,
  notifyDestroyed,
  saveCounts,
  selectKnownTombstones,
  selectRevived,
} from './sql/erasures.ts';
import { type Erasure, erasures } from './state.ts';

export interface Erasing {
  /** In the transaction of `erase-subject`. */
  readonly alongside: Alongside;
  /** Destroys again what the mirror says was erased and the database does not know of; the subjects. */
  reapply(): Promise<readonly string[]>;
  /** Scrubs what is left of one erasure, of `subjects` or any; whether there was one. */
  scrubNext(copies: readonly Copies[], subjects?: readonly string[]): Promise<boolean>;
}

interface Options {
  readonly pool: Db;
  readonly log: EventLog;
  readonly keyRing: Pick<KeyRing, 'forget'>;
  readonly tombstones: Tombstones;
  readonly clock: () => string;
  readonly newId: () => string;
}

/** Renewed after each kind of copies. */
const leaseSeconds = 120;

export const createErasing = ({ pool, log, keyRing, tombstones, clock, newId }: Options): Erasing => {
  const eventOf = (subject: string, event: NewEvent) => ({
    stream: erasures.of(subject),
    metadata: metadataOf({ principal: systemPrincipal }, { clock, newId }),
    ...event,
  });

  /** The key's row, the erasure's and the word to all processes: one transaction, whatever it was begun for. */
  const destroy = async (
    tx: Tx,
    { subject, position }: Pick<Tombstone, 'subject' | 'position'>,
    statement: typeof destroySubjectKey | typeof burySubjectKey,
  ): Promise<boolean> => {
    const { rowCount } = await tx.query({ ...statement, values: [subject] });
    await tx.query({ ...insertErasure, values: [subject, tombstones.nameOf(subject), position] });
    await tx.query({ ...notifyDestroyed, values: [keysChannel, subject] });
    return rowCount === 1;
  };

  const alongside: Alongside = async (tx, events) => {
    for (const { type, data, position, metadata } of events) {
      if (type !== 'SubjectErased') continue;
      const subject = String(data.subject);
      if (!(await destroy(tx, { subject, position }, destroySubjectKey)))
        throw invalidInput(
          'subject',
          `Nothing personal is kept of ${subject}: look for the subject in an event of theirs.`,
        );
      // Last, when nothing else can refuse: from here on the erasure outlives this database.
      await tombstones.write({ subject, position, erasedAt: metadata.decidedAt });
      // No later than the commit: nothing that was sealed meanwhile can be read again.
      keyRing.forget(subject);
    }
  };

  /** Decided while nobody else appends: of several processes that start at once, one records it. */
  const reapplyOne = async ({ subject, position, erasedAt }: Tombstone): Promise<boolean> => {
    const stream = erasures.of(subject);
    const decide = async () => {
      const [loaded] = await log.load([{ stream, folding: erasures as unknown as Folding<Erasure> }]);
      const { rows } = await pool.query<{ has: boolean }>({ ...selectHasKey, values: [subject] });
      const isErased = (loaded?.state as Erasure | undefined)?.erased === true;
      if (isErased && rows[0]?.has === false) return emptyUnit;
      const event = ErasureReapplied.of({ subject, position, erasedAt });
      return {
        ...emptyUnit,
        writes: [{ stream, base: loaded?.version ?? 0 }],
        events: [eventOf(subject, event)],
      };
    };
    let reapplied = false;
    await log.appendDecided(decide, async (tx, [event]) => {
      reapplied = event !== undefined;
      if (event !== undefined) await destroy(tx, { subject, position: event.position }, burySubjectKey);
    });
    keyRing.forget(subject);
    return reapplied;
  };

  const finish = async (subject: string, counts: Readonly<Record<string, number>>): Promise<void> => {
    const position = await inTransaction(pool, async (tx) => {
      if ((await tx.query({ ...finishErasure, values: [subject] })).rowCount !== 1) return 0;
      const stream = erasures.of(subject);
      const events = [eventOf(subject, SubjectScrubbed.of({ subject, counts }))];
      const unit = { ...emptyUnit, writes: [{ stream, base: 'any' as const }], events };
      const [outcome] = await log.write(tx, [unit]);
      if (outcome?.accepted !== true) throw new Error('the end of an erasure was refused by the log');
      return outcome.events[0]?.position ?? 0;
    });
    if (position > 0) log.announce(position);
  };

  return {
    alongside,
    async reapply() {
      const names = await tombstones.names();
      const { rows } = await pool.query<{ tombstone: string }>({ ...selectKnownTombstones, values: [names] });
      const revived = await pool.query<{ tombstone: string }>(selectRevived);
      const known = new Set(rows.map(({ tombstone }) => tombstone));
      for (const { tombstone } of revived.rows) known.delete(tombstone);
      const subjects: string[] = [];
      for (const name of names) {
        if (known.has(name)) continue;
        const tombstone = await tombstones.read(name);
        if (await reapplyOne(tombstone)) subjects.push(tombstone.subject);
      }
      return subjects;
    },
    async scrubNext(copies, subjects) {
      const { rows } = await pool.query<ClaimedRow>({
        ...claimErasure,
        values: [leaseSeconds, subjects ?? null],
      });
      const [claimed] = rows;
      if (claimed === undefined) return false;
      const { subject } = claimed;
      const counts: Record<string, number> = { ...claimed.counts };
      try {
        for (const { kind, scrub } of copies) {
          counts[kind] = (counts[kind] ?? 0) + (await scrub(subject));
          await pool.query({ ...saveCounts, values: [subject, JSON.stringify(counts), leaseSeconds] });
        }
        await finish(subject, counts);
      } catch (error) {
        await pool.query({ ...giveBackErasure, values: [subject] });
        throw error;
      }
      return true;
    },
  };
};
