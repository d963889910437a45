/** Effects, by the commands that have them. */
import type { AlongsideOf } from '../../commands/lanes.ts';
import type { Queryable } from '../../db/pool.ts';
import { isEngineStream } from '../../events/envelope.ts';
import type { Alongside } from '../../events/log.ts';
import type { ReactorDefinition } from '../reactors/definition.ts';
import { type EffectDefinition, isFor } from './definition.ts';
import { effectReactor, effectReactorName, type Settling } from './reactor.ts';
import { limitEffect, type SettledRow, selectSettled } from './sql/effects.ts';

export { effectEvents } from './engine-events.ts';

interface Job {
  readonly id: string;
  readonly command: string;
  readonly position: number;
}

export interface Effects {
  /** What runs in the transaction in which these commands are appended. */
  readonly alongsideOf: AlongsideOf;
  /** Whether every effect that is delivered for the job has been settled, all of its items being decided. */
  isSettled(db: Queryable, job: Job): Promise<boolean>;
  readonly reactors: readonly ReactorDefinition[];
}

/** For each effect in a transaction: the append lock is held, and everybody waits. */
const secondsMax = 5;

/** @throws Error where an effect names a command that there is not. */
export const createEffects = (
  definitions: readonly EffectDefinition[],
  commands: ReadonlySet<string>,
  settling: Settling,
): Effects => {
  for (const { name, commands: wanted } of definitions) {
    const unknown = wanted.find((command) => !commands.has(command));
    if (unknown !== undefined) throw new Error(`the effect ${name} is of ${unknown}, which is no command`);
  }
  const delivered = definitions.flatMap((one) =>
    one.deliver === undefined ? [] : [{ ...one, deliver: one.deliver }],
  );
  const within = definitions.flatMap((one) =>
    one.inTransaction === undefined ? [] : [{ ...one, inTransaction: one.inTransaction }],
  );

  /** Each is told of the events of its own commands, all of them at once. */
  const alongside: Alongside = async (tx, events) => {
    for (const effect of within) {
      const wanted = events.filter(
        ({ stream, type, metadata }) =>
          !isEngineStream(stream) && effect.events.includes(type) && isFor(effect, metadata),
      );
      if (wanted.length === 0) continue;
      await tx.query({ ...limitEffect, values: [`${secondsMax}s`] });
      await effect.inTransaction(tx, wanted);
    }
  };

  return {
    alongsideOf: (names) =>
      within.some(({ commands: own }) => names.some((name) => own.includes(name))) ? alongside : undefined,
    async isSettled(db, { id, command, position }) {
      const names = delivered.filter(({ commands: own }) => own.includes(command)).map(({ name }) => name);
      if (names.length === 0) return true;
      const values = [id, names.map(effectReactorName)];
      const { rows } = await db.query<SettledRow>({ ...selectSettled, values });
      const [{ expected, settled, read }] = rows as [SettledRow];
      return read >= position && settled >= expected;
    },
    reactors: delivered.map((effect) => effectReactor(settling, effect)),
  };
};
