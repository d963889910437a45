/**
 * Removes what copies there are of a subject's data: read models, snapshots, inputs and previews of bulk work, errors
 * of reactors, differences of reconciliations, and of a person their row, sessions and grants. Every step may be done
 * again, so whatever was interrupted is begun anew.
 */
import type { Db } from '../db/pool.ts';
import { type PageRow, scrubBySubject, scrubInputs, scrubPreviews } from './sql/scrubbing.ts';

/** A kind of copies that another part of the program keeps. Answers how many it changed. */
export interface Copies {
  readonly kind: string;
  readonly scrub: (subject: string) => Promise<number>;
}

interface Options {
  readonly pool: Db;
  /** Read models; they may make it wait for a projector, so only what is made from them comes after. */
  readonly rows: (subject: string) => Promise<number>;
  /** Words of the reasons that somebody gave, by which they can be searched for. */
  readonly words: (actor: string) => Promise<number>;
  /** Lets a person in no more, in every process. */
  readonly shutOut: (person: string) => Promise<void>;
  /** Made from read models. */
  readonly others: readonly Copies[];
}

const isActor = (subject: string): boolean => /^(person|service):/.test(subject);

/** Looked through by one statement. */
const chunksAtOnce = 100;

export const createScrubbing = ({ pool, rows, words, shutOut, others }: Options): readonly Copies[] => {
  const bySubject = Object.entries(scrubBySubject).map(([kind, text]): Copies => {
    const statement = { name: `scrub_${kind}`, text };
    return {
      kind,
      scrub: async (subject) => (await pool.query({ ...statement, values: [subject] })).rowCount ?? 0,
    };
  });

  /** Page by page, each committed by itself: uploads can be large, and a chunk at work is not locked for long. */
  const paged =
    (statement: typeof scrubInputs | typeof scrubPreviews) =>
    async (subject: string): Promise<number> => {
      let changed = 0;
      let [job, chunk] = ['', 0];
      for (;;) {
        const values = [JSON.stringify(subject), job, chunk, chunksAtOnce];
        const { rows: found } = await pool.query<PageRow>({ ...statement, values });
        const [page] = found as [PageRow];
        changed += page.changed;
        if (page.job === null || page.chunk === null) return changed;
        [job, chunk] = [page.job, page.chunk];
      }
    };

  return [
    {
      kind: 'signedIn',
      async scrub(subject) {
        if (!subject.startsWith('person:')) return 0;
        await shutOut(subject);
        return 1;
      },
    },
    ...bySubject,
    { kind: 'bulkInputs', scrub: paged(scrubInputs) },
    { kind: 'bulkPreviews', scrub: paged(scrubPreviews) },
    // Only who acts gives reasons.
    { kind: 'reasonWords', scrub: async (subject) => (isActor(subject) ? words(subject) : 0) },
    { kind: 'rows', scrub: rows },
    // Made from rows, and until those are scrubbed another may begin.
    ...others,
  ];
};
