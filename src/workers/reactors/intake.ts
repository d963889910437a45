/**
 * Reads the log for reactors by their checkpoints, and writes down what each has to handle before its
 * checkpoint moves on: both in one statement. Reactors that stand at the same position, as nearly all do
 * nearly always, are read for together. Any process may do it; the slower one finds nothing left to move.
 */
import type { StoredEvent } from '../../events/envelope.ts';
import type { ReactorDefinition } from './definition.ts';
import type { Parts } from './parts.ts';
import { admitDeliveries, type Checkpoint, selectCheckpoints } from './sql/deliveries.ts';

const eventsMax = 1_000;
/** Of one reactor; beyond it its checkpoint waits. What is held back counts in the first alone. */
const outstandingMax = 50_000;
const pendingMax = 5_000;

export interface Intake {
  /** Reads one page for each group of reactors. Whether there may be more to read. */
  read(): Promise<boolean>;
}

/** Reactor, bulk job and number of its events, for those whose jobs wait for them. */
const jobsIn = (
  group: readonly ReactorDefinition[],
  events: readonly StoredEvent[],
): readonly [readonly string[], readonly string[], readonly number[]] => {
  const counts = new Map<string, readonly [string, string, number]>();
  for (const { name, countsFor, events: types } of group) {
    if (countsFor === undefined) continue;
    for (const { type, metadata } of events) {
      const job = types.includes(type) ? countsFor(metadata) : undefined;
      if (job !== undefined)
        counts.set(`${name}\n${job}`, [name, job, (counts.get(`${name}\n${job}`)?.[2] ?? 0) + 1]);
    }
  }
  const rows = [...counts.values()];
  return [rows.map(([name]) => name), rows.map(([, job]) => job), rows.map(([, , count]) => count)];
};

export const createIntake = (parts: Parts): Intake => {
  const { pool, log, onError } = parts;
  let told = '';

  const sequencesOf = async (
    definition: ReactorDefinition,
    events: readonly StoredEvent[],
  ): Promise<readonly (string | undefined)[]> => {
    const { sequence } = definition;
    if (sequence === undefined) return events.map(() => undefined);
    if (sequence === 'stream') return events.map(({ stream }) => stream);
    const keys = (await log.decode(events)).map(sequence);
    return keys.map((key) => (key === undefined ? undefined : parts.hashOf(key)));
  };

  const readFor = async (group: readonly ReactorDefinition[], after: number): Promise<boolean> => {
    const types = [...new Set(group.flatMap(({ events }) => events))];
    const page = await log.readStored({ after, limit: eventsMax, types });
    if (page.position === after) return false;
    const columns: [string[], number[], (string | null)[]] = [[], [], []];
    for (const definition of group) {
      const own = page.events.filter(({ type }) => definition.events.includes(type));
      const sequences = await sequencesOf(definition, own);
      own.forEach(({ position }, n) => {
        columns[0].push(definition.name);
        columns[1].push(position);
        columns[2].push(sequences[n] ?? null);
      });
    }
    const names = group.map(({ name }) => name);
    const values = [names, after, page.position, ...columns, ...jobsIn(group, page.events)];
    await pool.query({ ...admitDeliveries, values });
    return page.events.length === eventsMax;
  };

  /** A checkpoint beyond the head means that this is not the log it was taken of. */
  const behindHead = ({ name, position }: Checkpoint, head: number): boolean => {
    if (position <= head) return true;
    const sentence = `The reactor ${name} has read up to ${position}, beyond the head of the log, ${head}: it stops.`;
    if (told !== sentence) onError(new Error(sentence), 'reading the log for reactors');
    told = sentence;
    return false;
  };

  return {
    async read() {
      const definitions = parts.definitions();
      const values = [[...definitions.keys()], outstandingMax, pendingMax, parts.environment];
      const { rows } = await pool.query<Checkpoint>({ ...selectCheckpoints, values });
      const { position: head } = await log.head();
      const groups = new Map<number, ReactorDefinition[]>();
      for (const row of rows) {
        const definition = definitions.get(row.name);
        if (definition === undefined || row.position === head || !behindHead(row, head)) continue;
        groups.set(row.position, [...(groups.get(row.position) ?? []), definition]);
      }
      const more = await Promise.all([...groups].map(([after, group]) => readFor(group, after)));
      return more.includes(true);
    },
  };
};
