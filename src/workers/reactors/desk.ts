/**
 * What operators do with reactors: look at them, retry or discard dead letters, pause and resume. Permissions
 * first; whatever is changed is said in the log in the transaction that changes it.
 */
import type { Origin } from '../../access/origin.ts';
import { isEveryRow } from '../../access/principal.ts';
import type { Tx } from '../../db/pool.ts';
import { inTransaction } from '../../db/transaction.ts';
import { invalidInput, notPermitted, QuarterdeckError } from '../../errors.ts';
import type { NewEvent } from '../../events/definition.ts';
import type { ReactorDefinition } from './definition.ts';
import {
  DeadLettersDiscarded,
  DeadLettersRetried,
  DeliveryRepeated,
  ReactorPaused,
  ReactorResumed,
} from './engine-events.ts';
import { errorContext } from './failing.ts';
import type { Parts } from './parts.ts';
import { recordIn } from './recording.ts';
import type { DeadLetter, DeadLetterAsked, ReactorAsked, ReactorDesk, ReactorView } from './request.ts';
import { repeatDelivery } from './sql/deliveries.ts';
import {
  type DeadRow,
  discardDead,
  pauseReactor,
  resumeReactor,
  retryDead,
  type StandingRow,
  selectDead,
  selectReactor,
  selectStandings,
} from './sql/operating.ts';

const limitMax = 500;
const limitDefault = 100;
const positionsToldMax = 1_000;

const require = ({ principal }: Origin, permission: string): void => {
  if (!principal.permissions.has(permission)) throw notPermitted(permission);
};

/** A reactor is told of every row's events, so whoever handles its dead letters must reach every row. */
const requireWhole = (origin: Origin, permission: string): void => {
  require(origin, permission);
  if (isEveryRow(origin.principal.permissions.rows(permission))) return;
  throw new QuarterdeckError('not_permitted', 'This is for roles that reach every row.', {
    extra: { permission },
  });
};

const viewOf = (row: StandingRow, definition: ReactorDefinition | undefined, head: number): ReactorView => ({
  name: row.name,
  summary: definition?.summary ?? null,
  events: definition?.events ?? [],
  position: row.position,
  lag: Math.max(0, head - row.position),
  pending: row.pending,
  retrying: row.retrying,
  held: row.held,
  dead: row.dead,
  oldest: row.oldest,
  failures: row.failures,
  paused: row.pausedAt === null ? null : { at: row.pausedAt, reason: row.pausedReason },
});

export const createReactorDesk = (parts: Parts, wake: () => void): ReactorDesk => {
  const { pool, log, codec } = parts;

  const standings = async (): Promise<{ data: ReactorView[]; position: number }> => {
    const { position } = await log.head();
    const { rows } = await pool.query<StandingRow>(selectStandings);
    const definitions = parts.definitions();
    return { data: rows.map((row) => viewOf(row, definitions.get(row.name), position)), position };
  };

  const requireReactor = async (name: string): Promise<void> => {
    const { rowCount } = await pool.query({ ...selectReactor, values: [name] });
    if (rowCount === 0) throw new QuarterdeckError('not_found', `There is no reactor ${name}.`);
  };

  const letterOf = async ({ id, errorSubject, error, ...row }: DeadRow): Promise<DeadLetter> => ({
    ...row,
    eventId: id,
    error:
      errorSubject === null || error === null
        ? ''
        : await codec.decryptText(errorSubject, error, errorContext),
  });

  /** `change` answers what happened; undefined: nothing did, and nothing is recorded. */
  const changing = async (
    asked: ReactorAsked,
    change: (tx: Tx) => Promise<NewEvent | undefined>,
  ): Promise<void> => {
    requireWhole(asked, 'reactors:steer');
    await requireReactor(asked.name);
    const position = await inTransaction(pool, async (tx) => {
      const event = await change(tx);
      return recordIn(tx, parts, asked, event === undefined ? [] : [event]);
    });
    if (position > 0) log.announce(position);
    wake();
  };

  const changeLetters =
    (
      statement: typeof retryDead | typeof discardDead,
      said: (data: Said) => NewEvent,
      also: (tx: Tx, name: string, positions: readonly number[]) => Promise<void> = async () => undefined,
    ) =>
    async (asked: DeadLetterAsked): Promise<number> => {
      let count = 0;
      await changing(asked, async (tx) => {
        const wanted = asked.position === undefined ? null : [asked.position];
        const { rows } = await tx.query<{ position: number }>({ ...statement, values: [asked.name, wanted] });
        count = rows.length;
        const positions = rows.map(({ position }) => position).sort((a, b) => a - b);
        if (count === 0) return undefined;
        await also(tx, asked.name, positions);
        return said({ reactor: asked.name, count, positions: positions.slice(0, positionsToldMax) });
      });
      if (count === 0 && asked.position !== undefined)
        throw new QuarterdeckError('not_found', `There is no dead letter at position ${asked.position}.`);
      return count;
    };

  /** Where somebody waits for what became of an event, this is what became of it. */
  const tellOfDiscarded = async (tx: Tx, name: string, positions: readonly number[]): Promise<void> => {
    const { onDiscard } = parts.definitions().get(name) ?? {};
    if (onDiscard === undefined) return;
    const events = await log.readAt(positions);
    const units = events.flatMap((event) => onDiscard(event) ?? []);
    if (units.length > 0) await log.write(tx, units);
  };

  const viewed = async (name: string): Promise<ReactorView> => {
    const found = (await standings()).data.find((one) => one.name === name);
    if (found === undefined) throw new QuarterdeckError('not_found', `There is no reactor ${name}.`);
    return found;
  };

  return {
    async list(asked) {
      require(asked, 'reactors:read');
      return standings();
    },
    async deadLetters(asked) {
      requireWhole(asked, 'reactors:read');
      const { name, after = 0, limit = limitDefault } = asked;
      if (!Number.isInteger(limit) || limit < 1 || limit > limitMax)
        throw invalidInput('limit', `Give a whole number from 1 to ${limitMax}.`);
      await requireReactor(name);
      const { rows } = await pool.query<DeadRow>({ ...selectDead, values: [name, after, limit + 1] });
      const data = await Promise.all(rows.slice(0, limit).map(letterOf));
      return { data, nextCursor: rows.length > limit ? (data.at(-1)?.position ?? null) : null };
    },
    retry: changeLetters(retryDead, DeadLettersRetried.of),
    discard: changeLetters(discardDead, DeadLettersDiscarded.of, tellOfDiscarded),
    async pause(asked) {
      await changing(asked, async (tx) => {
        const { rowCount } = await tx.query({ ...pauseReactor, values: [asked.name, null] });
        return rowCount === 1 ? ReactorPaused.of({ reactor: asked.name }) : undefined;
      });
      return viewed(asked.name);
    },
    async resume(asked) {
      await changing(asked, async (tx) => {
        const { rowCount } = await tx.query({ ...resumeReactor, values: [asked.name] });
        return rowCount === 1 ? ReactorResumed.of({ reactor: asked.name }) : undefined;
      });
      return viewed(asked.name);
    },
  };
};

/** Not a step of the desk's: who may have something repeated depends on what the reactor is for. */
export const repeating =
  (parts: Parts, wake: () => void) =>
  async (origin: Origin, name: string, position: number): Promise<void> => {
    const recorded = await inTransaction(parts.pool, async (tx) => {
      await tx.query({ ...repeatDelivery, values: [name, position] });
      return recordIn(tx, parts, origin, [DeliveryRepeated.of({ reactor: name, position })]);
    });
    parts.log.announce(recorded);
    wake();
  };

interface Said {
  readonly reactor: string;
  readonly count: number;
  readonly positions: number[];
}
