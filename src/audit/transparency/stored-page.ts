/**
 * Leaf hashes of events from their stored text. Data and metadata are stored as canonical JSON, so nothing is parsed
 * and written anew: what `entry.ts` says of an entry is cut out of that text (docs/decisions/0037).
 */
import { parseTimestamptz } from '../../db/wire-types.ts';
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

/** Hashes of 32 bytes each, made a few at a time: between them others have their turn. */
export interface PageLeaves {
  readonly hashes: Buffer;
  readonly count: number;
  /** The next `most` of them. false: an event is not stored as canonical JSON, and has no hash here. */
  hash(most: number): boolean;
}

export const leavesOfPage = (page: StoredPage): PageLeaves => {
  const { count, first } = page;
  const ids = linesOf(page.ids);
  const streams = linesOf(page.streams);
  const versions = linesOf(page.versions);
  const types = linesOf(page.types);
  const schemaVersions = linesOf(page.schemaVersions);
  const times = linesOf(page.times);
  const data = linesOf(page.data);
  const metadata = linesOf(page.metadata);
  const hashes = Buffer.allocUnsafe(count * hashBytes);
  // Indented, an event's JSON would be more lines than one.
  const whole = data.length === count && metadata.length === count;
  let done = 0;

  const hashOne = (n: number): boolean => {
    const pieces = piecesOf(metadata[n] as string);
    if (pieces === undefined) return false;
    const entry = entryText({
      actor: pieces.actor,
      command: pieces.command,
      correlationId: pieces.correlationId,
      tool: pieces.tool,
      dataSha256: sha256Hex(data[n] as string),
      metadataSha256: sha256Hex(pieces.canonical),
      id: ids[n] as string,
      position: (first ?? 0) + n,
      recordedAt: parseTimestamptz(times[n] as string),
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
    count,
    hash(most) {
      for (const end = Math.min(count, done + most); done < end; done++) {
        if (!whole || !hashOne(done)) return false;
      }
      return true;
    },
  };
};
