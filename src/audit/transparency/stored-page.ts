/**
 * Leaf hashes of events from their stored text. Data and metadata are stored as canonical JSON, so nothing is parsed
 * and written anew: what `entry.ts` says of an entry is cut out of that text (docs/decisions/0037).
 */
import { parseTimestamptz } from '../../db/wire-types.ts';
import type { StoredText, Timestamp } from '../../events/envelope.ts';
import { entryText, sha256Hex } from './entry.ts';
import { hashBytes, leafHash64 } from './merkle.ts';
import type { StoredPage } from './sql/leaves.ts';

interface Pieces {
  readonly actor: string;
  readonly command: string | undefined;
  readonly correlationId: string;
  readonly tool: string;
  /** The whole in canonical order. */
  readonly canonical: string;
}

const head = '{"actor":{"id":';
const names = {
  kind: ',"kind":',
  command: ',"command":',
  commandId: ',"commandId":',
  correlationId: ',"correlationId":',
  decidedAt: ',"decidedAt":',
  tool: ',"tool":',
  traceparent: ',"traceparent":',
} as const;

/**
 * Of metadata as `events/encoding.ts` writes it: members in order, but for `commandId`, which stands behind all others
 * and belongs before `correlationId`. A quote within a string is escaped, so that a name in its quotes is none
 * but the member's. undefined where it is written otherwise.
 */
export const piecesOf = (metadata: string): Pieces | undefined => {
  const kind = metadata.indexOf(names.kind);
  const correlation = metadata.indexOf(names.correlationId, kind);
  const decided = metadata.indexOf(names.decidedAt, correlation);
  const own = metadata.lastIndexOf(names.commandId);
  const tool = metadata.lastIndexOf(names.tool, own);
  if (!metadata.startsWith(head) || kind < 0 || correlation < kind || decided < correlation || tool < decided)
    return undefined;
  const command = metadata.indexOf(names.command, kind);
  const trace = metadata.indexOf(names.traceparent, tool);
  return {
    actor: metadata.slice(head.length, kind),
    command:
      command < 0 || command > correlation
        ? undefined
        : metadata.slice(command + names.command.length, correlation),
    correlationId: metadata.slice(correlation + names.correlationId.length, decided),
    tool: metadata.slice(tool + names.tool.length, trace < 0 ? own : trace),
    canonical: `${metadata.slice(0, correlation)}${metadata.slice(own, -1)}${metadata.slice(correlation, own)}}`,
  };
};

const linesOf = (text: string | null): readonly string[] => (text === null ? [] : text.split('\n'));

/** Events that follow each other, column by column. */
export interface StoredColumns {
  /** The position of the first. */
  readonly first: number;
  readonly ids: readonly string[];
  readonly streams: readonly string[];
  readonly versions: readonly (string | number)[];
  readonly types: readonly string[];
  readonly schemaVersions: readonly (string | number)[];
  readonly times: readonly Timestamp[];
  readonly data: readonly string[];
  readonly metadata: readonly string[];
}

/** undefined: an event's JSON is not one line, so it was written by somebody else. */
export const columnsOfPage = (page: StoredPage): StoredColumns | undefined => {
  const [data, metadata] = [linesOf(page.data), linesOf(page.metadata)];
  if (data.length !== page.count || metadata.length !== page.count) return undefined;
  return {
    first: page.first ?? 0,
    ids: linesOf(page.ids),
    streams: linesOf(page.streams),
    versions: linesOf(page.versions),
    types: linesOf(page.types),
    schemaVersions: linesOf(page.schemaVersions),
    times: linesOf(page.times).map(parseTimestamptz),
    data,
    metadata,
  };
};

const isOneLine = ({ data, metadata }: StoredText): boolean =>
  !data.includes('\n') && !metadata.includes('\n');

/** undefined as above. */
export const columnsOfTexts = (events: readonly StoredText[]): StoredColumns | undefined => {
  if (!events.every(isOneLine)) return undefined;
  return {
    first: events[0]?.position ?? 0,
    ids: events.map(({ id }) => id),
    streams: events.map(({ stream }) => JSON.stringify(stream)),
    versions: events.map(({ version }) => version),
    types: events.map(({ type }) => JSON.stringify(type)),
    schemaVersions: events.map(({ schemaVersion }) => schemaVersion),
    times: events.map(({ recordedAt }) => recordedAt),
    data: events.map(({ data }) => data),
    metadata: events.map(({ metadata }) => metadata),
  };
};

/** Hashes of 32 bytes each, made a few at a time: between them others have their turn. */
export interface PageLeaves {
  readonly hashes: Buffer;
  /** The next `most` of them. false: an event is not stored as canonical JSON, and has no hash here. */
  hash(most: number): boolean;
}

export const leavesOfColumns = (columns: StoredColumns): PageLeaves => {
  const { first, ids, streams, versions, types, schemaVersions, times, data, metadata } = columns;
  const count = ids.length;
  const hashes = Buffer.allocUnsafe(count * hashBytes);
  let done = 0;

  const hashOne = (n: number): boolean => {
    const text = data[n] as string;
    const pieces = piecesOf(metadata[n] as string);
    if (pieces === undefined) return false;
    const entry = entryText({
      actor: pieces.actor,
      command: pieces.command,
      correlationId: pieces.correlationId,
      tool: pieces.tool,
      dataSha256: sha256Hex(text),
      metadataSha256: sha256Hex(pieces.canonical),
      id: ids[n] as string,
      position: first + n,
      recordedAt: times[n] as Timestamp,
      schemaVersion: schemaVersions[n] as string,
      stream: streams[n] as string,
      type: types[n] as string,
      version: versions[n] as string,
    });
    hashes.write(leafHash64(entry), n * hashBytes, 'base64');
    return true;
  };

  return {
    hashes,
    hash(most) {
      for (const end = Math.min(count, done + most); done < end; done++) if (!hashOne(done)) return false;
      return true;
    },
  };
};
