/**
 * Writes provable exports: page by page, so that they hold no transaction and little memory, whatever their
 * size. What is sealed is the range: an export made right after a command waits until its events are.
 */
import type { Db } from '../../db/pool.ts';
import type { ArchivedEvents } from '../../events/archived.ts';
import type { StoredEvent } from '../../events/envelope.ts';
import type { EventLog } from '../../events/log.ts';
import { entryFieldsOf } from '../transparency/entry.ts';
import { hashBytes, subtreesOf } from '../transparency/merkle.ts';
import type { SealedTree, TreeReading } from '../transparency/tree.ts';
import {
  csvColumns,
  type EntryFilter,
  type ExportEnd,
  type ExportHead,
  exportFormat,
  matches,
} from './format.ts';
import { entryLine, eventLine, gatherLines, missingLine, type Texts } from './lines.ts';
import { readAhead } from './read-ahead.ts';
import { type StoredLine, selectStoredLines } from './sql/stored-lines.ts';

/** Small, so that what a page takes of memory is soon used again. */
export const pageEvents = 512;

export interface Range {
  /** Exclusive. */
  readonly after: number;
  /** Inclusive, and sealed. */
  readonly upTo: number;
}

export interface Exporting {
  /**
   * The head, what each of the range's pages comes to, and the end. `readable`: each event also as it reads, decrypted
   * and in its newest shape.
   */
  lines(range: Range, filter: EntryFilter, readable: boolean): AsyncGenerator<Texts>;
  /** Matching events as rows of CSV, in stored form. */
  rows(range: Range, filter: EntryFilter): AsyncGenerator<Readonly<Record<string, unknown>>>;
  /** What proves such rows: the lines of an export whose events are all entries. */
  manifest(range: Range, filter: EntryFilter): AsyncGenerator<Texts>;
}

interface Deps {
  readonly pool: Db;
  readonly log: Pick<EventLog, 'readStored' | 'readableTexts'>;
  readonly tree: TreeReading;
  readonly archived: ArchivedEvents;
  readonly latest: () => Promise<SealedTree>;
}

const noTexts: ReadonlyMap<number, string> = new Map();

type Counts = { -readonly [name in keyof ExportEnd['end']]: number };

export const createExporting = ({ pool, log, tree, archived, latest }: Deps): Exporting => {
  const headOf = async (
    { after, upTo }: Range,
    filter: EntryFilter,
    events: ExportHead['events'],
  ): Promise<ExportHead> => {
    const { origin, note, size } = await latest();
    const [before, behind] = await Promise.all([
      tree.subtrees(subtreesOf(0, after)),
      tree.subtrees(subtreesOf(upTo, size)),
    ]);
    const base64 = (hashes: readonly Buffer[]) => hashes.map((one) => one.toString('base64'));
    return {
      ...{ format: exportFormat, origin, filter, after, upTo, events, checkpoint: note },
      before: base64(before),
      behind: base64(behind),
    };
  };

  /** Base64 of the leaf at a position of the page, as sealed. */
  const leavesOf = async ({ after, upTo }: Range): Promise<(position: number) => string> => {
    const leaves = await tree.leaves(after, upTo);
    return (position) => {
      const from = (position - after - 1) * hashBytes;
      return leaves.toString('base64', from, from + hashBytes);
    };
  };

  type Line = readonly [position: number, stored: string];

  /** Those whose data and metadata are in the archive, as they are there. */
  const completed = async (rows: readonly StoredLine[]): Promise<readonly Line[]> => {
    const moved = rows.flatMap(([position, stored]) => (stored === null ? [position] : []));
    const texts = moved.length === 0 ? noTexts : await archived.textsAt(moved);
    return rows.map(([position, stored]) => [position, stored ?? texts.get(position) ?? '']);
  };

  const readText = async (page: Range) => {
    const [leafOf, { rows }] = await Promise.all([
      leavesOf(page),
      pool.query<StoredLine, [number, number]>({
        ...selectStoredLines,
        values: [page.after, page.upTo],
      }),
    ]);
    return { ...page, leafOf, rows: await completed(rows) };
  };

  const readEvents = async (page: Range) => {
    const { after, upTo } = page;
    const [leafOf, { events }] = await Promise.all([
      leavesOf(page),
      log.readStored({ after, upTo, limit: upTo - after }),
    ]);
    return { ...page, leafOf, events };
  };

  const readableOf = async (rows: readonly Line[], readable: boolean): Promise<readonly string[]> =>
    readable ? log.readableTexts(rows.map(([, stored]) => stored)) : [];

  /** Everything matches, so nothing need be looked at. */
  async function* everyEvent(range: Range, readable: boolean, counts: Counts): AsyncGenerator<Texts> {
    for await (const { after, upTo, leafOf, rows } of readAhead(pagesOf(range), readText)) {
      const shown = await readableOf(rows, readable);
      const lines = gatherLines();
      let next = after + 1;
      const missingUpTo = (position: number): void => {
        for (; next < position; next++) {
          counts.missing++;
          lines.add(missingLine(leafOf(next), next));
        }
      };
      rows.forEach(([position, stored], n) => {
        missingUpTo(position);
        lines.add(eventLine(leafOf(position), stored, shown[n]));
        counts.events++;
        next = position + 1;
      });
      missingUpTo(upTo + 1);
      yield lines.texts();
    }
  }

  interface Shown {
    readonly stored: boolean;
    readonly readable: boolean;
  }

  async function* narrowed(
    range: Range,
    filter: EntryFilter,
    shown: Shown,
    counts: Counts,
  ): AsyncGenerator<Texts> {
    for await (const { after, upTo, leafOf, rows } of readAhead(pagesOf(range), readText)) {
      const events = new Map(rows.map(([position, json]) => [position, JSON.parse(json) as StoredEvent]));
      const isShown = (event: StoredEvent): boolean => shown.stored && matches(filter, entryFieldsOf(event));
      const found = rows.filter(([position]) => isShown(events.get(position) as StoredEvent));
      const readable = await readableOf(found, shown.readable);
      const shownAt = new Map(
        found.map(([position, stored], n) => [position, eventLine(leafOf(position), stored, readable[n])]),
      );
      const lines = gatherLines();
      for (let position = after + 1; position <= upTo; position++) {
        const event = events.get(position);
        const line = shownAt.get(position);
        if (event === undefined) {
          counts.missing++;
          lines.add(missingLine(leafOf(position), position));
        } else if (line !== undefined) {
          counts.events++;
          lines.add(line);
        } else {
          counts.entries++;
          lines.add(entryLine(leafOf(position), event));
        }
      }
      yield lines.texts();
    }
  }

  async function* framed(
    head: ExportHead,
    lines: (counts: Counts) => AsyncGenerator<Texts>,
  ): AsyncGenerator<Texts> {
    const counts: Counts = { events: 0, entries: 0, missing: 0 };
    yield [`${JSON.stringify(head)}\n`];
    yield* lines(counts);
    yield [`${JSON.stringify({ end: counts } satisfies ExportEnd)}\n`];
  }

  return {
    async *lines(range, filter, readable) {
      const head = await headOf(range, filter, 'here');
      const whole = Object.keys(filter).length === 0;
      yield* framed(head, (counts) =>
        whole
          ? everyEvent(range, readable, counts)
          : narrowed(range, filter, { stored: true, readable }, counts),
      );
    },
    async *rows(range, filter) {
      for await (const { events } of readAhead(pagesOf(range), readEvents)) {
        for (const event of events) if (matches(filter, entryFieldsOf(event))) yield rowOf(event);
      }
    },
    async *manifest(range, filter) {
      const head = await headOf(range, filter, 'csv');
      yield* framed(head, (counts) => narrowed(range, filter, { stored: false, readable: false }, counts));
    },
  };
};

/** The pages of a range, ending where tiles do, so that each tile is read once or twice. */
export function* pagesOf({ after, upTo }: Range): Generator<Range> {
  for (let at = after; at < upTo; ) {
    const end = Math.min(upTo, (Math.floor(at / pageEvents) + 1) * pageEvents);
    yield { after: at, upTo: end };
    at = end;
  }
}

const rowOf = (event: StoredEvent): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    csvColumns.map((name) => {
      const value = event[name];
      return [name, typeof value === 'object' ? JSON.stringify(value) : value];
    }),
  );
