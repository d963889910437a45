/**
 * Reconciliations, put together: looked at and asked for in every process that serves the API; made, when they
 * are due or asked for, in those that call `start`.
 */
import type { Origin } from '../../access/origin.ts';
import { isEveryRow } from '../../access/principal.ts';
import { invalidInput, notPermitted, QuarterdeckError } from '../../errors.ts';
import { createPolling } from '../polling.ts';
import type { Difference } from './comparing.ts';
import type { ReconciliationDefinition } from './definition.ts';
import { createRuns, differenceContext, type RunParts } from './runs.ts';
import {
  type DifferenceRow,
  type RunRow,
  selectDifferences,
  selectFinished,
  selectNewest,
} from './sql/runs.ts';

export { reconciliationEvents } from './engine-events.ts';

export interface ReconciliationView {
  readonly name: string;
  readonly summary: string;
  readonly projection: string;
  readonly fields: readonly string[];
  readonly everyMinutes: number;
  /** The newest run, under way or ended; null where there was none. */
  readonly run: Omit<RunRow, 'name'> | null;
}

export interface DifferencesAsked extends Origin {
  readonly name: string;
  /** Key of the last one of the page before. */
  readonly cursor?: string;
  readonly limit?: number;
}

export interface ReconciliationDesk {
  /** With `reconciliations:read`. */
  list(asked: Origin): Promise<{ readonly data: readonly ReconciliationView[] }>;
  /** Of the newest run that could be finished; also needed: to read the rows and every field that is compared. */
  differences(asked: DifferencesAsked): Promise<{
    readonly run: Omit<RunRow, 'name'> | null;
    readonly data: readonly Difference[];
    readonly nextCursor: string | null;
  }>;
  /** With `reconciliations:run`: makes one now. @throws QuarterdeckError `rejected` where one is under way */
  run(asked: Origin & { readonly name: string }): Promise<{ readonly id: string }>;
}

export interface ReconciliationsOptions extends RunParts {
  readonly definitions: readonly ReconciliationDefinition[];
  /** What one must hold to read these fields of the projection. @throws Error where there are no such fields */
  readonly permissionsFor: (definition: ReconciliationDefinition) => readonly string[];
  /** Not in a restored copy. */
  readonly allowed: () => Promise<boolean>;
}

export interface Reconciliations {
  readonly desk: ReconciliationDesk;
  start(): void;
  stop(): Promise<void>;
}

const limitDefault = 100;
const limitMax = 500;
/** A schedule is looked at once a minute; the statement that begins a run says whether it is due. */
const scheduleMs = 60_000;
const pollMs = 5_000;

const withoutName = ({ name: _, ...run }: RunRow): Omit<RunRow, 'name'> => run;

/** @throws Error when two share a name, or one names what is not there. */
export const createReconciliations = (options: ReconciliationsOptions): Reconciliations => {
  const { pool, codec, definitions, onError } = options;
  const byName = new Map(definitions.map((one) => [one.name, one]));
  if (byName.size < definitions.length) throw new Error('two reconciliations share a name');
  const needed = new Map(definitions.map((one) => [one.name, options.permissionsFor(one)]));
  const runs = createRuns(options);
  const ending = new AbortController();
  const underWay = new Set<Promise<void>>();
  let lookedAt = 0;

  const get = (name: string): ReconciliationDefinition => {
    const found = byName.get(name);
    if (found === undefined) throw new QuarterdeckError('not_found', `There is no reconciliation ${name}.`);
    return found;
  };

  const requireAll = ({ principal: { permissions } }: Origin, wanted: readonly string[]): void => {
    const missing = wanted.find((one) => !permissions.has(one) || !isEveryRow(permissions.rows(one)));
    if (missing !== undefined) throw notPermitted(missing);
  };

  const begin = async (definition: ReconciliationDefinition, asked: boolean): Promise<string | undefined> => {
    const run = await runs.begin(definition, asked);
    if (run === undefined) return undefined;
    const work: Promise<void> = runs
      .carryOut(definition, run, ending.signal)
      .catch((error: unknown) => onError(error, `reconciling ${definition.name}`))
      .finally(() => underWay.delete(work));
    underWay.add(work);
    return run;
  };

  const look = async (): Promise<void> => {
    if (Date.now() - lookedAt < scheduleMs || !(await options.allowed())) return;
    lookedAt = Date.now();
    for (const definition of definitions) await begin(definition, false);
  };

  const open = async ({ key, subject, sealed }: DifferenceRow): Promise<Difference> => {
    const text = await codec.decryptText(subject, sealed, differenceContext);
    return text.startsWith('{') ? { key, ...JSON.parse(text) } : { key, missing: null, fields: {} };
  };

  const doing = 'looking for reconciliations that are due';
  const polling = createPolling({ look, everyMs: pollMs, onError, doing });

  return {
    desk: {
      async list(asked) {
        requireAll(asked, ['reconciliations:read']);
        const { rows } = await pool.query<RunRow>(selectNewest);
        const newest = new Map(rows.map((row) => [row.name, withoutName(row)]));
        const data = definitions.map(({ name, summary, projection, fields, everyMinutes }) => ({
          name,
          summary,
          projection,
          fields,
          everyMinutes,
          run: newest.get(name) ?? null,
        }));
        return { data };
      },
      async differences({ name, cursor = '', limit = limitDefault, ...origin }) {
        requireAll(origin, ['reconciliations:read']);
        get(name);
        requireAll(origin, needed.get(name) ?? []);
        if (limit > limitMax) throw invalidInput('limit', `Give a whole number from 1 to ${limitMax}.`);
        const [run] = (await pool.query<RunRow>({ ...selectFinished, values: [name] })).rows;
        if (run === undefined) return { run: null, data: [], nextCursor: null };
        const values = [run.id, cursor, limit + 1];
        const { rows } = await pool.query<DifferenceRow>({ ...selectDifferences, values });
        const data = await Promise.all(rows.slice(0, limit).map(open));
        const nextCursor = rows.length > limit ? (data.at(-1)?.key ?? null) : null;
        return { run: withoutName(run), data, nextCursor };
      },
      async run({ name, ...origin }) {
        requireAll(origin, ['reconciliations:run']);
        const definition = get(name);
        if (!(await options.allowed()))
          throw new QuarterdeckError('rejected', 'This database belongs to another environment.', {
            rejection: 'other_environment',
          });
        const id = await begin(definition, true);
        if (id === undefined)
          throw new QuarterdeckError('rejected', 'One is under way; wait for its end.', {
            rejection: 'reconciliation_under_way',
          });
        return { id };
      },
    },
    start() {
      // Not in the first minute: projections may still be on their way.
      lookedAt = Date.now();
      if (definitions.length > 0) polling.start();
    },
    async stop() {
      ending.abort();
      await polling.stop();
      await Promise.all(underWay);
    },
  };
};
