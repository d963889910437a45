/**
 * Accepting an export: what is asked is checked and permitted as a query would be, and its row and its event
 * commit together, so that nothing is ever read that the log does not know of.
 */
import { metadataOf } from '../../access/origin.ts';
import type { IdempotencyKey } from '../../commands/idempotency.ts';
import { inTransaction } from '../../db/transaction.ts';
import { invalidInput, isQuarterdeckError, QuarterdeckError } from '../../errors.ts';
import { emptyUnit } from '../../events/event-log.ts';
import type { Unit } from '../../events/unit.ts';
import { namesOf } from '../job-record.ts';
import { type AskedExport, readExportBody } from './asked.ts';
import { ExportAccepted, exportsStream } from './engine-events.ts';
import { type ExportParts, requirePermission, runExports } from './parts.ts';
import { sealExportWritten, viewOfExport } from './record.ts';
import type { AcceptedExport, ExportRequest } from './request.ts';
import { countUnfinished, insertExport } from './sql/exports.ts';

/** Of one principal at a time. */
export const unfinishedMax = 5;
const retryAfterSeconds = 10;

const tooMany = (): QuarterdeckError =>
  new QuarterdeckError(
    'too_many_requests',
    `You have ${unfinishedMax} exports that are not done. Wait for one, or cancel one.`,
    { retryAfterSeconds },
  );

/** A projection that is not there is told with the field that names it. */
const settle = async (parts: ExportParts, { principal }: ExportRequest, asked: AskedExport) => {
  const { query: projection, where, fields } = asked;
  const asOf = asked.asOf === undefined ? undefined : String(asked.asOf);
  try {
    return await parts.source.settle({ principal, projection, where, fields: namedFields(fields), asOf });
  } catch (error) {
    if (isQuarterdeckError(error) && error.code === 'not_found')
      throw invalidInput('query', `${error.message} Give one that /internal/openapi.json lists.`);
    throw error;
  }
};

const namedFields = (fields: readonly string[] | undefined): readonly string[] | undefined => {
  const stray = fields?.findIndex((name) => name.includes(',')) ?? -1;
  if (stray >= 0) throw invalidInput(`fields.${stray}`, 'Give one name.');
  return fields;
};

/** Another process accepted one with the same key. */
class Repeated extends Error {}

/** What the log is told of it. */
interface Copied {
  readonly fields: readonly string[];
  /** Without what was asked of personal fields. */
  readonly where: Readonly<Record<string, unknown>>;
}

export const createExportAccepting = (parts: ExportParts) => {
  const { pool, log, store, idempotency } = parts;

  const unitOf = (
    id: string,
    request: ExportRequest,
    asked: AskedExport,
    copied: Copied,
    key: IdempotencyKey | undefined,
  ): Unit => {
    const { principal } = request;
    const { label, asOf, format } = asked;
    const accepted = ExportAccepted.of({
      exportId: id,
      projection: asked.query,
      format,
      requestedBy: principal.id,
      ...(format === 'csv' ? { escape: asked.escape ?? 'people' } : {}),
      ...(label === undefined ? {} : { label }),
      ...(asOf === undefined ? {} : { asOf: String(asOf) }),
      fields: [...copied.fields],
      where: copied.where,
    });
    return {
      ...emptyUnit,
      writes: [{ stream: exportsStream, base: 'any' }],
      keys: key === undefined ? [] : [{ ...key, answer: { kind: 'export', exportId: id }, firstEvent: 0 }],
      events: [{ stream: exportsStream, metadata: metadataOf(request, parts), ...accepted }],
    };
  };

  const answer = async (id: string, replayed: boolean): Promise<AcceptedExport> => ({
    export: viewOfExport(await store.get(id, undefined), { words: true, content: true }),
    replayed,
  });

  const replay = async (key: IdempotencyKey): Promise<AcceptedExport | undefined> => {
    const stored = await idempotency.find(key);
    if (stored === undefined) return undefined;
    const { exportId } = stored.answer as { exportId?: string };
    if (exportId === undefined)
      throw new QuarterdeckError('idempotency_key_reused', 'This key was used for something else.');
    return answer(exportId, true);
  };

  const carryOut = async (
    request: ExportRequest,
    asked: AskedExport,
    key: IdempotencyKey | undefined,
  ): Promise<AcceptedExport> => {
    const settled = await settle(parts, request, asked);
    const { principal } = request;
    const id = parts.newId();
    const fields = settled.fields.map(({ name }) => name);
    const { label, where } = asked;
    const sealed = await sealExportWritten(parts.codec, principal.id, {
      ...namesOf(principal),
      label,
      where,
    });
    const unit = unitOf(id, request, asked, { fields, where: settled.where }, key);
    const position = await inTransaction(pool, async (tx) => {
      // The append is in turn with all others, so that of two requests the second counts the first.
      const [outcome] = await log.write(tx, [unit]);
      if (outcome === undefined || !outcome.accepted) throw new Repeated();
      const { rows } = await tx.query<{ count: number }>({ ...countUnfinished, values: [principal.id] });
      if ((rows[0]?.count ?? 0) >= unfinishedMax) throw tooMany();
      const at = outcome.events.at(-1)?.position ?? 0;
      const values = [
        ...[id, asked.query, asked.format, asked.escape ?? 'people', fields, sealed],
        ...[principal.id, principal.kind, principal.tool, parts.requesters.scopeOf(principal), parts.clock()],
        ...[at, JSON.stringify(settled.rows), settled.position ?? null],
      ];
      await tx.query({ ...insertExport, values });
      return at;
    });
    log.announce(position);
    parts.progress.changed(id);
    return answer(id, false);
  };

  const once = async (
    request: ExportRequest,
    asked: AskedExport,
    key: IdempotencyKey,
  ): Promise<AcceptedExport> => {
    const earlier = await replay(key);
    if (earlier !== undefined) return earlier;
    try {
      return await carryOut(request, asked, key);
    } catch (error) {
      const meanwhile = error instanceof Repeated ? await replay(key) : undefined;
      if (meanwhile === undefined) throw error;
      return meanwhile;
    }
  };

  return async (request: ExportRequest): Promise<AcceptedExport> => {
    requirePermission(request, runExports);
    const asked = readExportBody(request.body);
    if (asked.escape !== undefined && asked.format !== 'csv')
      throw invalidInput('escape', 'Leave it out: it is about CSV alone.');
    if (request.idempotencyKey === undefined) return carryOut(request, asked, undefined);
    const key = idempotency.keyFor(request.principal, request.idempotencyKey, { export: asked });
    return idempotency.inTurn(key, () => once(request, asked, key));
  };
};
