/**
 * Verifies a part of an export, line by line: hashes anew what stands there and compares it with the leaf that
 * it is said to be; looks at what follows what; runs the filter again. Whatever needs more than one part
 * comes back in small, to be put together. Pure, so that any thread can do it.
 */

import type { EventData } from '../../events/definition.ts';
import type { RecordedEvent, StoredEvent } from '../../events/envelope.ts';
import {
  csvColumns,
  type EntryFilter,
  type ExportEnd,
  type ExportLine,
  matches,
} from '../provable/format.ts';
import { type Entry, entryFieldsOf, entryOf } from '../transparency/entry.ts';
import { leafHash64 } from '../transparency/merkle.ts';
import { atAGlance, type Glanced } from './at-a-glance.ts';
import { shownBeside } from './beside.ts';
import { linesOf } from './lines.ts';
import { ownCopy, reduced } from './reducing.ts';
import { parseOnce } from './whole-text.ts';

export type FaultKind =
  | 'altered'
  | 'missing'
  /** It matches the filter and is only an entry. */
  | 'left-out'
  /** It does not match the filter, or stands twice or in the wrong place. */
  | 'stray'
  | 'malformed';

export interface Fault {
  readonly kind: FaultKind;
  /** Of the event; 0 where there is none to name. */
  readonly position: number;
  readonly message: string;
}

/** What is asked of every part of one export. */
export interface Asked {
  readonly filter: EntryFilter;
  readonly eventsHere: boolean;
  /** Size of a tree whose root has to be known: subtrees do not reach across it. */
  readonly cutAt?: number;
}

/** Of events that are told of together, so many are named by their positions. */
export const positionsNamed = 10;

export interface PartResult {
  readonly firstPosition: number;
  readonly lastPosition: number;
  readonly firstRecordedAt: string;
  readonly lastRecordedAt: string;
  /** Of the leaves: complete subtrees from left to right, levels beside their hashes (32 bytes each). */
  readonly levels: readonly number[];
  readonly hashes: Uint8Array;
  /** `stream, first version, last version` in turn. */
  readonly streams: readonly (string | number)[];
  readonly faults: readonly Fault[];
  readonly faultsInAll: number;
  /** Subjects whose erasure is recorded in this part, with its position. */
  readonly erasures: readonly (readonly [subject: string, position: number])[];
  /** Subjects of fields that cannot be read any more, with the position of one such event, and how many. */
  readonly erased: readonly (readonly [subject: string, position: number, fields: number])[];
  readonly events: number;
  /** Events beside which stands how they read, and those of them that are shown in a newer shape. */
  readonly shown: number;
  readonly reshaped: number;
  /** Of the first of them. */
  readonly reshapedAt: readonly number[];
  readonly entries: number;
  readonly missing: number;
  readonly end: ExportEnd['end'] | undefined;
  /** Positions of entries that a file of events has to hold; only where events are not here. */
  readonly wanted: readonly (readonly [position: number, leaf: string])[];
}

/** Kept of one part; the others are counted. */
const faultsKept = 100;

type StoredLine = Extract<ExportLine, { stored: unknown }>;
type EntryLine = Extract<ExportLine, { entry: unknown }>;
type MissingLine = Extract<ExportLine, { missing: unknown }>;

interface Seen {
  position: number;
  recordedAt: string;
}

/** What is wrong where `position` stands behind `last`. */
export const gapBetween = (
  last: number,
  position: number,
): readonly [kind: FaultKind, position: number, message: string] | undefined => {
  if (position === last + 1) return undefined;
  if (position <= last) return ['stray', position, `Position ${position} stands behind position ${last}.`];
  const missing =
    last + 2 === position ? `Position ${last + 1} is` : `Positions ${last + 1} to ${position - 1} are`;
  return ['missing', last + 1, `${missing} missing: behind ${last} comes ${position}.`];
};

/** `block`: whole lines in UTF-8. */
export const verifyPart = (block: Buffer, asked: Asked): PartResult => {
  const faults: Fault[] = [];
  let faultsInAll = 0;
  const streams = new Map<string, [number, number]>();
  const erasures: [string, number][] = [];
  const erased = new Map<string, [number, number]>();
  const wanted: [number, string][] = [];
  const leaves: string[] = [];
  let first: Seen | undefined;
  let last: Seen | undefined;
  let end: ExportEnd['end'] | undefined;
  const counts = { events: 0, shown: 0, reshaped: 0, entries: 0, missing: 0 };
  const reshapedAt: number[] = [];

  const fault = (kind: FaultKind, position: number, message: string): void => {
    faultsInAll++;
    if (faults.length < faultsKept) faults.push({ kind, position, message });
  };

  const follow = (entry: Pick<Entry, 'position' | 'stream' | 'version' | 'recordedAt'>): void => {
    const { position, stream, version, recordedAt } = entry;
    if (last !== undefined) {
      const gap = gapBetween(last.position, position);
      if (gap !== undefined) fault(...gap);
      if (last.recordedAt !== '' && recordedAt <= last.recordedAt)
        fault('altered', position, `Position ${position} was recorded no later than the one before it.`);
    }
    const versions = streams.get(stream);
    if (versions === undefined) streams.set(stream, [version, version]);
    else {
      if (version !== versions[1] + 1)
        fault(
          'altered',
          position,
          `Position ${position} is version ${version} of ${stream}, where version ${versions[1] + 1} belongs.`,
        );
      versions[1] = version;
    }
    last = { position, recordedAt };
    first ??= last;
  };

  const takeLeaf = (leaf: unknown, position: number): void => {
    if (typeof leaf !== 'string' || !Number.isSafeInteger(position) || position < 1)
      throw new SyntaxError('A leaf is a string, and a position a number from 1.');
    leaves.push(leaf);
  };

  const compare = (entry: string, leaf: string, position: number): void => {
    if (leafHash64(entry) !== leaf)
      fault('altered', position, `The event at position ${position} is not the one that was sealed.`);
    // What was sealed makes the root; that what stands here is something else was just told.
    takeLeaf(leaf, position);
  };

  const takeGlanced = (glanced: Glanced): void => {
    const { position, leaf, type, data } = glanced;
    leaves.push(leaf);
    follow(glanced);
    counts.events++;
    if (!matches(asked.filter, glanced) || !asked.eventsHere) stray(position);
    if (type === 'SubjectErased' || type === 'ErasureReapplied')
      takeErasure(JSON.parse(data) as EventData, position);
  };

  const stray = (position: number): void =>
    fault('stray', position, `The event at position ${position} does not match the filter.`);

  const takeErasure = ({ subject }: EventData, position: number): void => {
    if (typeof subject === 'string') erasures.push([subject, position]);
  };

  const strange = (position: number): void =>
    fault('altered', position, `Position ${position} holds what no event has.`);

  const nothingMore = (more: object, position: number): void => {
    if (Object.keys(more).length > 0) strange(position);
  };

  const takeEnd = ({ end: counted, ...more }: ExportEnd): void => {
    end = counted;
    if (Object.keys(more).length > 0 || Object.keys(counted).length !== 3)
      fault('stray', 0, 'The end of the export holds what no export has.');
  };

  const takeBeside = (stored: StoredEvent, event: RecordedEvent): void => {
    const beside = shownBeside(stored, event);
    counts.shown++;
    if (beside.reshaped && counts.reshaped++ < positionsNamed) reshapedAt.push(stored.position);
    for (const subject of beside.erased) {
      const known = erased.get(subject);
      if (known === undefined) erased.set(subject, [stored.position, 1]);
      else known[1]++;
    }
    if (beside.differs === undefined) return;
    const message = `What is shown of position ${stored.position} is not what is stored: ${beside.differs}.`;
    fault('altered', stored.position, message);
  };

  const takeStored = ({ stored, leaf, event, ...more }: StoredLine): void => {
    compare(entryOf(stored), leaf, stored.position);
    if (Object.keys(stored).length !== csvColumns.length) strange(stored.position);
    else nothingMore(more, stored.position);
    const fields = entryFieldsOf(stored);
    follow(fields);
    counts.events++;
    if (!matches(asked.filter, fields) || !asked.eventsHere) stray(stored.position);
    if (stored.type === 'SubjectErased' || stored.type === 'ErasureReapplied')
      takeErasure(stored.data, stored.position);
    if (event !== undefined) takeBeside(stored, event);
  };

  const takeEntry = ({ entry, leaf, ...more }: EntryLine): void => {
    nothingMore(more, entry.position);
    compare(JSON.stringify(entry), leaf, entry.position);
    follow(entry);
    counts.entries++;
    if (!matches(asked.filter, entry)) return;
    if (asked.eventsHere)
      fault(
        'left-out',
        entry.position,
        `The event at position ${entry.position} matches the filter and was left out.`,
      );
    else wanted.push([entry.position, leaf]);
  };

  const takeMissing = ({ missing: position, leaf, ...more }: MissingLine): void => {
    nothingMore(more, position);
    takeLeaf(leaf, position);
    counts.missing++;
    fault('missing', position, `The event at position ${position} is missing.`);
    last = { position, recordedAt: last?.recordedAt ?? '' };
    first ??= last;
  };

  const takeRead = (line: ExportLine | ExportEnd): void => {
    if ('end' in line) takeEnd(line);
    else if ('stored' in line) takeStored(line);
    else if ('entry' in line) takeEntry(line);
    else takeMissing(line);
  };

  const takeLine = (line: string): void => {
    try {
      const glanced = atAGlance(line);
      if (glanced !== undefined) takeGlanced(glanced);
      else takeRead(parseOnce(line) as ExportLine | ExportEnd);
    } catch {
      const position = (last?.position ?? 0) + 1;
      fault('malformed', position, `The line for position ${position} cannot be read as one of an export.`);
      if (last !== undefined) last = { position, recordedAt: last.recordedAt };
    }
  };

  for (const line of linesOf(block)) {
    if (end !== undefined) {
      fault('stray', 0, 'There is something behind the end of the export.');
      break;
    }
    takeLine(line);
  }

  const { levels, hashes } = reduced(leaves, (first?.position ?? 1) - 1, asked.cutAt);
  return {
    firstPosition: first?.position ?? 0,
    lastPosition: last?.position ?? 0,
    firstRecordedAt: ownCopy(first?.recordedAt ?? ''),
    lastRecordedAt: ownCopy(last?.recordedAt ?? ''),
    levels,
    hashes,
    faults,
    faultsInAll,
    erasures,
    wanted,
    reshapedAt,
    end,
    streams: [...streams].flatMap(([stream, [one, other]]) => [ownCopy(stream), one, other]),
    erased: [...erased].map(([subject, [position, fields]]) => [subject, position, fields]),
    ...counts,
  };
};
