/**
 * Which environment a database belongs to. A restored copy elsewhere is told by the mismatch: whatever
 * reaches outside (reactors, webhooks, effects, schedules) stays off there until somebody adopts it.
 */
import { z } from 'zod';
import { metadataOf } from './access/origin.ts';
import { systemPrincipal } from './access/principal.ts';
import type { Db } from './db/pool.ts';
import {
  adoptEnvironment,
  claimEnvironment,
  forgetOutstanding,
  pauseWebhooks,
  selectEnvironment,
} from './db/sql/environment.ts';
import { inTransaction } from './db/transaction.ts';
import { defineEvent } from './events/definition.ts';
import { emptyUnit } from './events/event-log.ts';
import type { EventLog } from './events/log.ts';

const environmentStream = '$environment';

/** `kept`: whether what was outstanding there is done here. */
export const EnvironmentAdopted = defineEvent({
  type: 'EnvironmentAdopted',
  schema: z.object({ from: z.string(), to: z.string(), kept: z.boolean() }),
  refs: () => [],
});

export const environmentEvents = [EnvironmentAdopted] as const;

export interface Environment {
  /** As this process is told; undefined: it was told none, and nothing is guarded. */
  readonly name: string | undefined;
  /** Writes the name where the database keeps none yet. */
  claim(): Promise<void>;
  /** As the database keeps it. */
  kept(): Promise<string | undefined>;
  /** Whether what reaches outside may do so. */
  isOurs(): Promise<boolean>;
  /**
   * Takes the database over; whether there was anything to take over. Deliveries that were outstanding are the
   * other environment's to make: reactors begin at the head, and webhooks, whose addresses came with the copy,
   * wait to be resumed one by one. With `keep` all of them go on where they stood.
   */
  adopt(keep: boolean): Promise<boolean>;
}

interface Options {
  readonly pool: Db;
  readonly log: EventLog;
  readonly clock: () => string;
  readonly newId: () => string;
  readonly name: string | undefined;
}

export const createEnvironment = ({ pool, log, clock, newId, name }: Options): Environment => {
  const kept = async (): Promise<string | undefined> => {
    const { rows } = await pool.query<{ name: string }>(selectEnvironment);
    return rows[0]?.name;
  };

  const takeOver = (to: string, keep: boolean): Promise<number> =>
    inTransaction(pool, async (tx) => {
      const { rows } = await tx.query<{ from: string }>({ ...adoptEnvironment, values: [to] });
      const from = rows[0]?.from;
      if (from === undefined) return 0;
      const metadata = metadataOf({ principal: systemPrincipal }, { clock, newId });
      const events = [
        { stream: environmentStream, metadata, ...EnvironmentAdopted.of({ from, to, kept: keep }) },
      ];
      const [outcome] = await log.write(tx, [
        { ...emptyUnit, writes: [{ stream: environmentStream, base: 'any' }], events },
      ]);
      if (outcome?.accepted !== true) throw new Error('the adoption was refused by the log');
      const position = outcome.events[0]?.position ?? 0;
      if (!keep) {
        await tx.query({ ...forgetOutstanding, values: [position] });
        await tx.query(pauseWebhooks);
      }
      return position;
    });

  return {
    name,
    kept,
    async claim() {
      if (name !== undefined) await pool.query({ ...claimEnvironment, values: [name] });
    },
    isOurs: async () => name === undefined || (await kept()) === name,
    async adopt(keep) {
      if (name === undefined) return false;
      const position = await takeOver(name, keep);
      if (position > 0) log.announce(position);
      return position > 0;
    },
  };
};
