/**
 * An export as the database holds it, opened, and as callers see it. Label, filter and the requester's name are
 * sealed under the requester's key as one text; once that key is gone they are gone too.
 */
import type { Rows } from '../../access/principal.ts';
import type { Queryable } from '../../db/pool.ts';
import { QuarterdeckError } from '../../errors.ts';
import { type Codec, erased } from '../../events/codec.ts';
import type { ActorKind } from '../../events/envelope.ts';
import { namesOf, withoutValues } from '../job-record.ts';
import type { Requester } from '../ports.ts';
import type { Escape, Export, ExportFormat, ExportState } from './request.ts';
import { type ExportRow, listExports, selectExports } from './sql/exports.ts';

export interface ExportWritten {
  readonly label?: string | undefined;
  readonly where?: Readonly<Record<string, unknown>> | undefined;
  /** The requester's, when they asked. */
  readonly name?: string;
  readonly email?: string;
}

export interface ExportRecord extends Omit<ExportRow, 'state' | 'format' | 'escape' | 'reached' | 'sealed'> {
  readonly state: ExportState;
  readonly format: ExportFormat;
  readonly escape: Escape;
  readonly reached: Rows;
  readonly requester: Requester;
  /** undefined: the requester's personal data was erased, and with it what they had asked. */
  readonly written: ExportWritten | undefined;
}

type TextCodec = Pick<Codec, 'encryptText' | 'decryptText'>;

const context = 'export';

export const sealExportWritten = (codec: TextCodec, requesterId: string, written: ExportWritten) =>
  codec.encryptText(requesterId, JSON.stringify(written), context);

const opened = async (codec: TextCodec, row: ExportRow): Promise<ExportRecord> => {
  const text = await codec.decryptText(row.requesterId, row.sealed, context);
  return {
    ...row,
    state: row.state as ExportState,
    format: row.format as ExportFormat,
    escape: row.escape as Escape,
    reached: (row.reached ?? []) as Rows,
    written: text === erased ? undefined : (JSON.parse(text) as ExportWritten),
    requester: {
      id: row.requesterId,
      kind: row.requesterKind as ActorKind,
      tool: row.tool,
      scope: row.scope,
    },
  };
};

export interface ExportList {
  /** Of this requester; undefined: of everybody. */
  readonly requester: string | undefined;
  readonly states: readonly string[] | undefined;
  readonly before: { readonly requestedAt: string; readonly id: string } | undefined;
  readonly limit: number;
}

export interface ExportStore {
  open(row: ExportRow): Promise<ExportRecord>;
  find(ids: readonly string[]): Promise<readonly ExportRecord[]>;
  /** `requester`: anybody else's is not there. @throws QuarterdeckError not_found. */
  get(id: string, requester: string | undefined): Promise<ExportRecord>;
  list(asked: ExportList): Promise<readonly ExportRecord[]>;
}

export const createExportStore = (db: Queryable, codec: TextCodec): ExportStore => {
  const open = (row: ExportRow) => opened(codec, row);
  const find = async (ids: readonly string[]): Promise<readonly ExportRecord[]> => {
    const { rows } = await db.query<ExportRow>({ ...selectExports, values: [ids] });
    return Promise.all(rows.map(open));
  };
  return {
    open,
    find,
    async get(id, requester) {
      const [found] = await find([id]);
      if (found === undefined || (requester !== undefined && found.requesterId !== requester))
        throw new QuarterdeckError('not_found', `There is no export "${id.slice(0, 100)}".`);
      return found;
    },
    async list({ requester, states, before, limit }) {
      const values = [requester, states, before?.requestedAt, before?.id, limit].map((v) => v ?? null);
      const { rows } = await db.query<ExportRow>({ ...listExports, values });
      return Promise.all(rows.map(open));
    },
  };
};

/** `words`: label, filter and the requester's name are shown; `content`: what tells of the file's content is. */
export interface ShownOf {
  readonly words: boolean;
  readonly content: boolean;
}

export const viewOfExport = (record: ExportRecord, { words, content }: ShownOf): Export => ({
  id: record.id,
  query: record.projection,
  label: words ? (record.written?.label ?? null) : null,
  state: record.state,
  format: record.format,
  ...(record.format === 'csv' ? { escape: record.escape } : {}),
  fields: record.fields,
  where: words ? (record.written?.where ?? {}) : withoutValues(record.written?.where ?? {}),
  requestedBy: {
    id: record.requester.id,
    kind: record.requester.kind,
    ...(words ? namesOf(record.written ?? {}) : {}),
  },
  requestedAt: record.requestedAt,
  startedAt: record.startedAt,
  finishedAt: record.finishedAt,
  expiresAt: record.state === 'completed' ? record.expiresAt : null,
  rows: record.rows,
  total: record.total,
  position: record.position,
  bytes: record.bytes,
  sha256: content ? record.sha256 : null,
  salt: content ? record.salt : null,
  ...(record.error === null ? {} : { error: record.error }),
});
