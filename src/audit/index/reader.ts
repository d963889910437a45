/**
 * Reads events as the index wants them: the tokens of each, and those of the words of its reason. The
 * reason is opened for that and goes no further.
 */
import { setImmediate } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import { type Codec, erased, isSealed } from '../../events/codec.ts';
import type { StoredEvent } from '../../events/envelope.ts';
import type { EventLog } from '../../events/log.ts';
import { type AboutOf, tokensOf } from './attributes.ts';
import { type Token, type WordToken, wordsOf } from './tokens.ts';

export interface Indexed {
  readonly position: number;
  readonly tokens: readonly Token[];
  readonly words: readonly Token[];
}

export interface ReaderDeps {
  readonly log: Pick<EventLog, 'head' | 'readStored' | 'decode'>;
  readonly codec: Pick<Codec, 'decryptFields'>;
  readonly aboutOf: AboutOf;
  /** Whether an event has an older shape than its definition now. */
  readonly isOld: (event: StoredEvent) => boolean;
  readonly wordToken: WordToken;
}

export interface Reader {
  /** Events behind `after` up to `upTo`, at most `limit` and at most to the head. */
  read(after: number, upTo: number, limit: number): Promise<readonly Indexed[]>;
}

/** A sealed reason is alike for all events of one request or job, so it is opened once. */
const openedMax = 20_000;
/** As long as keys are remembered. */
const openedForMs = 60_000;
/** Between so many the process answers others: the one that indexes may be the one that serves. */
const eventsAtOnce = 500;
const context = 'metadata';
const none: readonly Token[] = [];

export const createReader = ({ log, codec, aboutOf, isOld, wordToken }: ReaderDeps): Reader => {
  const opened = new LRUCache<string, readonly Token[]>({ max: openedMax, ttl: openedForMs });

  const sealedOf = ({ metadata }: StoredEvent): string | undefined => {
    const { personal } = metadata;
    return isSealed(personal) && personal.sealed !== null ? personal.sealed : undefined;
  };

  const wordsIn = (personal: unknown): readonly Token[] => {
    if (personal === erased) return none;
    const { reason } = personal as { readonly reason?: string };
    return reason === undefined ? none : wordsOf(reason).map(wordToken);
  };

  /** By the sealed text. */
  const openAll = async (events: readonly StoredEvent[]): Promise<ReadonlyMap<string, readonly Token[]>> => {
    const known = new Map<string, readonly Token[]>();
    const missing = new Map<string, unknown>();
    for (const event of events) {
      const sealed = sealedOf(event);
      if (sealed === undefined) continue;
      const words = opened.get(sealed);
      if (words === undefined) missing.set(sealed, event.metadata.personal);
      else known.set(sealed, words);
    }
    const items = [...missing.values()].map((personal) => ({ context, data: { personal } }));
    const all = await codec.decryptFields(items);
    [...missing.keys()].forEach((sealed, n) => {
      const words = wordsIn(all[n]?.personal);
      known.set(sealed, words);
      opened.set(sealed, words);
    });
    return known;
  };

  /** What an event is about is told by the newest shape of its data. */
  const inNewShape = async (events: readonly StoredEvent[]): Promise<readonly StoredEvent[]> => {
    const old = events.filter(isOld);
    if (old.length === 0) return events;
    const decoded = await log.decode(old);
    const byPosition = new Map(decoded.map((event) => [event.position, event.data]));
    return events.map((event) => ({ ...event, data: byPosition.get(event.position) ?? event.data }));
  };

  return {
    async read(after, upTo, limit) {
      const page = await log.readStored({ after, upTo, limit, follows: true });
      const words = await openAll(page.events);
      const events = await inNewShape(page.events);
      const read: Indexed[] = [];
      for (const event of events) {
        const sealed = sealedOf(event);
        const own = sealed === undefined ? none : (words.get(sealed) ?? none);
        read.push({ position: event.position, tokens: tokensOf(event, aboutOf), words: own });
        if (read.length % eventsAtOnce === 0) await setImmediate();
      }
      return read;
    },
  };
};
