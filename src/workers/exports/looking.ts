/**
 * Looking at exports, downloading and ending them. An export is there for its owner and for holders of
 * `exports:read-all`. Its file is for whoever of them could read all of it at this moment: the projection, every
 * field, whatever it was filtered by, and every row that the requester reached; and so are somebody else's filter and
 * label, and what tells of the content. To end somebody else's one needs `exports:run` beside.
 */
import { metadataOf, type Origin } from '../../access/origin.ts';
import { invalidInput, isQuarterdeckError, notPermitted, QuarterdeckError } from '../../errors.ts';
import { readCursor, writeCursor } from '../job-cursor.ts';
import type { Endings } from './endings.ts';
import { ExportCancelled, ExportDownloaded, ExportExpired, exportsStream } from './engine-events.ts';
import {
  type ExportParts,
  keySubject,
  readAllExports,
  readsAll,
  requirePermission,
  runExports,
} from './parts.ts';
import { type ExportRecord, viewOfExport } from './record.ts';
import {
  type Export,
  type ExportFile,
  type Exports,
  exportStates,
  type ListExports,
  type OneExport,
} from './request.ts';
import { FileLost, fileKey, openPart } from './sealed-file.ts';

const limitUsual = 50;
const limitMax = 200;

const rejected = (rejection: string, message: string): QuarterdeckError =>
  new QuarterdeckError('rejected', message, { rejection });

const expired = (): QuarterdeckError =>
  new QuarterdeckError(
    'export_expired',
    'The file of this export is gone, and its key with it. Export anew.',
  );

const lost = (): QuarterdeckError =>
  new QuarterdeckError('export_expired', 'The file of this export is not where it was written. Export anew.');

const requireLimit = (limit: number = limitUsual): number => {
  if (Number.isInteger(limit) && limit >= 1 && limit <= limitMax) return limit;
  throw invalidInput('limit', `Give a whole number from 1 to ${limitMax}.`);
};

const requireStates = (states: readonly string[] | undefined): void => {
  if (states?.every((state) => (exportStates as readonly string[]).includes(state)) === false)
    throw invalidInput('state', `Give states of ${exportStates.join(', ')}.`);
};

/** Whose exports alone somebody is shown; undefined: everybody's. */
const ownerShown = ({ principal }: Origin): string | undefined =>
  readsAll(principal) ? undefined : principal.id;

const requireAny = (origin: Origin): void => {
  if (!readsAll(origin.principal)) requirePermission(origin, runExports);
};

type Looking = Pick<Exports, 'list' | 'get' | 'file' | 'cancel' | 'remove'>;

export const createLooking = (parts: ExportParts, endings: Endings): Looking => {
  const { store, log, source, storage, keyRing } = parts;

  const find = async (request: OneExport): Promise<ExportRecord> => {
    requireAny(request);
    return store.get(request.id, ownerShown(request));
  };

  const list = async (request: ListExports) => {
    requireAny(request);
    requireStates(request.states);
    const limit = requireLimit(request.limit);
    const before = request.cursor === undefined ? undefined : readCursor(request.cursor);
    const { position } = await log.head();
    const requester = ownerShown(request);
    const found = await store.list({ requester, states: request.states, before, limit: limit + 1 });
    const data = found.slice(0, limit).map((one) => shownTo(one, request));
    const last = found.length > limit ? data.at(-1) : undefined;
    return { data, nextCursor: last === undefined ? null : writeCursor(last), position };
  };

  /** @throws QuarterdeckError not_permitted with what is missing. */
  const requireReadable = (record: ExportRecord, { principal }: Origin): void => {
    const { projection, fields, written, reached } = record;
    const now = source.reaches({ principal, projection, fields, where: written?.where ?? {} });
    if (!parts.stillReached(now, reached)) throw notPermitted(readAllExports);
  };

  const mayRead = (record: ExportRecord, origin: Origin): boolean => {
    try {
      requireReadable(record, origin);
      return true;
    } catch (error) {
      if (isQuarterdeckError(error)) return false;
      throw error;
    }
  };

  const shownTo = (record: ExportRecord, origin: Origin): Export => {
    const content = mayRead(record, origin);
    return viewOfExport(record, { content, words: content || record.requesterId === origin.principal.id });
  };

  const findToEnd = async (request: OneExport): Promise<ExportRecord> => {
    const record = await find(request);
    if (record.requesterId !== request.principal.id) requirePermission(request, runExports);
    return record;
  };

  const keyOf = async ({ id, file }: ExportRecord): Promise<Buffer> => {
    const key = (await keyRing.find([keySubject(id)])).get(keySubject(id));
    if (key === undefined || file === null) throw expired();
    return fileKey(key, file);
  };

  const file = async (request: OneExport): Promise<ExportFile> => {
    const record = await find(request);
    const { id, state, bytes, sha256, finishedAt } = record;
    const isOver = record.expiresAt !== null && Date.parse(record.expiresAt) <= Date.parse(parts.clock());
    if (state === 'expired' || (state === 'completed' && (isOver || record.written === undefined)))
      throw expired();
    if (state !== 'completed' || bytes === null || sha256 === null || finishedAt === null)
      throw rejected('export_not_ready', `This export is ${state}; there is no file.`);
    requireReadable(record, request);
    const key = await keyOf(record);
    const name = record.file as string;
    const day = finishedAt.slice(0, 10);
    return {
      fileName: `${record.projection}-${day}.${record.format}`,
      format: record.format,
      bytes,
      tag: sha256.slice(0, 32),
      finishedAt,
      async open(part) {
        const event = ExportDownloaded.of({ exportId: id, projection: record.projection, bytes, ...part });
        const source = {
          key,
          bytes,
          read: (range: { start: number; end: number }) => storage.read(name, range),
        };
        const tell = () => log.record(exportsStream, [event], metadataOf(request, parts));
        try {
          return await openPart(source, part, tell);
        } catch (error) {
          throw error instanceof FileLost ? lost() : error;
        }
      },
    };
  };

  const seen = async (request: OneExport): Promise<Export> =>
    shownTo(await store.get(request.id, undefined), request);

  const cancel = async (request: OneExport): Promise<Export> => {
    const { id } = await findToEnd(request);
    await endings.end(
      id,
      () => metadataOf(request, parts),
      ({ state, rows }) => {
        if (state === 'cancelled') return undefined;
        if (state !== 'accepted' && state !== 'running')
          throw rejected('export_ended', `This export is ${state}: there is nothing to cancel.`);
        return { state: 'cancelled', event: ExportCancelled.of({ exportId: id, rows }) };
      },
    );
    return seen(request);
  };

  const remove = async (request: OneExport): Promise<Export> => {
    const { id } = await findToEnd(request);
    await endings.end(
      id,
      () => metadataOf(request, parts),
      ({ state }) => {
        if (state === 'accepted' || state === 'running')
          throw rejected('export_running', 'This export is not done: cancel it first.');
        if (state !== 'completed') return undefined;
        return { state: 'expired', event: ExportExpired.of({ exportId: id, early: true }) };
      },
    );
    return seen(request);
  };

  return { list, file, cancel, remove, get: async (request) => shownTo(await find(request), request) };
};
