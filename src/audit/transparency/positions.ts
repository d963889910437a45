/**
 * Where a command's events stand. A command's id is a UUID v7, made a moment before its events were recorded,
 * so a bounded part of the log behind that moment holds them.
 */
import type { Db } from '../../db/pool.ts';
import { invalidInput } from '../../errors.ts';
import type { EventLog } from '../../events/log.ts';
import { selectPositionsOfCommand } from './sql/positions.ts';

/** Clocks of processes differ by less, and no command waits longer for its append. */
const beforeMs = 60_000;
const afterMs = 10 * 60_000;
const uuid7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

interface Deps {
  readonly pool: Db;
  readonly log: Pick<EventLog, 'positionBefore'>;
}

export const positionsOfCommand =
  ({ pool, log }: Deps) =>
  async (commandId: string): Promise<readonly number[]> => {
    if (!uuid7.test(commandId))
      throw invalidInput('commandId', 'must be the id that a command answered with');
    const madeAt = Number.parseInt(commandId.replace('-', '').slice(0, 12), 16);
    const timeAt = (ms: number): string => new Date(ms).toISOString();
    const [after, upTo] = await Promise.all([
      log.positionBefore(timeAt(madeAt - beforeMs)),
      log.positionBefore(timeAt(madeAt + afterMs)),
    ]);
    const { rows } = await pool.query<{ position: number }>({
      ...selectPositionsOfCommand,
      values: [after, upTo, commandId],
    });
    return rows.map(({ position }) => position);
  };
