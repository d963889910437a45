/** Makes a run: begins it where none is under way, compares, and keeps what came of it. */

import { metadataOf } from '../../access/origin.ts';
import { systemPrincipal } from '../../access/principal.ts';
import type { Db } from '../../db/pool.ts';
import type { Codec } from '../../events/codec.ts';
import type { EventLog } from '../../events/log.ts';
import type { OnError } from '../ports.ts';
import { type Compared, compare, type Difference, type Sides } from './comparing.ts';
import type { ReconciliationDefinition } from './definition.ts';
import { ReconciliationFinished, reconciliationStream } from './engine-events.ts';
import { beginRun, finishRun, forgetRuns, insertDifferences, touchRun } from './sql/runs.ts';

export interface RunParts {
  readonly pool: Db;
  readonly log: Pick<EventLog, 'record'>;
  readonly codec: Pick<Codec, 'encryptText' | 'decryptText'>;
  readonly clock: () => string;
  readonly newId: () => string;
  readonly onError: OnError;
  /** Our rows, as the system reads them. */
  readonly sidesOf: (definition: ReconciliationDefinition) => Sides & {
    /** Whose personal data a row's may be. */
    readonly subjectOf: (key: string) => string;
  };
}

export const differenceContext = 'reconciliation';

const deadAfterSeconds = 120;
const touchEveryMs = 30_000;
const runsKept = 20;

export interface Runs {
  /** The id of the run that began; undefined where one is under way, or none is due and none was asked for. */
  begin(definition: ReconciliationDefinition, asked: boolean): Promise<string | undefined>;
  /** Resolves when it has ended, well or not. */
  carryOut(definition: ReconciliationDefinition, run: string, signal: AbortSignal): Promise<void>;
}

export const createRuns = (parts: RunParts): Runs => {
  const { pool, log, codec, clock, newId, onError } = parts;

  const keep = async (
    run: string,
    differences: readonly Difference[],
    subjectOf: (key: string) => string,
  ) => {
    if (differences.length === 0) return;
    const subjects = differences.map(({ key }) => subjectOf(key));
    const sealed = await Promise.all(
      differences.map(({ missing, fields }, n) =>
        codec.encryptText(subjects[n] as string, JSON.stringify({ missing, fields }), differenceContext),
      ),
    );
    const values = [run, differences.map(({ key }) => key), subjects, sealed];
    await pool.query({ ...insertDifferences, values });
  };

  const end = async (
    { name }: ReconciliationDefinition,
    run: string,
    { compared, differing }: Compared,
    failure: string | null,
  ): Promise<void> => {
    await pool.query({ ...finishRun, values: [run, compared, differing, failure] });
    await pool.query({ ...forgetRuns, values: [name, runsKept] });
    const data = { name, run, compared, differing, failed: failure !== null };
    const metadata = metadataOf({ principal: systemPrincipal }, { clock, newId });
    await log.record(reconciliationStream, [ReconciliationFinished.of(data)], metadata);
  };

  return {
    async begin({ name, everyMinutes }, asked) {
      const values = [newId(), name, clock(), Math.ceil(everyMinutes), deadAfterSeconds, asked];
      const { rows } = await pool.query<{ id: string }>({ ...beginRun, values });
      return rows[0]?.id;
    },
    async carryOut(definition, run, signal) {
      const sides = parts.sidesOf(definition);
      let compared = 0;
      const touch = (): Promise<unknown> => pool.query({ ...touchRun, values: [run, compared] });
      // Also while it waits for what is under way, or for a slow product.
      const alive = setInterval(() => {
        touch().catch((error: unknown) => onError(error, `reconciling ${definition.name}`));
      }, touchEveryMs);
      try {
        const found = await compare(definition, sides, {
          signal,
          onProgress: async (now) => {
            compared = now;
            await touch();
          },
          onDifferences: (differences) => keep(run, differences, sides.subjectOf),
        });
        await end(definition, run, found, null);
      } catch (error) {
        onError(error, `reconciling ${definition.name}`);
        const failure = signal.aborted ? 'The process ended.' : 'A fault; it is in the log of the process.';
        await end(definition, run, { compared, differing: 0 }, failure);
      } finally {
        clearInterval(alive);
      }
    },
  };
};
