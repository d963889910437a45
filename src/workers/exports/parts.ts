/** What the files of this folder share: made once by `createExports`, handed to each. */
import type { Origin } from '../../access/origin.ts';
import { isEveryRow, type Principal, type Rows } from '../../access/principal.ts';
import type { Idempotency } from '../../commands/idempotency.ts';
import type { Db } from '../../db/pool.ts';
import { notPermitted } from '../../errors.ts';
import type { Codec } from '../../events/codec.ts';
import type { KeyRing } from '../../events/keys.ts';
import type { EventLog } from '../../events/log.ts';
import type { Storage } from '../../storage/storage.ts';
import type { Headroom } from '../headroom.ts';
import type { Clock, NewId, OnError, Requesters } from '../ports.ts';
import type { Progress } from '../progress.ts';
import type { ExportStore } from './record.ts';
import type { Export } from './request.ts';

/** What is to be copied, as the read side is asked. */
export interface Asked {
  readonly principal: Principal;
  readonly correlationId?: string;
  readonly projection: string;
  readonly where?: unknown;
  readonly fields?: readonly string[] | undefined;
  readonly asOf?: string | undefined;
}

export interface Field {
  readonly name: string;
  /** `text`, `integer`, `money` … as projections have them. */
  readonly kind: string;
  /** Whether it may hold free text, which a spreadsheet must not run as a formula. */
  readonly text: boolean;
}

export type ExportedRow = Readonly<Record<string, unknown>>;

/** The read side, as far as copies need it; see `Copying` there. */
export interface CopySource {
  settle(asked: Asked): Promise<{
    readonly fields: readonly Field[];
    readonly where: Readonly<Record<string, unknown>>;
    readonly rows: Rows;
    readonly position: number | undefined;
  }>;
  reaches(asked: Asked): Rows;
  keepNow(asked: Asked, atLeast: number): Promise<number>;
  read(asked: Asked & { readonly position: number; readonly pageRows: number }): Promise<{
    readonly fields: readonly Field[];
    readonly rows: Rows;
    readonly total: number;
    readonly pages: AsyncIterable<readonly ExportedRow[]>;
  }>;
}

export interface ExportParts {
  readonly pool: Db;
  readonly log: EventLog;
  readonly codec: Codec;
  readonly keyRing: KeyRing;
  readonly idempotency: Pick<Idempotency, 'keyFor' | 'find' | 'inTurn'>;
  readonly storage: Storage;
  readonly source: CopySource;
  /** Whether somebody who reaches `now` may have what was read by somebody who reached `then`. */
  readonly stillReached: (now: Rows, then: Rows) => boolean;
  readonly requesters: Requesters;
  readonly headroom: Headroom;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly onError: OnError;
  readonly keepHours: number;
  readonly store: ExportStore;
  readonly progress: Progress<Export>;
}

/** The subject of an export's key in the key ring. */
export const keySubject = (id: string): string => `$export:${id}`;

export const runExports = 'exports:run';
export const readAllExports = 'exports:read-all';

/** @throws QuarterdeckError not_permitted. */
export const requirePermission = ({ principal }: Origin, permission: string): void => {
  if (!principal.permissions.has(permission)) throw notPermitted(permission);
};

/** Whoever reaches some rows only is shown what they asked for themselves: an export may be about any row. */
export const readsAll = ({ permissions }: Principal): boolean => isEveryRow(permissions.rows(readAllExports));
