/**
 * What a round of a dry run adds to the preview: which events there would be, which codes, and of a few items
 * the diff of the state. Diffs may hold personal data: they are sealed under the subject of the state.
 */
import { createPatch, Pointer } from 'rfc6902';
import type { Verdict } from '../../commands/deciding.ts';
import type { CommandDefinition } from '../../commands/definition.ts';
import type { Tx } from '../../db/pool.ts';
import type { Codec } from '../../events/codec.ts';
import type { EventData } from '../../events/definition.ts';
import type { StoredOutcome } from '../outcomes.ts';
import type { Proposed } from '../proposal.ts';
import { writePreview } from '../sql/previews.ts';
import { chunkItems } from '../staging.ts';
import type { Work } from '../work.ts';

/** Items shown with their diffs, of a whole job. */
export const sampleMax = 100;
export const sampleContext = 'bulk preview';

/** As it stands in a round's array; `diff` and `before` are sealed. */
export interface StoredSample extends EventData {
  readonly x: number;
  readonly t: string | null;
  readonly l?: number;
  readonly w: readonly string[];
  readonly diff: unknown;
  readonly before: unknown;
}

/** So many of a round that a small job is shown whole, and of a large one every round its share. */
const quotaOf = (items: number, total: number): number =>
  Math.max(1, Math.ceil((sampleMax * items) / Math.max(total, 1)));

type Sampled = readonly [StoredOutcome, Verdict];

const changed = (proposed: readonly Proposed[], most: number): readonly Sampled[] => {
  const found: Sampled[] = [];
  for (const { outcomes, verdicts } of proposed) {
    for (const [n, outcome] of outcomes.entries()) {
      if (found.length === most) return found;
      if (outcome.o === 'succeeded') found.push([outcome, verdicts[n] as Verdict]);
    }
  }
  return found;
};

/** Former values of what is replaced or removed, by path: a patch tells only the new ones. */
const formerValues = (before: object, patch: readonly { op: string; path: string }[]): EventData =>
  Object.fromEntries(
    patch
      .filter(({ op }) => op === 'replace' || op === 'remove')
      .map(({ path }) => [path, Pointer.fromJSON(path).get(before) as unknown]),
  );

const toSeal = (command: CommandDefinition, [{ x, t, l, w = [] }, verdict]: Sampled) => {
  const { before, after, stream } = verdict;
  const diff = createPatch(before, after);
  const place = { x, t, ...(l === undefined ? {} : { l }), w };
  return {
    subject: command.stream.subject(after, stream),
    context: sampleContext,
    fields: ['diff', 'before'],
    data: { ...place, diff, before: formerValues(before, diff) } satisfies StoredSample,
  };
};

export const sampleOf = async (
  codec: Pick<Codec, 'encryptFields'>,
  { job, command }: Work,
  proposed: readonly Proposed[],
): Promise<readonly EventData[]> => {
  const items = proposed.reduce((sum, { outcomes }) => sum + outcomes.length, 0);
  const sampled = changed(proposed, Math.min(quotaOf(items, job.total), chunkItems));
  return codec.encryptFields(sampled.map((one) => toSeal(command, one)));
};

const counted = (keys: readonly string[]): readonly (readonly [string, number])[] => {
  const counts = new Map<string, number>();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  return [...counts];
};

/** In the transaction of the round, after its outcomes. */
export const addToPreview = async (
  tx: Tx,
  { job, chunk, rounds }: Work,
  outcomes: readonly StoredOutcome[],
  sample: readonly EventData[],
): Promise<void> => {
  const events = counted(outcomes.flatMap(({ w = [] }) => w));
  const codes = counted(outcomes.flatMap(({ o, c }) => (c === undefined ? [] : [JSON.stringify([o, c])])));
  const values = [
    ...[job.id, chunk, rounds + 1, JSON.stringify(events)],
    JSON.stringify(codes.map(([key, count]) => [...(JSON.parse(key) as string[]), count])),
    sample.length === 0 ? null : JSON.stringify(sample),
  ];
  await tx.query({ ...writePreview, values });
};
