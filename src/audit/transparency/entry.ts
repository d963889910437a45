/**
 * The entry of an event: canonical JSON (RFC 8785) of a compact envelope. Its hash is the event's leaf. Data
 * and metadata stand in it as SHA-256 of their canonical stored form, personal fields as ciphertext, so that
 * an entry tells nothing of a person and destroying a key breaks no hash.
 */
import { hash } from 'node:crypto';
import { canonicalJson } from '../../events/canonical-json.ts';
import type { StoredEvent } from '../../events/envelope.ts';

/** As entries read. */
export interface Entry {
  readonly position: number;
  readonly id: string;
  readonly stream: string;
  readonly version: number;
  readonly type: string;
  readonly schemaVersion: number;
  readonly recordedAt: string;
  /** The opaque id of who acted. */
  readonly actor: string;
  readonly tool: string;
  readonly command?: string;
  readonly correlationId: string;
  /** SHA-256 in hex. */
  readonly dataSha256: string;
  readonly metadataSha256: string;
}

interface SealedMetadata {
  readonly actor: { readonly id: string };
  readonly tool: string;
  readonly command?: string;
  readonly correlationId: string;
}

export const sha256Hex = (text: string): string => hash('sha256', text, 'hex');

/** What of an entry is in an event's envelope and clear metadata; filters of provable exports look at these. */
export type EntryFields = Omit<Entry, 'dataSha256' | 'metadataSha256' | 'command'> & {
  readonly command: string | undefined;
};

export const entryFieldsOf = (event: StoredEvent): EntryFields => {
  const { actor, tool, command, correlationId } = event.metadata as unknown as SealedMetadata;
  const { position, id, stream, version, type, schemaVersion, recordedAt } = event;
  return {
    position,
    id,
    stream,
    version,
    type,
    schemaVersion,
    recordedAt,
    actor: actor.id,
    tool,
    command,
    correlationId,
  };
};

/** Pieces of an entry, each as it is written there; `undefined` where the event names no command. */
export interface EntryPieces {
  /** JSON strings, with their quotes. */
  readonly actor: string;
  readonly command: string | undefined;
  readonly correlationId: string;
  readonly stream: string;
  readonly tool: string;
  readonly type: string;
  /** Without quotes. */
  readonly id: string;
  readonly recordedAt: string;
  readonly dataSha256: string;
  readonly metadataSha256: string;
  readonly position: number | string;
  readonly schemaVersion: number | string;
  readonly version: number | string;
}

/** Written member by member, in the order that RFC 8785 demands: this runs for every event of the log. */
export const entryText = (is: EntryPieces): string =>
  `{"actor":${is.actor}${is.command === undefined ? '' : `,"command":${is.command}`},` +
  `"correlationId":${is.correlationId},"dataSha256":"${is.dataSha256}","id":"${is.id}",` +
  `"metadataSha256":"${is.metadataSha256}","position":${is.position},"recordedAt":"${is.recordedAt}",` +
  `"schemaVersion":${is.schemaVersion},"stream":${is.stream},"tool":${is.tool},"type":${is.type},` +
  `"version":${is.version}}`;

export const entryOf = (event: StoredEvent): string => {
  const { actor, tool, command, correlationId } = event.metadata as unknown as SealedMetadata;
  return entryText({
    id: event.id,
    position: event.position,
    recordedAt: event.recordedAt,
    schemaVersion: event.schemaVersion,
    version: event.version,
    actor: JSON.stringify(actor.id),
    command: command === undefined ? undefined : JSON.stringify(command),
    correlationId: JSON.stringify(correlationId),
    stream: JSON.stringify(event.stream),
    tool: JSON.stringify(tool),
    type: JSON.stringify(event.type),
    dataSha256: sha256Hex(canonicalJson(event.data)),
    metadataSha256: sha256Hex(canonicalJson(event.metadata)),
  });
};
