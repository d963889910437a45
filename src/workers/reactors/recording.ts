/** Writes what became of reactors into the log, in the transaction in which it becomes so. */
import { metadataOf, type Origin } from '../../access/origin.ts';
import type { Tx } from '../../db/pool.ts';
import type { NewEvent } from '../../events/definition.ts';
import { emptyUnit } from '../../events/event-log.ts';
import { reactorsStream } from './engine-events.ts';
import type { Parts } from './parts.ts';

/** Position of the last of them, to be announced after the commit; 0 where there are none. */
export const recordIn = async (
  tx: Tx,
  { log, clock, newId }: Pick<Parts, 'log' | 'clock' | 'newId'>,
  origin: Origin,
  events: readonly NewEvent[],
): Promise<number> => {
  if (events.length === 0) return 0;
  const metadata = metadataOf(origin, { clock, newId });
  const [outcome] = await log.write(tx, [
    {
      ...emptyUnit,
      writes: [{ stream: reactorsStream, base: 'any' }],
      events: events.map((event) => ({ stream: reactorsStream, metadata, ...event })),
    },
  ]);
  if (outcome?.accepted !== true) throw new Error('what became of a reactor was refused by the log');
  return outcome.events.at(-1)?.position ?? 0;
};
