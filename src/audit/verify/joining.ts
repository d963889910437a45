/** Puts the parts of an export together in their order, up to the signed root, and judges what they come to. */
import type { ExportHead } from '../provable/format.ts';
import type { Checkpoint } from '../transparency/checkpoint.ts';
import { createFrontier, hashBytes, subtreesOf } from '../transparency/merkle.ts';
import { strictBase64 } from '../transparency/note.ts';
import type { EventsInCsv } from './csv.ts';
import { type Fault, gapBetween, type PartResult, positionsNamed } from './part.ts';
import { unverifiable, type Verdict } from './verdict.ts';

const faultsKept = 1_000;
const faultsMax = 100_000;

export const createJoining = (
  head: ExportHead,
  checkpoint: Checkpoint,
  kept: Checkpoint | undefined,
  csv: EventsInCsv | undefined,
) => {
  const frontier = createFrontier();
  const faults: Fault[] = [];
  let faultsInAll = 0;
  const streams = new Map<string, number>();
  const erasures = new Map<string, number>();
  const erased = new Map<string, { position: number; fields: number }>();
  const counts = { events: 0, shown: 0, reshaped: 0, entries: 0, missing: 0 };
  let inCsv = 0;
  const reshapedAt: number[] = [];
  let ended: PartResult['end'];
  let firstRecordedAt = '';
  let lastRecordedAt = '';
  let broken = false;
  /** What was put together was held against the signed root. */
  let rooted = false;
  let lastPosition = head.after;
  /** The root of the earlier checkpoint's tree was held against the one that was kept. */
  let compared = kept === undefined || kept.size === 0 || kept.size > checkpoint.size;

  const fault = (kind: Fault['kind'], position: number, message: string): void => {
    faultsInAll++;
    if (faults.length < faultsKept) faults.push({ kind, position, message });
  };

  const push = (hash: Buffer, level: number): void => {
    frontier.push(hash, level);
    if (kept?.size !== frontier.size) return;
    compared = true;
    if (!frontier.root().equals(kept.root))
      fault('altered', kept.size, `The first ${kept.size} events are not those of the earlier checkpoint.`);
  };

  const pushAll = (hashes: readonly string[], from: number, to: number): void => {
    subtreesOf(from, to).forEach(({ level }, n) => {
      const hash = strictBase64(hashes[n] ?? '');
      // Behind one that is none the others have no place.
      if (broken) return;
      if (hash?.length === hashBytes) push(hash, level);
      else {
        broken = true;
        fault('malformed', 0, 'One of the hashes around the range of the export is none.');
      }
    });
  };

  const followStreams = (part: PartResult): void => {
    for (let n = 0; n < part.streams.length; n += 3) {
      const stream = part.streams[n] as string;
      const [first, last] = [part.streams[n + 1] as number, part.streams[n + 2] as number];
      const before = streams.get(stream);
      if (before === undefined ? head.after === 0 && first !== 1 : first !== before + 1)
        fault(
          'altered',
          part.firstPosition,
          `From position ${part.firstPosition}: ${stream} goes on with version ${first}, where version ${(before ?? 0) + 1} belongs.`,
        );
      streams.set(stream, last);
    }
  };

  pushAll(head.before, 0, head.after);

  return {
    /** More than anybody reads: going on would only take time. */
    hopeless: (): boolean => faultsInAll > faultsMax,

    async join(part: PartResult): Promise<void> {
      faultsInAll += part.faultsInAll - part.faults.length;
      for (const { kind, position, message } of part.faults) fault(kind, position, message);
      if (ended !== undefined) fault('stray', 0, 'There is something behind the end of the export.');
      ended ??= part.end;
      for (const name of Object.keys(counts) as (keyof typeof counts)[]) counts[name] += part[name];
      for (const [subject, position] of part.erasures)
        if (!erasures.has(subject)) erasures.set(subject, position);
      for (const [subject, position, fields] of part.erased) {
        const known = erased.get(subject);
        if (known === undefined) erased.set(subject, { position, fields });
        else known.fields += fields;
      }
      reshapedAt.push(...part.reshapedAt.slice(0, positionsNamed - reshapedAt.length));
      await csv?.compare(part.wanted, fault);
      if (csv !== undefined) inCsv += part.wanted.length;
      if (part.levels.length === 0) return;
      const gap = gapBetween(lastPosition, part.firstPosition);
      if (gap !== undefined) fault(...gap);
      lastPosition = part.lastPosition;
      // Where positions do not follow each other, the leaves behind are not at their place in the tree.
      if (gap !== undefined || leavesOf(part) !== part.lastPosition - part.firstPosition + 1) broken = true;
      if (broken) return;
      if (lastRecordedAt !== '' && part.firstRecordedAt !== '' && part.firstRecordedAt <= lastRecordedAt)
        fault(
          'altered',
          part.firstPosition,
          `Position ${part.firstPosition} was recorded no later than the one before it.`,
        );
      if (firstRecordedAt === '') firstRecordedAt = part.firstRecordedAt;
      lastRecordedAt = part.lastRecordedAt;
      followStreams(part);
      part.levels.forEach((level, n) => {
        push(Buffer.from(part.hashes.buffer, part.hashes.byteOffset + n * hashBytes, hashBytes), level);
      });
    },

    async end(): Promise<Verdict> {
      await csv?.rest(fault);
      if (lastPosition < head.upTo)
        fault(
          'missing',
          lastPosition + 1,
          `The export ends behind position ${lastPosition} and promises ${head.upTo}.`,
        );
      else if (lastPosition > head.upTo)
        fault(
          'stray',
          head.upTo + 1,
          `The export goes on behind position ${head.upTo}, where it says it ends.`,
        );
      else if (ended === undefined) fault('missing', 0, 'The last line of the export is missing.');
      else if ((['events', 'entries', 'missing'] as const).some((name) => ended?.[name] !== counts[name]))
        fault('stray', 0, 'The export counts other lines at its end than it has.');
      if (!broken && frontier.size === head.upTo) {
        pushAll(head.behind, head.upTo, checkpoint.size);
        rooted = true;
        if (broken || !frontier.root().equals(checkpoint.root))
          fault(
            'altered',
            0,
            'The leaves of the export do not make the tree that was signed: it was altered, and so was what was sealed of it.',
          );
      }
      // Whatever kept it from being held against what was signed, it is not intact.
      if (!rooted && faultsInAll === 0)
        fault('malformed', 0, 'The leaves of the export could not be put together to a tree.');
      if (kept !== undefined && kept.size > checkpoint.size)
        fault(
          'missing',
          checkpoint.size + 1,
          `The earlier checkpoint has ${kept.size} events, and this log has ${checkpoint.size}: its end was cut off.`,
        );
      for (const sentence of edgeFaults(head, checkpoint, firstRecordedAt, lastRecordedAt))
        fault('left-out', 0, sentence);
      const { notes, lawful } = judgeErased();
      if (counts.shown > 0 && counts.shown < counts.events)
        fault('altered', 0, 'Of some events it says how they read, and of others that was taken out.');
      if (faultsInAll === 0 && !compared)
        return unverifiable(
          `the earlier checkpoint has ${kept?.size} events, and the export does not say what lies between ${head.upTo} and ${checkpoint.size}: make one that goes on to position ${kept?.size}.`,
          { checkpoint },
        );
      return {
        intact: faultsInAll === 0,
        faults,
        faultsInAll,
        unverifiable: undefined,
        checkpoint,
        range: { after: head.after, upTo: head.upTo },
        events: counts.events,
        entries: counts.entries,
        inCsv,
        reshaped: counts.reshaped,
        erasures: lawful,
        notes: [...notes, ...notesOf(head, counts.reshaped, reshapedAt)],
      };
    },
  };

  function judgeErased() {
    const lawful = new Map<number, number>();
    const notes: string[] = [];
    const whole = head.after === 0 && Object.keys(head.filter).length === 0;
    for (const [subject, { position, fields }] of erased) {
      const record = erasures.get(subject);
      if (record !== undefined) lawful.set(record, (lawful.get(record) ?? 0) + fields);
      else if (whole)
        fault(
          'altered',
          position,
          `Fields of position ${position} cannot be read, and no event records that ${subject} was erased.`,
        );
      else
        notes.push(
          `Fields of position ${position} cannot be read; the event that says why is not among those of this export.`,
        );
    }
    return { notes, lawful: [...lawful].map(([position, fields]) => ({ position, fields })) };
  }
};

/** A range that is bounded by time holds the event before it and the one behind it, if there are any. */
const edgeFaults = (
  { filter, after, upTo }: ExportHead,
  { size }: Checkpoint,
  first: string,
  last: string,
): readonly string[] => [
  ...(filter.from !== undefined && after > 0 && first >= filter.from
    ? ['The export begins behind events that may match: it holds none from before its time.']
    : []),
  ...(filter.to !== undefined && upTo < size && last <= filter.to
    ? ['The export ends before events that may match: it holds none from after its time.']
    : []),
];

/** To the letter: characters that look like others are told apart. */
const told = (filter: ExportHead['filter']): string =>
  JSON.stringify(filter).replace(
    /[^ -~]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

const notesOf = (
  { filter }: ExportHead,
  reshaped: number,
  positions: readonly number[],
): readonly string[] => [
  ...(reshaped === 0
    ? []
    : [
        `The data of ${reshaped} events (at ${positions.join(', ')}${reshaped > positions.length ? ', …' : ''}) is shown in a newer shape than it is stored in: whether it is what was made of it cannot be told here; go by what is stored.`,
      ]),
  ...(Object.keys(filter).length === 0
    ? []
    : [`Nothing that matches ${told(filter)} was left out, by what entries carry.`]),
];

const leavesOf = ({ levels }: PartResult): number => levels.reduce((sum, level) => sum + 2 ** level, 0);
