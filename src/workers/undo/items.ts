/**
 * The items of an undo: those that succeeded, from the last to the first, so that what one target went through
 * is taken back in the order in which it must be. Each gets the input that the command's inverse makes from
 * what was asked and from the state before its events, which the log tells; chunk by chunk, three round trips
 * each, and sealed as any input is.
 */
import type { CommandDefinition, Inverse } from '../../commands/definition.ts';
import { erased } from '../../events/codec.ts';
import type { EventData } from '../../events/definition.ts';
import type { StateBefore } from '../../events/log.ts';
import { type Kept, type OpenItem, openItems, type StoredItem, storeItems } from '../items.ts';
import type { JobRecord } from '../job-record.ts';
import type { StoredOutcome } from '../outcomes.ts';
import type { Parts } from '../parts.ts';
import type { DecidedItemsRow } from '../sql/previews.ts';
import { selectDoneBackwards } from '../sql/undo.ts';

const chunksAtATime = 4;

const irreversible: Kept = { c: 'irreversible', m: 'What was there before cannot be put back.' };
const erasedSince: Kept = { c: 'erased', m: 'What was there before was erased.' };

export interface Undoing {
  readonly job: JobRecord;
  readonly command: CommandDefinition;
  readonly takesBack: Inverse<EventData, object>;
  readonly inverse: CommandDefinition;
  readonly reason: string | undefined;
}

/** What the inverse is to do to an item's target, or why it is left alone. */
type Wanted = { readonly input: EventData; readonly v: number } | { readonly k: Kept };

export async function* undoItems(parts: Parts, undoing: Undoing): AsyncGenerator<readonly StoredItem[]> {
  let before: number | null = null;
  for (;;) {
    const values: unknown[] = [undoing.job.id, before, chunksAtATime];
    const { rows } = await parts.pool.query<DecidedItemsRow>({ ...selectDoneBackwards, values });
    for (const row of rows) yield await undoChunk(parts, undoing, row);
    if (rows.length < chunksAtATime) return;
    before = rows.at(-1)?.chunk ?? 0;
  }
}

const undoChunk = async (
  parts: Parts,
  undoing: Undoing,
  { firstIndex, inputs, rounds }: DecidedItemsRow,
): Promise<readonly StoredItem[]> => {
  const done = (rounds.flat() as readonly StoredOutcome[])
    .filter(({ o, p }) => o === 'succeeded' && p !== undefined)
    .sort((a, b) => b.x - a.x);
  const stored = done.map(({ x }) => (inputs as readonly StoredItem[])[x - firstIndex] as StoredItem);
  const common = undoing.job.written.input ?? {};
  const [opened, before] = await Promise.all([
    openItems({ command: undoing.command, common, codec: parts.codec }, stored),
    parts.log.statesBefore(
      done.map(({ p }) => p?.[0] ?? 0),
      undoing.command.stream,
    ),
  ]);
  const wanted = done.map((outcome, n) =>
    wantedOf(parts, undoing, outcome, opened[n] as OpenItem, before[n] as StateBefore),
  );
  return sealed(parts, undoing, done, wanted);
};

const wantedOf = (
  { onError }: Parts,
  { job, command, takesBack, inverse, reason }: Undoing,
  { p }: StoredOutcome,
  opened: OpenItem,
  before: StateBefore,
): Wanted => {
  if (!('input' in opened)) return { k: erasedSince };
  let input: EventData | undefined;
  try {
    input = takesBack.input(opened.input, before.state, reason === undefined ? {} : { reason });
  } catch (error) {
    // One that it cannot be made for must not keep all others from being undone.
    onError(error, `making the inverse of ${command.name} for the bulk job ${job.id}`);
  }
  if (input === undefined) return { k: irreversible };
  if (inverse.personal.some((field) => input[field] === erased)) return { k: erasedSince };
  return { input, v: before.version + (p?.[1] ?? 1) - 1 };
};

const nothing = (): undefined => undefined;

const sealed = async (
  { codec }: Parts,
  { inverse }: Undoing,
  done: readonly StoredOutcome[],
  wanted: readonly Wanted[],
): Promise<readonly StoredItem[]> => {
  const inputs = wanted.flatMap((one) => ('input' in one ? [{ input: one.input }] : []));
  const items = await storeItems({ command: inverse, common: {}, codec, columnOf: nothing }, inputs);
  let nth = 0;
  return wanted.map((one, n) =>
    'k' in one ? { t: done[n]?.t ?? null, k: one.k } : { ...(items[nth++] as StoredItem), v: one.v },
  );
};
