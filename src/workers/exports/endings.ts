/**
 * How an export ends other than well: its row and its event commit together, then its key is destroyed, and what
 * lies of it in storage is taken away. What of that fails, or is cut off by a kill, housekeeping does later.
 */
import type { Tx } from '../../db/pool.ts';
import { inTransaction } from '../../db/transaction.ts';
import type { NewEvent } from '../../events/definition.ts';
import type { Metadata } from '../../events/envelope.ts';
import { emptyUnit } from '../../events/event-log.ts';
import type { Unit } from '../../events/unit.ts';
import { exportsStream } from './engine-events.ts';
import { type ExportParts, keySubject } from './parts.ts';
import type { ExportRecord } from './record.ts';
import type { ExportState } from './request.ts';
import { clearedExport, type ExportRow, endExport, lockExport } from './sql/exports.ts';

export interface Ending {
  readonly state: Extract<ExportState, 'failed' | 'cancelled' | 'expired'>;
  readonly event: NewEvent;
  readonly error?: { readonly code: string; readonly message: string };
}

export interface Endings {
  /**
   * Ends it as `decide` says, which looks at it while nobody else can change it; undefined: not at all.
   * Whether it did.
   */
  end(
    id: string,
    metadata: (record: ExportRecord) => Metadata,
    decide: (record: ExportRecord) => Ending | undefined,
  ): Promise<boolean>;
  /** Of one that has ended so: destroys its key and takes its files away. What fails is done again later. */
  clear(id: string): Promise<void>;
  /** In that transaction, with the row's change. */
  append(tx: Tx, event: NewEvent, metadata: Metadata): Promise<number>;
  /** Files of the export but the one that counts. */
  dropFiles(id: string, but?: string): Promise<void>;
}

export const fileName = (id: string, lease: string): string => `${id}-${lease}`;

export const createEndings = (parts: ExportParts): Endings => {
  const { pool, log, store, storage, keyRing, onError } = parts;

  const append: Endings['append'] = async (tx, event, metadata) => {
    const unit: Unit = {
      ...emptyUnit,
      writes: [{ stream: exportsStream, base: 'any' }],
      events: [{ stream: exportsStream, metadata, ...event }],
    };
    const [outcome] = await log.write(tx, [unit]);
    if (outcome === undefined || !outcome.accepted) throw new Error('the log refused an event of an export');
    return outcome.events.at(-1)?.position ?? 0;
  };

  const dropFiles: Endings['dropFiles'] = async (id, but) => {
    for await (const { name } of storage.list(`${id}-`)) if (name !== but) await storage.remove(name);
  };

  const clear: Endings['clear'] = async (id) => {
    await keyRing.destroy([keySubject(id)]);
    await dropFiles(id);
    await pool.query({ ...clearedExport, values: [id] });
  };

  const end: Endings['end'] = async (id, metadata, decide) => {
    const position = await inTransaction(pool, async (tx) => {
      const { rows } = await tx.query<ExportRow>({ ...lockExport, values: [id] });
      if (rows[0] === undefined) return undefined;
      const record = await store.open(rows[0]);
      const ending = decide(record);
      if (ending === undefined) return undefined;
      const error = ending.error === undefined ? null : JSON.stringify(ending.error);
      await tx.query({ ...endExport, values: [id, ending.state, error] });
      return append(tx, ending.event, metadata(record));
    });
    if (position === undefined) return false;
    log.announce(position);
    parts.progress.changed(id);
    await clear(id).catch((error: unknown) => onError(error, `clearing away the export ${id}`));
    return true;
  };

  return { end, clear, append, dropFiles };
};
