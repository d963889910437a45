/**
 * The worker of exports. Takes an export's lease, acts as the requester as they are now, fixes the one moment
 * that all rows are of, and writes the file as pages come. Killed anywhere, it leaves a lease that runs out and at
 * most a file that nobody counts: whoever takes over begins anew, under a key of its own, and the row that says
 * which file is the export's is written once, by whoever holds the lease then.
 */
import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Principal } from '../../access/principal.ts';
import { inTransaction } from '../../db/transaction.ts';
import type { Metadata } from '../../events/envelope.ts';
import { executor } from '../requester.ts';
import { type Endings, fileName } from './endings.ts';
import { ExportCompleted, ExportFailed } from './engine-events.ts';
import { GivenUp, Hopeless, hopelessOf, isPassing } from './faults.ts';
import { formatted } from './formats/format.ts';
import { type Asked, type ExportedRow, type ExportParts, keySubject, runExports } from './parts.ts';
import type { ExportRecord } from './record.ts';
import type { ExportFormat } from './request.ts';
import { fileKey, sealedChunks } from './sealed-file.ts';
import {
  completeExport,
  countedExport,
  type ExportRow,
  leaseExport,
  placeExport,
  releaseExport,
  renewExport,
} from './sql/exports.ts';

export interface ExportDelivery {
  readonly id: string;
}

export interface ExportWorker {
  /** Never throws: whatever happens, PostgreSQL knows what is left to do. */
  run(delivery: ExportDelivery): Promise<void>;
  /** What is in hand is given back after the page under way. */
  stop(): Promise<void>;
  readonly inHand: () => number;
  readonly rowsWritten: () => number;
  readonly lastActiveAt: () => number;
}

/**
 * Of a workbook fewer: its text takes many times the room of its rows. With pages of 2,000 a process grew by 170 MB,
 * with these by 11.
 */
const pageRowsOf = (format: ExportFormat): number => (format === 'xlsx' ? 250 : 2_000);
const leaseSeconds = 6;
const renewEveryMs = 500;
const attemptsMax = 5;
const backoffSecondsMax = 30;
const waitMs = 250;

interface Held {
  readonly record: ExportRecord;
  readonly principal: Principal;
  readonly lease: string;
  rows: number;
  /** Its lease is somebody else's, or it was cancelled. */
  lost: boolean;
}

export const createExportWorker = (parts: ExportParts, endings: Endings): ExportWorker => {
  const { pool, store, source, storage, keyRing, log, onError } = parts;
  let stopping = false;
  let inHand = 0;
  let rowsWritten = 0;
  let lastActiveAt = Date.now();
  let onEmpty: () => void = () => undefined;

  const metadataOf = ({ id, requester }: ExportRecord, principal?: Principal): Metadata => ({
    actor: { id: requester.id, kind: requester.kind },
    executor,
    tool: requester.tool,
    commandId: parts.newId(),
    correlationId: id,
    decidedAt: parts.clock(),
    ...(principal?.email === undefined ? {} : { email: principal.email }),
    ...(principal?.name === undefined ? {} : { name: principal.name }),
  });

  /** @throws GivenUp where nothing was changed: it is not ours any more. */
  const change = async (statement: { readonly name: string; readonly text: string }, values: unknown[]) => {
    if ((await pool.query({ ...statement, values })).rowCount !== 1) throw new GivenUp();
  };

  const askedOf = ({ record, principal }: Held): Asked => ({
    principal,
    correlationId: record.id,
    projection: record.projection,
    where: record.written?.where ?? {},
    fields: record.fields,
  });

  /** While the rows as of then are being put together, or a field is being built: waits and asks again. */
  const patiently = async <T>(held: Held, work: () => Promise<T>): Promise<T> => {
    for (;;) {
      requireHeld(held);
      try {
        return await work();
      } catch (error) {
        if (!isPassing(error)) throw error;
      }
      await sleep(waitMs);
    }
  };

  const requireHeld = (held: Held): void => {
    if (held.lost || stopping) throw new GivenUp();
  };

  /** The moment was fixed by whoever held it before, by `asOf`, or is now. */
  const positionOf = async (held: Held): Promise<number> => {
    const { record, lease } = held;
    if (record.position !== null) return record.position;
    const position = await patiently(held, () => source.keepNow(askedOf(held), record.acceptedAt));
    await change(placeExport, [record.id, lease, position]);
    return position;
  };

  async function* watched(
    held: Held,
    pages: AsyncIterable<readonly ExportedRow[]>,
  ): AsyncGenerator<readonly ExportedRow[]> {
    for await (const rows of pages) {
      requireHeld(held);
      yield rows;
      held.rows += rows.length;
      rowsWritten += rows.length;
      lastActiveAt = Date.now();
      await parts.headroom.turn();
    }
    requireHeld(held);
  }

  interface Written {
    readonly bytes: number;
    readonly sha256: string;
    readonly position: number;
  }

  const write = async (held: Held, file: string): Promise<Written> => {
    const { record, lease } = held;
    const position = await positionOf(held);
    const { fields, rows, total, pages } = await patiently(held, () =>
      source.read({ ...askedOf(held), position, pageRows: pageRowsOf(record.format) }),
    );
    await change(countedExport, [record.id, lease, total, JSON.stringify(rows)]);
    const key = (await keyRing.make([keySubject(record.id)])).get(keySubject(record.id));
    if (key === undefined) throw new GivenUp();
    const hash = createHash('sha256');
    let bytes = 0;
    const { format, escape: escaping, projection: title } = record;
    async function* counted(content: AsyncIterable<Buffer>) {
      for await (const piece of content) {
        hash.update(piece);
        bytes += piece.length;
        yield piece;
      }
    }
    const content = formatted(fields, watched(held, pages), { format, escaping, title });
    await storage.write(file, sealedChunks(fileKey(key, file), counted(content)));
    return { bytes, sha256: hash.digest('hex'), position };
  };

  const complete = async (held: Held, file: string, written: Written): Promise<void> => {
    const { record, principal, lease, rows } = held;
    const { bytes, sha256, position: of } = written;
    const salt = randomBytes(32).toString('hex');
    const commitment = createHash('sha256').update(salt).update(sha256).digest('hex');
    const event = ExportCompleted.of({ exportId: record.id, position: of, rows, bytes, commitment });
    const position = await inTransaction(pool, async (tx) => {
      const values = [record.id, lease, rows, bytes, sha256, salt, file, parts.keepHours];
      if ((await tx.query({ ...completeExport, values })).rowCount !== 1) throw new GivenUp();
      return endings.append(tx, event, metadataOf(record, principal));
    });
    log.announce(position);
    await endings.dropFiles(record.id, file);
  };

  const keepLease = (held: Held): (() => void) => {
    const renew = async (): Promise<void> => {
      const values = [held.record.id, held.lease, leaseSeconds, held.rows];
      held.lost = (await pool.query({ ...renewExport, values })).rowCount !== 1;
      parts.progress.moved(held.record.id);
    };
    const timer = setInterval(() => {
      renew().catch((error: unknown) => onError(error, 'renewing the lease of an export'));
    }, renewEveryMs);
    timer.unref();
    return () => clearInterval(timer);
  };

  const holdFor = async (record: ExportRecord, lease: string): Promise<Held> => {
    const principal = await parts.requesters.principalOf(record.requester);
    if (principal?.permissions.has(runExports) !== true)
      throw new Hopeless('requester_not_permitted', 'Whoever asked for it may not any more.');
    if (record.written === undefined)
      throw new Hopeless('erased', 'What was asked was erased with the personal data of whoever asked.');
    return { record, principal, lease, rows: 0, lost: false };
  };

  const carryOut = async (record: ExportRecord, lease: string): Promise<void> => {
    const held = await holdFor(record, lease);
    const file = fileName(record.id, lease);
    const stopKeeping = keepLease(held);
    try {
      await complete(held, file, await write(held, file));
    } catch (error) {
      await storage.remove(file).catch((e: unknown) => onError(e, 'taking away the file of an export'));
      throw error;
    } finally {
      stopKeeping();
    }
  };

  const fail = async (record: ExportRecord, { code, message }: Hopeless): Promise<void> => {
    await endings.end(
      record.id,
      (now) => metadataOf(now),
      ({ state }) =>
        state === 'running'
          ? {
              state: 'failed',
              error: { code, message },
              event: ExportFailed.of({ exportId: record.id, code }),
            }
          : undefined,
    );
  };

  const settle = async (record: ExportRecord, lease: string, error: unknown): Promise<void> => {
    const release = (seconds: number, counts: 0 | 1) =>
      pool.query({ ...releaseExport, values: [record.id, lease, seconds, counts] });
    if (error instanceof GivenUp) {
      await release(0, 0);
      return;
    }
    const end = hopelessOf(error, attemptsMax - record.attempts);
    if (end === undefined || end.code === 'internal') onError(error, `writing the export ${record.id}`);
    if (end !== undefined) await fail(record, end);
    else await release(Math.min(2 ** record.attempts / 2, backoffSecondsMax), 1);
  };

  const attempt = async ({ id }: ExportDelivery): Promise<void> => {
    const lease = parts.newId();
    const { rows } = await pool.query<ExportRow>({ ...leaseExport, values: [id, lease, leaseSeconds] });
    if (rows[0] === undefined) return;
    const record = await store.open(rows[0]);
    parts.progress.changed(id);
    // Whoever worked on it before was killed each time, and so may be whoever does now.
    const worn =
      record.attempts > attemptsMax
        ? new Hopeless('internal', 'Its workers ended before it did.')
        : undefined;
    await (worn === undefined ? carryOut(record, lease) : Promise.reject(worn)).catch((error: unknown) =>
      settle(record, lease, error),
    );
  };

  return {
    async run(delivery) {
      lastActiveAt = Date.now();
      if (stopping) return;
      inHand++;
      try {
        await attempt(delivery);
      } catch (error) {
        onError(error, `working on the export ${delivery.id}`);
      } finally {
        inHand--;
        lastActiveAt = Date.now();
        if (inHand === 0) onEmpty();
        parts.progress.changed(delivery.id);
      }
    },
    async stop() {
      stopping = true;
      if (inHand === 0) return;
      await new Promise<void>((resolve) => {
        onEmpty = resolve;
      });
    },
    inHand: () => inHand,
    rowsWritten: () => rowsWritten,
    lastActiveAt: () => lastActiveAt,
  };
};
