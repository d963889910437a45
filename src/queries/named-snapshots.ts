/**
 * All read models as of one position, under a name: filled by the rebuild's code into the very tables that reads
 * as of a moment use, and kept until the name is dropped or expires. Every page commits with its checkpoint, so
 * that building which was cut off goes on where it stood; which tables are whole is kept beside the name.
 */
import type { Db, Tx } from '../db/pool.ts';
import { inTransaction } from '../db/transaction.ts';
import { invalidInput, QuarterdeckError } from '../errors.ts';
import { Superseded } from './apply.ts';
import type { Catalogue, Known } from './catalogue.ts';
import { fill } from './fill.ts';
import type { FoldLog } from './folded-events.ts';
import { snapshotBuilding } from './snapshots.ts';
import {
  deleteExpired,
  deleteNamed,
  insertNamed,
  type ListedRow,
  listNamed,
  lockTable,
  lockUnheld,
  markBuilt,
  markReady,
  type NamedRow,
  selectNamed,
  type UnheldTable,
} from './sql/named-snapshots.ts';
import { type TableRow, useSnapshot } from './sql/projections.ts';
import { withoutTimeout } from './sql/table.ts';
import { dropTables, makeSnapshot, type OpenTable, openTable } from './tables.ts';

export interface NamedSnapshot {
  readonly name: string;
  readonly position: number;
  readonly state: 'building' | 'ready';
  readonly madeBy: string;
  readonly createdAt: string;
  readonly expiresAt: string;
}

export interface ListedSnapshot extends NamedSnapshot {
  /** When the last event that it holds was recorded; null where it holds none. */
  readonly recordedAt: string | null;
}

export interface BuildAsked {
  readonly name: string;
  readonly position: number;
  /** Of who asked; kept, and shown in the list. */
  readonly by: string;
  readonly keepDays: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: BuildProgress) => void;
}

export interface BuildProgress {
  readonly projection: string;
  readonly position: number;
  readonly upTo: number;
}

/** Done in the transaction that makes it so. */
export type Recording = (tx: Tx, snapshots: readonly NamedSnapshot[]) => Promise<void>;

export interface NamedSnapshots {
  /**
   * Builds, or goes on building; one that is ready is left as it is. `recording` belongs to its becoming ready.
   * @throws QuarterdeckError invalid_input where the name holds another position; not_found where it was dropped
   * meanwhile.
   */
  build(asked: BuildAsked, recording: Recording): Promise<NamedSnapshot>;
  /** Its position. @throws QuarterdeckError not_found, snapshot_building. */
  positionOf(name: string): Promise<number>;
  list(): Promise<readonly ListedSnapshot[]>;
  /** @throws QuarterdeckError not_found. */
  drop(name: string, recording: Recording): Promise<NamedSnapshot>;
  /** Drops those that have expired. */
  sweep(recording: Recording): Promise<void>;
}

interface Deps {
  readonly pool: Db;
  readonly log: FoldLog;
  readonly catalogue: Catalogue;
}

const sweptTogether = 20;

const snapshotOf = ({ name, position, ready, madeBy, createdAt, expiresAt }: NamedRow): NamedSnapshot => ({
  name,
  position,
  state: ready ? 'ready' : 'building',
  madeBy,
  createdAt,
  expiresAt,
});

const noSuch = (name: string): QuarterdeckError =>
  new QuarterdeckError('not_found', `There is no snapshot "${name.slice(0, 100)}".`);

const markOf = ({ definition }: Known): string => `${definition.name}@${definition.version}`;

export const createNamedSnapshots = ({ pool, log, catalogue }: Deps): NamedSnapshots => {
  const find = async (name: string): Promise<NamedRow | undefined> =>
    (await pool.query<NamedRow>({ ...selectNamed, values: [name] })).rows[0];

  const begun = async ({ name, position, by, keepDays }: BuildAsked): Promise<NamedRow> => {
    const { rows } = await pool.query<NamedRow>({ ...insertNamed, values: [name, position, by, keepDays] });
    const row = rows[0] ?? (await find(name));
    if (row === undefined) throw new QuarterdeckError('unavailable', `"${name}" is being dropped.`);
    if (row.position !== position)
      throw invalidInput(
        'into',
        `is taken by a snapshot of position ${row.position}; drop it or take another name`,
      );
    return row;
  };

  const tableOf = async (known: Known, position: number): Promise<TableRow> => {
    const { definition, shape } = known;
    const values = [definition.name, definition.version, shape.hash, position];
    const found = async () => (await pool.query<TableRow>({ ...useSnapshot, values })).rows[0];
    const made = () => inTransaction(pool, (tx) => makeSnapshot(tx, known, position));
    const row = (await found()) ?? (await made()) ?? (await found());
    if (row === undefined) throw snapshotBuilding(position);
    return row;
  };

  /** Another process may fill the same table for a read as of that moment: then both go on where it stands. */
  const filled = async (known: Known, { position, signal, onProgress }: BuildAsked): Promise<OpenTable> => {
    for (;;) {
      const row = await tableOf(known, position);
      const table = openTable(row, known);
      const projection = known.definition.name;
      const onPage = (reached: number): void =>
        onProgress?.({ projection, position: reached, upTo: position });
      try {
        await fill({ pool, log }, table, row.position, {
          upTo: position,
          onPage,
          ...(signal === undefined ? {} : { signal }),
        });
        signal?.throwIfAborted();
        return table;
      } catch (error) {
        if (!(error instanceof Superseded)) throw error;
      }
    }
  };

  const buildOne = async (known: Known, asked: BuildAsked): Promise<void> => {
    const table = await filled(known, asked);
    await inTransaction(pool, async (tx) => {
      await tx.query(withoutTimeout);
      const { rows } = await tx.query<{ position: number }>({ ...lockTable, values: [table.id] });
      if (rows[0]?.position !== asked.position) throw noSuch(asked.name);
      for (const statement of table.statements.finish) await tx.query(statement);
      await tx.query({ ...markBuilt, values: [asked.name, markOf(known)] });
    });
  };

  /** Tables that nothing holds any more, at once: they may be large. */
  const letGo = async (tx: Tx, dropped: readonly NamedRow[]): Promise<void> => {
    for (const { position } of dropped) {
      const { rows } = await tx.query<UnheldTable>({ ...lockUnheld, values: [position] });
      await dropTables(tx, rows);
    }
  };

  return {
    async build(asked, recording) {
      const row = await begun(asked);
      if (row.ready) return snapshotOf(row);
      for (const known of catalogue.all) {
        if (!row.built.includes(markOf(known))) await buildOne(known, asked);
      }
      return inTransaction(pool, async (tx) => {
        const values = [asked.name, asked.keepDays];
        const { rows } = await tx.query<NamedRow>({ ...markReady, values });
        const ready = rows[0] ?? (await tx.query<NamedRow>({ ...selectNamed, values: [asked.name] })).rows[0];
        if (ready === undefined) throw noSuch(asked.name);
        if (rows[0] !== undefined) await recording(tx, [snapshotOf(ready)]);
        return snapshotOf(ready);
      });
    },
    async positionOf(name) {
      const row = await find(name);
      if (row === undefined) throw noSuch(name);
      if (!row.ready) throw snapshotBuilding(row.position);
      return row.position;
    },
    async list() {
      const { rows } = await pool.query<ListedRow>(listNamed);
      return rows.map((row) => ({ ...snapshotOf(row), recordedAt: row.recordedAt }));
    },
    drop: (name, recording) =>
      inTransaction(pool, async (tx) => {
        const { rows } = await tx.query<NamedRow>({ ...deleteNamed, values: [name] });
        if (rows[0] === undefined) throw noSuch(name);
        await letGo(tx, rows);
        await recording(tx, rows.map(snapshotOf));
        return snapshotOf(rows[0]);
      }),
    sweep: (recording) =>
      inTransaction(pool, async (tx) => {
        const { rows } = await tx.query<NamedRow>({ ...deleteExpired, values: [sweptTogether] });
        if (rows.length === 0) return;
        await letGo(tx, rows);
        await recording(tx, rows.map(snapshotOf));
      }),
  };
};
