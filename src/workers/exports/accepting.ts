/**
 * Accepting an export: what is asked is checked and permitted as a query would be, and its row and its event
 * commit together, so that nothing is ever read that the log does not know of.
 */
import { metadataOf } from '../../access/origin.ts';
import { inTransaction } from '../../db/transaction.ts';
import { invalidInput, isQuarterdeckError, QuarterdeckError } from '../../errors.ts';
import { emptyUnit } from '../../events/event-log.ts';
import type { Unit } from '../../events/unit.ts';
import { type AskedExport, readExportBody } from './asked.ts';
import { ExportAccepted, exportsStream } from './engine-events.ts';
import { type ExportParts, requirePermission, runExports } from './parts.ts';
import { sealExportWritten, viewOfExport } from './record.ts';
import type { Export, ExportRequest } from './request.ts';
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

/** What the log is told of it. */
interface Copied {
  readonly fields: readonly string[];
  /** Without what was asked of personal fields. */
  readonly where: Readonly<Record<string, unknown>>;
}

export const createExportAccepting = (parts: ExportParts) => {
  const { pool, log, store } = parts;

  const unitOf = (id: string, request: ExportRequest, asked: AskedExport, copied: Copied): Unit => {
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
      events: [{ stream: exportsStream, metadata: metadataOf(request, parts), ...accepted }],
    };
  };

  return async (request: ExportRequest): Promise<Export> => {
    requirePermission(request, runExports);
    const asked = readExportBody(request.body);
    if (asked.escape !== undefined && asked.format !== 'csv')
      throw invalidInput('escape', 'Leave it out: it is about CSV alone.');
    const settled = await settle(parts, request, asked);
    const { principal } = request;
    const id = parts.newId();
    const fields = settled.fields.map(({ name }) => name);
    const { label, where } = asked;
    const sealed = await sealExportWritten(parts.codec, principal.id, { label, where });
    const unit = unitOf(id, request, asked, { fields, where: settled.where });
    const position = await inTransaction(pool, async (tx) => {
      // The append is in turn with all others, so that of two requests the second counts the first.
      const [outcome] = await log.write(tx, [unit]);
      if (outcome === undefined || !outcome.accepted) throw new Error('the log refused an export');
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
    return viewOfExport(await store.get(id, undefined), { words: true, content: true });
  };
};
