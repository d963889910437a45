/**
 * What the log keeps of a command beside its events: its refusal, that it changed nothing, and the
 * answer under its idempotency key.
 */
import type { ErrorCode } from '../errors.ts';
import type { Metadata } from '../events/envelope.ts';
import type { KeyUse, UnitEvent } from '../events/unit.ts';
import type { Verdict } from './deciding.ts';
import { CommandRefused, CommandUnchanged, commandsStream } from './engine-events.ts';
import type { IdempotencyKey, StoredAnswer } from './idempotency.ts';
import type { Place } from './lanes.ts';
import type { CommandDone } from './request.ts';

export const refusalEvent = (
  metadata: Metadata,
  refusal: { code: ErrorCode; rejection?: string | undefined; stream?: string; size: number; dryRun?: true },
): UnitEvent => ({
  stream: commandsStream,
  metadata,
  ...CommandRefused.of({ command: metadata.command ?? '', ...refusal }),
});

export const unchangedEvent = (metadata: Metadata, { stream, version }: Verdict): UnitEvent => ({
  stream: commandsStream,
  metadata,
  ...CommandUnchanged.of({ command: metadata.command ?? '', stream, version }),
});

/** Rejections that are statuses of their own; the others answer `rejected`. */
const ownStatus = ['not_found', 'version_conflict', 'not_permitted'] as const;

export const codeOfRejection = (rejection: string): (typeof ownStatus)[number] | 'rejected' =>
  ownStatus.find((code) => code === rejection) ?? 'rejected';

/** What is kept under a key: positions are not known before the append and are added on replay. */
type Kept =
  | { readonly kind: 'rejected'; readonly rejection: string; readonly message: string }
  | {
      readonly kind: 'done';
      readonly commandId: string;
      readonly stream: string;
      readonly version: number;
      readonly events: readonly { readonly type: string; readonly version: number }[];
      /** Of the stream's last event where nothing changed; null: the event that the key points to. */
      readonly position: number | null;
    };

/** The key's use in the unit; undefined where the outcome leaves the key free. */
export const keyUse = (
  key: IdempotencyKey,
  metadata: Metadata,
  verdict: Verdict,
  place: Place,
): KeyUse | undefined => {
  const { rejection, stream, version, events } = verdict;
  if (rejection !== undefined) {
    if (codeOfRejection(rejection.rejection) !== 'rejected') return undefined;
    const kept: Kept = { kind: 'rejected', ...rejection };
    return { ...key, answer: { ...kept }, firstEvent: place.firstEvent };
  }
  const kept: Kept = {
    kind: 'done',
    commandId: metadata.commandId,
    stream,
    version,
    events: events.map(({ type }, n) => ({ type, version: version - events.length + n + 1 })),
    position: events.length === 0 && place.previousEvent === undefined ? verdict.position : null,
  };
  const pointsTo = events.length === 0 ? (place.previousEvent ?? place.firstEvent) : place.firstEvent;
  return { ...key, answer: { ...kept }, firstEvent: pointsTo };
};

export type Replay =
  | { readonly rejection: string; readonly message: string }
  | { readonly done: CommandDone };

export const replayOf = ({ answer, firstPosition }: StoredAnswer): Replay => {
  const kept = answer as unknown as Kept;
  if (kept.kind === 'rejected') return { rejection: kept.rejection, message: kept.message };
  const events = kept.events.map((event, n) => ({ ...event, position: firstPosition + n }));
  const position = kept.position ?? events.at(-1)?.position ?? firstPosition;
  return {
    done: { commandId: kept.commandId, stream: kept.stream, version: kept.version, position, events },
  };
};
