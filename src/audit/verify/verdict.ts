/** What verifying comes to, and how it is told. */
import type { Fault } from './part.ts';

export interface Verdict {
  /** Everything that was asked for was looked at, and all of it is as it was sealed. */
  readonly intact: boolean;
  readonly faults: readonly Fault[];
  readonly faultsInAll: number;
  /** What keeps the verifier from saying more: a key that is not the log's, a file that is none. */
  readonly unverifiable: string | undefined;
  readonly checkpoint: { readonly origin: string; readonly size: number } | undefined;
  readonly range: { readonly after: number; readonly upTo: number } | undefined;
  /** Events that are in the export itself. */
  readonly events: number;
  /** Lines with an entry alone, and how many of those have their event in the CSV file. */
  readonly entries: number;
  readonly inCsv: number;
  /** Events that are shown in a newer shape than they are stored in, which cannot be compared. */
  readonly reshaped: number;
  /** Fields that cannot be read any more, by the event that records why. */
  readonly erasures: readonly { readonly position: number; readonly fields: number }[];
  /** What was not looked at, and why. */
  readonly notes: readonly string[];
}

export const nothingVerified: Verdict = {
  intact: false,
  faults: [],
  faultsInAll: 0,
  unverifiable: undefined,
  checkpoint: undefined,
  range: undefined,
  events: 0,
  entries: 0,
  inCsv: 0,
  reshaped: 0,
  erasures: [],
  notes: [],
};

export const unverifiable = (sentence: string, known: Partial<Verdict> = {}): Verdict => ({
  ...nothingVerified,
  ...known,
  intact: false,
  unverifiable: sentence,
});

const faultsTold = 20;

/** Lines for a person; the first says it all. */
export const toldOf = (verdict: Verdict): readonly string[] => {
  const { checkpoint, range, faults, faultsInAll, erasures, notes } = verdict;
  const looked =
    range === undefined || checkpoint === undefined
      ? []
      : [
          `Looked at ${positionsOf(range)} of ${checkpoint.origin}, signed up to ${checkpoint.size}: ${seenOf(verdict)}.`,
        ];
  const erased = erasures.map(
    ({ position, fields }) => `erased lawfully (event ${position}): ${fields} fields cannot be read any more`,
  );
  return [
    headlineOf(verdict),
    ...faults
      .slice(0, faultsTold)
      .map(({ kind, position, message }) => `${saidAt(kind, position)}: ${message}`),
    ...(faultsInAll > faultsTold ? [`… and ${faultsInAll - faultsTold} more`] : []),
    ...erased,
    ...looked,
    ...notes,
  ];
};

const many = (count: number, one: string, more = `${one}s`): string => `${count} ${count === 1 ? one : more}`;

const positionsOf = ({ after, upTo }: NonNullable<Verdict['range']>): string =>
  upTo === after + 1 ? `position ${upTo}` : `positions ${after + 1} to ${upTo}`;

/** What was held against the tree: a filtered export has the entries alone of all that did not match. */
const seenOf = ({ events, entries, inCsv }: Verdict): string => {
  const alone = entries - inCsv;
  const parts = [
    ...(inCsv > 0 ? [`${many(inCsv, 'event')} in the CSV file, each against its entry here`] : []),
    ...(events > 0 || entries === 0 ? [`${many(events, 'event')} in full`] : []),
  ];
  if (alone === 0) return parts.join(', and ');
  const told = parts.length === 0 ? many(alone, 'event') : `${alone} more`;
  const whose = alone === 1 ? 'its entry' : 'their entries';
  return [
    ...parts,
    `${told} by ${whose} alone (who did what to which stream, when, and hashes of the rest)`,
  ].join(', and ');
};

const headlineOf = ({ intact, unverifiable: sentence, faults, erasures, reshaped }: Verdict): string => {
  if (sentence !== undefined) return `not verified: ${sentence}`;
  const [first] = faults;
  if (first !== undefined) return saidAt(first.kind, first.position);
  if (!intact) return 'not verified';
  return [
    reshaped === 0 ? 'intact' : 'intact as stored',
    ...(erasures.length === 0 ? [] : ['with what was erased lawfully']),
  ].join(', ');
};

const saidAt = (kind: Fault['kind'], position: number): string => {
  if (kind === 'missing') return `missing ${position}`;
  return position === 0 ? kind : `${kind} at ${position}`;
};
