/**
 * Turns encoded units into the arrays of the append functions, calls them on one connection, and reads
 * the outcome of each unit from the one row that comes back. Pure but for that call.
 */
import { arrayText } from '../db/array-text.ts';
import type { Queryable } from '../db/pool.ts';
import { createFootprint } from './footprint.ts';
import { type AdmitRow, type AppendRow, appendUnits } from './sql/append-units.ts';
import type { Appended, EncodedEvent, PreparedUnit, Refusal, Unit, UnitOutcome } from './unit.ts';

export type Refused = { readonly accepted: false } & Refusal;

const conditionsOf = (units: readonly Unit[], ofVersions: boolean): unknown[] => {
  const [qUnit, qStream, qVersion]: [number[], string[], number[]] = [[], [], []];
  const [cUnit, cKey, cCode]: [number[], Buffer[], string[]] = [[], [], []];
  const [xUnit, xKey]: [number[], Buffer[]] = [[], []];
  const [kUnit, kKey]: [number[], Buffer[]] = [[], []];
  const condition = (unit: number, stream: string, version: number): void => {
    qUnit.push(unit);
    qStream.push(stream);
    qVersion.push(version);
  };
  units.forEach((unit, u) => {
    if (ofVersions) {
      for (const { stream, base } of unit.writes) if (base !== 'any') condition(u, stream, base);
      for (const { stream, version } of unit.reads) condition(u, stream, version);
    }
    for (const { key, code } of unit.claims) {
      cUnit.push(u);
      cKey.push(key);
      cCode.push(code);
    }
    for (const key of unit.releases) {
      xUnit.push(u);
      xKey.push(key);
    }
    for (const { key } of unit.keys) {
      kUnit.push(u);
      kKey.push(key);
    }
  });
  return [
    arrayText(qUnit),
    arrayText(qStream),
    arrayText(qVersion),
    cUnit,
    cKey,
    cCode,
    xUnit,
    xKey,
    kUnit,
    kKey,
  ];
};

/** The version that each event of the unit will have; null where its stream is written at any version. */
const versionsOf = ({ unit, events }: PreparedUnit): readonly (number | null)[] => {
  const last = new Map<string, number>();
  for (const { stream, base } of unit.writes) if (base !== 'any') last.set(stream, base);
  return events.map(({ stream }) => {
    const before = last.get(stream);
    if (before === undefined) return null;
    last.set(stream, before + 1);
    return before + 1;
  });
};

/** JSON texts of `JSON.stringify`, which writes line breaks within strings as \n and none outside. */
const lines = (texts: readonly string[]): string => texts.join('\n');

const eventsOf = (units: readonly PreparedUnit[]): unknown[] => {
  const commonAt = new Map<string, number>();
  const unitOf: number[] = [];
  const commonOf: number[] = [];
  units.forEach(({ events }, u) => {
    for (const { common } of events) {
      const at = commonAt.get(common) ?? commonAt.size + 1;
      commonAt.set(common, at);
      unitOf.push(u);
      commonOf.push(at);
    }
  });
  const all = units.flatMap(({ events }) => events);
  const column = <K extends keyof EncodedEvent>(name: K): EncodedEvent[K][] =>
    all.map((event) => event[name]);
  return [
    arrayText(unitOf),
    arrayText(column('stream')),
    arrayText(units.flatMap(versionsOf)),
    arrayText(column('id')),
    arrayText(column('type')),
    arrayText(column('schemaVersion')),
    lines(column('data')),
    arrayText(commonOf),
    lines(column('own')),
    lines([...commonAt.keys()]),
  ];
};

const refusalOf = (cause: string | undefined, detail: string): Refused => {
  if (cause === 'claimed') return { accepted: false, cause, code: detail };
  if (cause === 'duplicate') return { accepted: false, cause, key: Buffer.from(detail, 'hex') };
  return { accepted: false, cause: 'conflict', stream: detail };
};

/** The first refusal of each refused unit; a duplicate key first, since a replay answers everything. */
const refusalsOf = (row: AdmitRow): Map<number, Refused> => {
  const refusals = new Map<number, Refused>();
  row.refused_unit.forEach((unit, i) => {
    const cause = row.refused_cause[i];
    if (!refusals.has(unit) || cause === 'duplicate')
      refusals.set(unit, refusalOf(cause, row.refused_detail[i] ?? ''));
  });
  return refusals;
};

export interface AdmittedUnits {
  readonly position: number;
  readonly recordedAt: string | undefined;
  readonly refused: readonly (Refused | undefined)[];
}

/** Units that one statement may not decide upon together: the later of two has to come again. */
const colliding = (units: readonly Unit[]): readonly (Refused | undefined)[] => {
  const footprint = createFootprint();
  return units.map((unit) => {
    if (footprint.collides(unit)) {
      return { accepted: false, cause: 'conflict', stream: (unit.writes[0] ?? unit.reads[0])?.stream ?? '' };
    }
    footprint.add(unit);
    return undefined;
  });
};

/** Takes the append lock for the rest of the caller's transaction. */
export const admit = async (tx: Queryable, units: readonly Unit[]): Promise<AdmittedUnits> => {
  const events = units.map((unit) => ({ unit, events: [] }));
  const { rows } = await tx.query<AdmitRow>({ ...appendUnits, values: valuesOf('admit', events) });
  const row = rows[0] as AdmitRow;
  const refusals = refusalsOf(row);
  const collided = colliding(units);
  return {
    position: row.head_position,
    recordedAt: row.head_time ?? undefined,
    refused: units.map((_, u) => refusals.get(u) ?? collided[u]),
  };
};

const outcomesOf = (units: readonly PreparedUnit[], row: AppendRow): UnitOutcome[] => {
  const refusals = refusalsOf(row);
  let nth = 0;
  return units.map(({ events }, u) => {
    const refusal = refusals.get(u);
    if (refusal !== undefined) return refusal;
    const appended: Appended[] = events.map(() => {
      const version = row.versions[nth] as number;
      nth++;
      return { position: row.head_position + nth, version };
    });
    return { accepted: true, events: appended };
  });
};

/** `admitted`: what versions are a condition of was looked at under this very lock already. */
type Manner = 'admit' | 'append' | 'admitted';

const valuesOf = (manner: Manner, units: readonly PreparedUnit[]): unknown[] => {
  const keys = units.flatMap(({ unit }) => unit.keys);
  return [
    manner === 'admit',
    ...conditionsOf(
      units.map(({ unit }) => unit),
      manner !== 'admitted',
    ),
    keys.map((k) => k.fingerprint),
    keys.map((k) => JSON.stringify(k.answer)),
    keys.map((k) => k.firstEvent),
    ...eventsOf(units),
  ];
};

/** Whether one statement may not decide upon them together. */
export const collide = (units: readonly Unit[]): boolean =>
  colliding(units).some((refused) => refused !== undefined);

/** What `append_units` takes behind `admit_only`, for statements that call it as a part of theirs. */
export const argumentsOf = (units: readonly PreparedUnit[]): readonly unknown[] =>
  valuesOf('append', units).slice(1);

/** One statement, one round trip, each unit accepted or refused on its own. */
export const append = async (
  db: Queryable,
  units: readonly PreparedUnit[],
  manner: Exclude<Manner, 'admit'> = 'append',
): Promise<readonly UnitOutcome[]> => {
  const { rows } = await db.query<AppendRow>({ ...appendUnits, values: valuesOf(manner, units) });
  return outcomesOf(units, rows[0] as AppendRow);
};
