/**
 * A projection's row as the log itself says it, folded from its one stream the way a decision's state is:
 * exact at the head, with the version of the stream as a condition of the append, and from a snapshot where
 * the stream is long.
 */
import type { EventData } from '../../events/definition.ts';
import type { ClearMetadata } from '../../events/envelope.ts';
import type { Folding, LoadRequest } from '../../events/log.ts';
import type { UnitEvent } from '../../events/unit.ts';
import type { Known } from '../catalogue.ts';
import type { FoldedEvent } from '../definition.ts';
import { foldOnto } from '../fold.ts';

/** null: there is no such row. */
export interface RowState {
  readonly row: object | null;
}

export const nothing: RowState = { row: null };

const evolve = ({ definition }: Known, key: string, { row }: RowState, event: FoldedEvent): RowState => {
  const held = { row: row ?? undefined, version: 0, position: 0 };
  return { row: foldOnto(definition, held, event, key).row ?? null };
};

export const rowRequest = (known: Known, stream: string, key: string): LoadRequest => {
  const folding: Folding<RowState> = {
    name: `row ${known.definition.name}`,
    initialState: nothing,
    stateVersion: known.definition.version,
    subject: ({ row }) => (row === null ? stream : known.definition.subject(row)),
    evolve: () => {
      throw new Error('a row is folded from whole events');
    },
    evolveWhole: (state, event) => evolve(known, key, state, event),
  };
  return { stream, folding };
};

/** The row once these events are recorded: what the log adds to them is not known yet. */
export const withDecided = (
  known: Known,
  key: string,
  state: RowState,
  decided: readonly UnitEvent[],
): RowState =>
  decided.reduce((before, { stream, type, data, metadata }, n) => {
    const { email, name, ip, reason, ...clear } = metadata;
    const event = { ...unrecorded, stream, type, data: data as EventData, version: n + 1 };
    return evolve(known, key, before, {
      ...event,
      recordedAt: metadata.decidedAt,
      metadata: clear satisfies ClearMetadata,
    });
  }, state);

const unrecorded = { position: 0, id: '', schemaVersion: 1 } as const;
