/** Puts the audit index together: who writes it, who asks it, and how it stands. */
import type { Db } from '../../db/pool.ts';
import type { Codec } from '../../events/codec.ts';
import type { StoredEvent } from '../../events/envelope.ts';
import type { EventLog } from '../../events/log.ts';
import type { Batches } from '../reading.ts';
import { createAdvancing } from './advancing.ts';
import type { AboutOf } from './attributes.ts';
import { createForgetting } from './forgetting.ts';
import { createIndexer } from './indexer.ts';
import { createReader } from './reader.ts';
import { createIndexedBatches } from './searching.ts';
import { createStanding, type IndexStanding } from './standing.ts';
import { createWordTokens } from './tokens.ts';

interface Options {
  readonly pool: Db;
  readonly log: EventLog;
  readonly codec: Codec;
  readonly aboutOf: AboutOf;
  /** Whether an event has an older shape than its definition now. */
  readonly isOld: (event: StoredEvent) => boolean;
  /** A secret shared by all processes; the key of words is derived from it. */
  readonly secret: Buffer;
  readonly leaderUrl: string;
  readonly onError: (error: unknown) => void;
  readonly logLine: (line: string) => void;
}

export interface AuditIndex {
  readonly batches: Batches;
  standing(): Promise<IndexStanding>;
  /** Makes it anew from the beginning of the log; searches by filter answer 503 until it is near the head. */
  rebuild(): Promise<void>;
  /**
   * Removes the words of the reasons that an actor gave; to be called after the actor's key was destroyed. With
   * `wait` also those that are being indexed at this moment. How many segments had any.
   * @throws QuarterdeckError unavailable where the index is too far behind; ask again.
   */
  forget(actor: string, wait: boolean): Promise<number>;
  start(): void;
  stop(): Promise<void>;
  /** Takes in what there is, once: for tests and acts of the command line. */
  catchUp(): Promise<void>;
}

export const createAuditIndex = (options: Options): AuditIndex => {
  const { pool, log, codec, aboutOf, isOld, secret } = options;
  const wordToken = createWordTokens(secret);
  const reader = createReader({ log, codec, aboutOf, isOld, wordToken });
  const advancing = createAdvancing({ pool, log, reader });
  const indexer = createIndexer({ ...options, advancing });
  return {
    batches: createIndexedBatches({ pool, log, aboutOf, isOld, wordToken }),
    standing: createStanding(pool, log),
    rebuild: advancing.reset,
    forget: createForgetting(pool, log),
    start: indexer.start,
    stop: indexer.stop,
    async catchUp() {
      while ((await advancing.step()) === 'behind');
    },
  };
};
