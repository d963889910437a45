/**
 * The read side's answers. Each goes through the same order: is there such a projection, may the caller
 * read it, does the question make sense, is the projection far enough, what does the table say, is the
 * reading of recorded fields on record.
 */
import type { Rows } from '../access/principal.ts';
import type { Db } from '../db/pool.ts';
import { QuarterdeckError } from '../errors.ts';
import type { Timestamp } from '../events/envelope.ts';
import type { EventLog } from '../events/log.ts';
import { asOfPosition } from './as-of.ts';
import type { Catalogue, Known } from './catalogue.ts';
import type { Column } from './columns.ts';
import { createCopying } from './copying.ts';
import type { Cursors } from './cursor.ts';
import { filterOfWhere } from './filter.ts';
import { foldRow } from './fold.ts';
import { readFoldedStreams } from './folded-events.ts';
import { keyPages } from './key-pages.ts';
import { isGone, present } from './live-tables.ts';
import type { NamedSnapshots } from './named-snapshots.ts';
import { answered, createReadPage, type PageOfRecords, placeOf, type Stored } from './pages.ts';
import { type Plan, planOf, requirePermission } from './plan.ts';
import type { Progress } from './progress.ts';
import type { FieldReads, RecordReads } from './reads.ts';
import type {
  ExportRequest,
  GetAnswer,
  GetRequest,
  ListAnswer,
  ListRequest,
  Queries,
  Reader,
  Row,
  SelectKeysRequest,
} from './request.ts';
import type { ReachingOf } from './scope/reach.ts';
import type { Reached } from './scope/reached.ts';
import { rowsReadable } from './selection.ts';
import { type Snapshots, snapshotBuilding } from './snapshots.ts';
import { countRows, selectRow } from './sql/select-rows.ts';

interface Deps {
  readonly pool: Db;
  readonly log: Pick<EventLog, 'head' | 'positionAt' | 'readStreams'>;
  readonly clock: () => Timestamp;
  readonly catalogue: Catalogue;
  readonly reaching: ReachingOf;
  readonly reached: Reached;
  readonly snapshots: Snapshots;
  readonly named: Pick<NamedSnapshots, 'positionOf'>;
  readonly progress: Pick<Progress, 'waitFor'>;
  readonly cursors: Cursors;
  readonly recordReads: RecordReads;
}

const exportPageRows = 1_000;

const notFound = (projection: string): QuarterdeckError =>
  new QuarterdeckError('not_found', `There is nothing of that key in ${projection}.`);

const isRecorded = ({ notes }: Column): boolean => notes.recordReads === true;

/** What the caller learns of fields whose reads are recorded: by seeing, filtering or sorting them. */
const recordedFields = ({ fields, filter, sort }: Plan): readonly string[] => {
  const seen = [...fields, ...filter.map((c) => c.column), ...sort.map((s) => s.column)];
  return [...new Set(seen.filter(isRecorded).map(({ name }) => name))];
};

const readsOf = (plan: Plan, reader: Reader, records: readonly Stored[]): FieldReads | undefined => {
  const fields = recordedFields(plan);
  if (fields.length === 0 || records.length === 0) return undefined;
  const { definition, shape } = plan.known;
  return {
    reader,
    projection: definition.name,
    fields,
    keys: records.map((record) => String(record[shape.key.name])),
  };
};

export const createQueries = (deps: Deps): Queries => {
  const { pool, log, catalogue, reaching, reached, snapshots, named, progress, cursors, recordReads } = deps;
  const readPage = createReadPage(pool, reaching, snapshots);

  /** The position that `asOf` or `snapshot` came to; without, waits until the projection is far enough. */
  const moment = async (plan: Plan, minPosition: number | undefined): Promise<number | undefined> => {
    if (plan.snapshot !== undefined) return named.positionOf(plan.snapshot);
    if (plan.asOf !== undefined) return asOfPosition(deps, plan.asOf);
    if (minPosition !== undefined) await waitForAll(plan.known, plan.rows, minPosition);
    return undefined;
  };

  /** What is read, and what tells which of its rows are reached. */
  const waitForAll = async (known: Known, rows: Rows, position: number): Promise<void> => {
    for (const { definition } of [known, ...reaching(known, rows).owners])
      await progress.waitFor(definition.name, position);
  };

  const recordNow = async (reads: FieldReads | undefined): Promise<void> => {
    if (reads !== undefined) await recordReads.now(reads);
  };

  const list = async (request: ListRequest): Promise<ListAnswer> => {
    const plan = planOf(catalogue.get(request.projection), request.principal, request.query, 'list');
    const asOf = await moment(plan, request.minPosition);
    const query = JSON.stringify([request.projection, plan.asked, asOf ?? null]);
    const after = plan.cursor === undefined ? undefined : cursors.open(query, plan.cursor);
    const { records, position } = await readPage({ plan, asOf, after, limit: plan.limit + 1 });
    const page = records.slice(0, plan.limit);
    const last = records.length > plan.limit ? page.at(-1) : undefined;
    const reads = readsOf(plan, request, page);
    if (reads !== undefined) recordReads.soon(reads);
    return {
      data: page.map((record) => answered(plan.fields, record)),
      nextCursor: last === undefined ? null : cursors.seal(query, placeOf(plan, last)),
      position: asOf ?? position,
    };
  };

  interface Found {
    readonly record: Stored;
    readonly version: number;
    readonly position: number;
  }

  const findNow = (plan: Plan, key: string): Promise<Found> =>
    reaching(plan.known, plan.rows).readNow(async (source, reach) => {
      const { definition, shape } = plan.known;
      const columns = present(source, plan.fields);
      const { sql, parameters } = selectRow(source, reach, columns, shape.key, key);
      const { rows } = await pool.query<Record<string, unknown>>(sql, [...parameters]);
      const [row] = rows;
      if (row === undefined) return undefined;
      if (row[shape.key.name] === null) throw notFound(definition.name);
      return { record: row, version: Number(row._version), position: Number(row._at) };
    });

  /**
   * A row's past belongs to whoever reaches the row now. That is asked before its events are read, so that one
   * out of reach takes no longer than a missing one.
   */
  const findAsOf = async ({ known, rows }: Plan, key: string, position: number): Promise<Found> => {
    const { definition } = known;
    const stream = definition.stream?.(key);
    if (stream !== undefined && !(await reached.streams([stream], rows)).has(stream))
      throw notFound(definition.name);
    const events = await readFoldedStreams(log, definition.streams(key), position);
    const { row, version } = foldRow(definition, key, events);
    const isReached = async (): Promise<boolean> =>
      stream !== undefined || row === undefined || reached.row(known, row, rows);
    if (row === undefined || !(await isReached())) throw notFound(definition.name);
    return { record: row as Stored, version, position };
  };

  const findInSnapshot = async ({ known, rows, fields }: Plan, key: string, position: number) => {
    const { definition, shape } = known;
    const source = await snapshots.tableAt(known, position);
    const found = await reaching(known, rows)
      .readAsOf(source, async (table, reach) => {
        const { sql, parameters } = selectRow(table, reach, present(table, fields), shape.key, key);
        return (await pool.query<Record<string, unknown>>(sql, [...parameters])).rows[0];
      })
      .catch((error: unknown) => {
        if (!isGone(error)) throw error;
      });
    if (found === undefined) throw snapshotBuilding(position);
    if (found[shape.key.name] === null) throw notFound(definition.name);
    return { record: found, version: Number(found._version), position };
  };

  const get = async (request: GetRequest): Promise<GetAnswer> => {
    const plan = planOf(catalogue.get(request.projection), request.principal, request.query, 'get');
    const asOf = await moment(plan, request.minPosition);
    const { record, version, position } = await find(plan, request.key, asOf);
    await recordNow(readsOf(plan, request, [record]));
    const { stream } = plan.known.definition;
    return {
      data: answered(plan.fields, record),
      position,
      version: stream === undefined ? undefined : version,
    };
  };

  const find = (plan: Plan, key: string, asOf: number | undefined): Promise<Found> => {
    if (asOf === undefined) return findNow(plan, key);
    return plan.snapshot === undefined ? findAsOf(plan, key, asOf) : findInSnapshot(plan, key, asOf);
  };

  async function* rowsFrom(
    plan: Plan,
    asOf: number | undefined,
    reader: Reader,
    first: PageOfRecords,
  ): AsyncGenerator<Row> {
    let page = first;
    for (;;) {
      for (const record of page.records) yield answered(plan.fields, record);
      const last = page.records.at(-1);
      if (last === undefined || page.records.length < exportPageRows) return;
      page = await readPage({ plan, asOf, after: placeOf(plan, last), limit: exportPageRows });
      await recordNow(readsOf(plan, reader, page.records));
    }
  }

  const exportRows = async (request: ExportRequest) => {
    const plan = planOf(catalogue.get(request.projection), request.principal, request.query, 'export');
    const asOf = await moment(plan, request.minPosition);
    const first = await readPage({ plan, asOf, after: undefined, limit: exportPageRows });
    await recordReads.exported({
      reader: request,
      projection: request.projection,
      fields: plan.fields.map(({ name }) => name),
      filteredBy: [...new Set(plan.filter.map(({ column }) => column.name))],
      position: asOf ?? first.position,
    });
    await recordNow(readsOf(plan, request, first.records));
    return {
      columns: plan.fields.map(({ name, kind }) => ({ name, text: kind === 'text' })),
      rows: rowsFrom(plan, asOf, request, first),
      position: asOf ?? first.position,
    };
  };

  async function* selectKeys(request: SelectKeysRequest) {
    const known: Known = catalogue.get(request.projection);
    requirePermission(known, request.principal);
    const scope = { shape: known.shape, principal: request.principal };
    const filter = filterOfWhere(scope, request.where, request.path ?? 'where');
    const atLeast = request.minPosition ?? (await log.head()).position;
    const asked = filter.map(({ column }) => column);
    const rows = rowsReadable(request.principal, known.definition.permission, asked);
    await waitForAll(known, rows, atLeast);
    yield* keyPages(pool, reaching, known, rows, filter);
  }

  const copying = createCopying({
    catalogue,
    readPage,
    momentOf: async (plan) => (plan.asOf === undefined ? undefined : asOfPosition(deps, plan.asOf)),
    async keepNow({ known, rows }, atLeast) {
      await waitForAll(known, rows, atLeast);
      return snapshots.keepLive(known);
    },
    count: (plan, position) =>
      readPage.from(plan, position, async (source, reach) => {
        const { sql, parameters } = countRows(source, reach, plan.filter);
        const { rows } = await pool.query<{ count: string }>(sql, [...parameters]);
        return rows[0] === undefined ? undefined : Number(rows[0].count);
      }),
    recordPage: (plan, request, records) => recordNow(readsOf(plan, request, records)),
  });

  return { list, get, exportRows, selectKeys, copying };
};
