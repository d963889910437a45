/**
 * Reads single events out of the archive. What lies there is believed for nothing: each event is held against the
 * leaf that was sealed, before anybody sees it.
 */
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { LRUCache } from 'lru-cache';
import { arrayText } from '../../db/array-text.ts';
import type { Db } from '../../db/pool.ts';
import { QuarterdeckError } from '../../errors.ts';
import { type ArchivedEvents, spanOf } from '../../events/archived.ts';
import type { StoredEvent } from '../../events/envelope.ts';
import type { Storage } from '../../storage/storage.ts';
import { pageEvents } from '../provable/exporting.ts';
import { csvColumns } from '../provable/format.ts';
import { entryOf } from '../transparency/entry.ts';
import { hashBytes, leafHash64 } from '../transparency/merkle.ts';
import type { TreeReading } from '../transparency/tree.ts';
import { atAGlance } from '../verify/at-a-glance.ts';
import { parseOnce } from '../verify/whole-text.ts';
import { selectMembers } from './sql/members.ts';

/** One gzip member of a file: the events of a page. */
interface Member {
  readonly first: number;
  readonly last: number;
  readonly file: string;
  readonly startsAt: number;
  readonly bytes: number;
}

interface Deps {
  readonly pool: Db;
  readonly storage: Storage;
  readonly tree: Pick<TreeReading, 'leaves'>;
}

/**
 * Some dozens of members, as readers go on where they were and ask for neighbours. Kept as bytes, and made text of
 * what is asked for: as text, all of an archive that is read through would come to lie in V8's old generation.
 */
const keptBytes = 32 * 2 ** 20;
/** Read at the same time. */
const atOnce = 4;
/** Far beyond what the events of a page can be. */
const memberBytesMax = 64 * 2 ** 20;

const unpack = promisify(gunzip);

export const createArchivedEvents = ({ pool, storage, tree }: Deps): ArchivedEvents => {
  /** By their file and place. */
  const kept = new LRUCache<string, Lines>({
    maxSize: keptBytes,
    sizeCalculation: ({ text }) => text.length + 1,
  });
  const opening = new Map<string, Promise<Lines>>();

  const bytesOf = async ({ first, last, file, startsAt, bytes }: Member): Promise<Buffer> => {
    const span = spanOf([first, last]);
    const end = startsAt + bytes;
    const content = await storage.read(file, { start: startsAt, end }).catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error);
      throw unavailable(`${span} lies in ${file} of the archive, which cannot be read now: ${why}`);
    });
    if (content === undefined)
      throw unavailable(`${span} lies in ${file} of the archive, and there is no such file.`);
    const pieces: Buffer[] = [];
    let length = 0;
    for await (const piece of content) {
      pieces.push(piece);
      length += piece.length;
      // A place that knows no ranges sends the whole file.
      if (length > bytes) break;
    }
    return Buffer.concat(pieces).subarray(0, bytes);
  };

  /** Its events, each of them the one that was sealed. */
  const open = async (member: Member): Promise<Lines> => {
    const { first, last, file } = member;
    if (last - first >= pageEvents)
      throw faulty(`What holds positions ${first} to ${last} of the archive is longer than any part of it.`);
    const [packed, leaves] = await Promise.all([bytesOf(member), tree.leaves(first - 1, last)]);
    const text = await unpack(packed, { maxOutputLength: memberBytesMax }).catch(() => {
      throw faulty(`What holds positions ${first} to ${last} in ${file} of the archive is cut or altered.`);
    });
    const starts = [0];
    for (let n = 0; n <= last - first; n++) {
      const from = starts[n] as number;
      const end = Math.max(text.indexOf(0x0a, from), from);
      const sealed = leaves.toString('base64', n * hashBytes, (n + 1) * hashBytes);
      if (leafOf(text.toString('utf8', from, end)) !== sealed)
        throw faulty(
          `The event at position ${first + n} in ${file} of the archive is not the one that was sealed.`,
        );
      starts.push(end + 1);
    }
    return { text, starts };
  };

  /** Two that ask for the same at once wait for the same. */
  const opened = async (member: Member): Promise<Lines> => {
    const key = `${member.file} ${member.startsAt}`;
    const known = kept.get(key) ?? opening.get(key);
    if (known !== undefined) return known;
    const opens = open(member).finally(() => opening.delete(key));
    opening.set(key, opens);
    const lines = await opens;
    kept.set(key, lines);
    return lines;
  };

  return {
    async textsAt(positions) {
      const { rows } = await pool.query<Member>({ ...selectMembers, values: [arrayText(positions)] });
      const wanted = new Set(positions);
      const texts = new Map<number, string>();
      for (let at = 0; at < rows.length; at += atOnce) {
        const some = rows.slice(at, at + atOnce);
        const opens = await Promise.all(some.map(opened));
        some.forEach(({ first, last }, n) => {
          for (let position = first; position <= last; position++) {
            if (wanted.has(position)) texts.set(position, storedIn(opens[n] as Lines, position - first));
          }
        });
      }
      const missing = positions.filter((position) => !texts.has(position));
      if (missing.length === 0) return texts;
      throw unavailable(
        `${spanOf(missing)} was moved to the archive, and nothing tells where it lies there.`,
      );
    },
  };
};

const unavailable = (message: string): QuarterdeckError => new QuarterdeckError('unavailable', message);
const faulty = (message: string): QuarterdeckError => new QuarterdeckError('internal', message);

/** What a member holds: line `n` from `starts[n]` up to and with the break before `starts[n + 1]`. */
interface Lines {
  readonly text: Buffer;
  readonly starts: readonly number[];
}

/** `{"leaf":"<base64 of 32 bytes>","stored":{…}}`, as `lines.ts` writes it. */
const lineOfEvent = /^\{"leaf":"[A-Za-z0-9+/]{43}=","stored":(\{.*\})\}$/;
const storedFrom = '{"leaf":"'.length + 44 + '","stored":'.length;

const storedIn = ({ text, starts }: Lines, n: number): string =>
  text.toString('utf8', (starts[n] as number) + storedFrom, (starts[n + 1] as number) - '}\n'.length);

/** In base64. undefined: it is no event, or holds what no event does, which no leaf would tell. */
const leafOf = (line: string): string | undefined => atAGlance(line)?.leaf ?? leafOfRead(line);

const leafOfRead = (line: string): string | undefined => {
  try {
    const event = parseOnce(lineOfEvent.exec(line)?.[1] ?? '') as StoredEvent;
    return isStoredEvent(event) ? leafHash64(entryOf(event)) : undefined;
  } catch {
    return undefined;
  }
};

const isStoredEvent = (event: StoredEvent): boolean =>
  Object.keys(event).join() === csvColumns.join() &&
  [event.position, event.version, event.schemaVersion].every(Number.isSafeInteger) &&
  [event.id, event.stream, event.type, event.recordedAt].every((text) => typeof text === 'string') &&
  [event.data, event.metadata].every((json) => typeof json === 'object' && json !== null);
