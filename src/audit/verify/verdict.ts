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
  readonly events: number;
  readonly entries: number;
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
  const { checkpoint, range, events, entries, faults, faultsInAll, erasures, notes } = verdict;
  const looked =
    range === undefined || checkpoint === undefined
      ? []
      : [
          `Looked at positions ${range.after + 1} to ${range.upTo} of ${checkpoint.origin}, signed up to ${checkpoint.size}: ${many(events, 'event')} and ${many(entries, 'entry', 'entries')}.`,
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
