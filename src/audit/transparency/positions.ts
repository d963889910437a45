/**
 * Where a command's events stand. A command's id is a UUID v7, made a moment before its events were recorded,
 * so a bounded part of the log behind that moment holds them.
 */
import type { Db } from '../../db/pool.ts';
import { invalidInput } from '../../errors.ts';
import type { ArchivedEvents } from '../../events/archived.ts';
import type { StoredEvent } from '../../events/envelope.ts';
import type { EventLog } from '../../events/log.ts';
import { selectMoved, selectPositionsOfCommand } from './sql/positions.ts';

/** Clocks of processes differ by less, and no command waits longer for its append. */
const beforeMs = 60_000;
const afterMs = 10 * 60_000;
const idsAtOnce = 500;
const uuid7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

interface Deps {
  readonly pool: Db;
  readonly log: Pick<EventLog, 'positionBefore'>;
  readonly archived: ArchivedEvents;
}

interface Window {
  readonly after: number;
  readonly upTo: number;
}

export const positionsOfCommand = ({ pool, log, archived }: Deps) => {
  /**
   * Ids of a command's events were made a moment after its own by the same process, so that they come first among
   * those made later, and few others have to be looked at.
   */
  const amongMoved = async ({ after, upTo }: Window, commandId: string): Promise<readonly number[]> => {
    const found: number[] = [];
    for (let last = `${commandId.slice(0, 14)}7000-8000-000000000000`; ; ) {
      const values = [after, upTo, last, idsAtOnce];
      const { rows } = await pool.query<{ position: number; id: string }>({ ...selectMoved, values });
      if (rows.length === 0) return found.sort((a, b) => a - b);
      const texts = await archived.textsAt(rows.map(({ position }) => position));
      const own = rows.filter(({ position }) => isOf(texts.get(position), commandId));
      found.push(...own.map(({ position }) => position));
      const next = rows.at(-1);
      // They were appended together, and so have their ids.
      if (found.length > 0 && next !== own.at(-1)) return found.sort((a, b) => a - b);
      last = next?.id ?? last;
    }
  };

  return async (commandId: string): Promise<readonly number[]> => {
    if (!uuid7.test(commandId))
      throw invalidInput('commandId', 'must be the id that a command answered with');
    const madeAt = Number.parseInt(commandId.replace('-', '').slice(0, 12), 16);
    const timeAt = (ms: number): string => new Date(ms).toISOString();
    const [after, upTo] = await Promise.all([
      log.positionBefore(timeAt(madeAt - beforeMs)),
      log.positionBefore(timeAt(madeAt + afterMs)),
    ]);
    const [moved, { rows }] = await Promise.all([
      amongMoved({ after, upTo }, commandId),
      pool.query<{ position: number }>({ ...selectPositionsOfCommand, values: [after, upTo, commandId] }),
    ]);
    return [...moved, ...rows.map(({ position }) => position)];
  };
};

const isOf = (stored: string | undefined, commandId: string): boolean =>
  stored !== undefined && (JSON.parse(stored) as StoredEvent).metadata.commandId === commandId;
