/**
 * Everything as it was, under a name: who may have it built, see what there is and drop it, and that it is
 * recorded who did. Whoever may read a projection may read it there, row by row and field by field as ever.
 */
import { metadataOf, type Origin } from '../access/origin.ts';
import { isEveryRow } from '../access/principal.ts';
import type { Tx } from '../db/pool.ts';
import { invalidInput, notPermitted, QuarterdeckError } from '../errors.ts';
import { positionOf } from '../events/asked-moment.ts';
import type { NewEvent } from '../events/definition.ts';
import type { Timestamp } from '../events/envelope.ts';
import { emptyUnit } from '../events/event-log.ts';
import type { EventLog } from '../events/log.ts';
import { auditStream, SnapshotBuilt, SnapshotDropped } from './engine-events.ts';

export interface Snapshot {
  readonly name: string;
  readonly position: number;
  readonly state: 'building' | 'ready';
  readonly madeBy: string;
  readonly createdAt: Timestamp;
  readonly expiresAt: Timestamp;
}

export interface ListedSnapshot extends Snapshot {
  readonly recordedAt: Timestamp | null;
}

type Recording = (tx: Tx, snapshots: readonly Snapshot[]) => Promise<void>;

interface Building {
  readonly name: string;
  readonly position: number;
  readonly by: string;
  readonly keepDays: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: SnapshotProgress) => void;
}

export interface SnapshotProgress {
  readonly projection: string;
  readonly position: number;
  readonly upTo: number;
}

/** The port to the read side, which folds. */
export interface SnapshotTables {
  build(asked: Building, recording: Recording): Promise<Snapshot>;
  list(): Promise<readonly ListedSnapshot[]>;
  drop(name: string, recording: Recording): Promise<Snapshot>;
  sweep(recording: Recording): Promise<void>;
}

export interface SnapshotAsked extends Origin {
  /** A time with its zone, or a position. */
  readonly at: string;
  readonly into: string;
  /** 7 unless told; 1 to 3,650. */
  readonly keepDays?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: SnapshotProgress) => void;
}

/** Every function throws `QuarterdeckError`: not_permitted, invalid_input, not_found. */
export interface SnapshotDesk {
  /** Resolves when it is ready; asked again with the same name and moment it goes on where it was cut off. */
  build(asked: SnapshotAsked): Promise<Snapshot>;
  list(origin: Origin): Promise<readonly ListedSnapshot[]>;
  drop(origin: Origin & { readonly name: string }): Promise<void>;
  /** Drops those that have expired, now and then. */
  start(): void;
  stop(): void;
}

interface Deps {
  readonly tables: SnapshotTables;
  readonly log: EventLog;
  readonly clock: () => Timestamp;
  readonly newId: () => string;
  readonly system: Origin;
  readonly onError: (error: unknown) => void;
}

const permission = 'audit:replay';
const keepDaysDefault = 7;
const keepDaysMax = 3_650;
const sweepEveryMs = 60_000;
const namePattern = /^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/;

/** A snapshot is of every row, and so are those who make and drop it. */
const requireEveryRow = ({ principal: { permissions } }: Origin): void => {
  if (!isEveryRow(permissions.rows(permission))) throw notPermitted(permission);
};

export const createSnapshotDesk = (deps: Deps): SnapshotDesk => {
  const { tables, log, clock, newId, system, onError } = deps;

  /** In the transaction of what it tells; `wake` is called after its commit. */
  const recording = (origin: Origin, eventOf: (snapshot: Snapshot) => NewEvent) => {
    let last = 0;
    const record: Recording = async (tx, snapshots) => {
      const metadata = metadataOf(origin, { clock, newId });
      const events = snapshots.map((one) => ({ stream: auditStream, metadata, ...eventOf(one) }));
      const writes = [{ stream: auditStream, base: 'any' as const }];
      const [outcome] = await log.write(tx, [{ ...emptyUnit, writes, events }]);
      if (outcome?.accepted !== true) throw new Error('a record of snapshots was refused by the log');
      last = outcome.events.at(-1)?.position ?? 0;
    };
    const wake = (): void => {
      if (last > 0) log.announce(last);
    };
    return { record, wake };
  };

  const dropped =
    (why: 'asked' | 'expired') =>
    ({ name, position }: Snapshot): NewEvent =>
      SnapshotDropped.of({ name, position, why });

  const sweep = async (): Promise<void> => {
    const { record, wake } = recording(system, dropped('expired'));
    await tables.sweep(record);
    wake();
  };

  const list = async ({ principal: { permissions } }: Origin): Promise<readonly ListedSnapshot[]> => {
    if (!permissions.has(permission)) throw notPermitted(permission);
    return tables.list();
  };

  let timer: NodeJS.Timeout | undefined;
  return {
    async build({ at, into: name, keepDays = keepDaysDefault, signal, onProgress, ...origin }) {
      requireEveryRow(origin);
      if (!namePattern.test(name))
        throw invalidInput(
          'into',
          'must be 1 to 40 lower-case letters, digits and hyphens, such as year-end-2026',
        );
      if (!Number.isInteger(keepDays) || keepDays < 1 || keepDays > keepDaysMax)
        throw invalidInput('keep-days', `must be a whole number from 1 to ${keepDaysMax}`);
      const position = await positionOf('at', at, { log, clock });
      await sweep();
      const { record, wake } = recording(origin, (one) =>
        SnapshotBuilt.of({ name: one.name, position: one.position, expiresAt: one.expiresAt }),
      );
      const asked = { name, position, keepDays, by: origin.principal.id };
      const more = {
        ...(signal === undefined ? {} : { signal }),
        ...(onProgress === undefined ? {} : { onProgress }),
      };
      const built = await tables.build({ ...asked, ...more }, record);
      wake();
      return built;
    },
    list,
    async drop({ name, ...origin }) {
      if (!(await list(origin)).some((one) => one.name === name))
        throw new QuarterdeckError('not_found', `There is no snapshot "${name.slice(0, 100)}".`);
      requireEveryRow(origin);
      const { record, wake } = recording(origin, dropped('asked'));
      await tables.drop(name, record);
      wake();
    },
    start() {
      timer = setInterval(() => void sweep().catch(onError), sweepEveryMs);
      timer.unref();
    },
    stop: () => clearInterval(timer),
  };
};
