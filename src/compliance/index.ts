/** Erasure and legal holds, put together: an area of the engine's own, and the work behind it. */
import type { StreamDefinition } from '../commands/stream.ts';
import type { Db } from '../db/pool.ts';
import type { EventDefinition } from '../events/definition.ts';
import type { KeyRing } from '../events/keys.ts';
import type { Alongside, EventLog } from '../events/log.ts';
import type { ProjectionDefinition } from '../queries/definition.ts';
import type { Storage } from '../storage/storage.ts';
import { createPolling } from '../workers/polling.ts';
import { complianceCommands } from './commands.ts';
import { createErasing } from './erasing.ts';
import { complianceEvents } from './events.ts';
import { createTombstones } from './mirror.ts';
import { erasureRows, holdRows } from './projections.ts';
import { type Copies, createScrubbing } from './scrubbing.ts';
import { erasures, legalHolds } from './state.ts';

export { KeysRewrapped } from './events.ts';
export { keysChannel } from './sql/erasures.ts';

export const complianceArea = {
  name: 'compliance',
  events: complianceEvents as unknown as readonly EventDefinition[],
  streams: [erasures as unknown as StreamDefinition, legalHolds as unknown as StreamDefinition],
  commands: complianceCommands,
  projections: [erasureRows as unknown as ProjectionDefinition, holdRows as unknown as ProjectionDefinition],
};

export interface ComplianceOptions {
  readonly pool: Db;
  readonly log: EventLog;
  readonly keyRing: Pick<KeyRing, 'forget'>;
  /** Where tombstones are kept outside the database; without it nothing can be erased. */
  readonly mirror: Storage | undefined;
  /** 32 bytes that outlive a change of the master key. */
  readonly secret: Buffer;
  readonly clock: () => string;
  readonly newId: () => string;
  readonly onError: (error: unknown, doing: string) => void;
}

/** What keeps copies of personal data. */
export interface Keepers {
  /** Scrubs read models; with `wait` until each has passed what it may have decrypted before. */
  readonly rows: (subject: string, wait: boolean) => Promise<number>;
  readonly shutOut: (person: string) => Promise<void>;
  readonly others: readonly Copies[];
}

export interface Compliance {
  /** What runs in the transaction of these commands. */
  alongsideOf(commands: readonly string[]): Alongside | undefined;
  /** Before anything is served: destroys again what a restored backup brought back, and scrubs its copies. */
  reapply(keepers: Keepers): Promise<readonly string[]>;
  /** Scrubs, from now on. */
  start(keepers: Keepers): void;
  stop(): Promise<void>;
}

const lookEveryMs = 2_000;

export const createCompliance = (options: ComplianceOptions): Compliance => {
  const { pool, log, onError } = options;
  const tombstones = createTombstones(options.mirror, options.secret);
  const erasing = createErasing({ ...options, tombstones });
  let stop: () => Promise<void> = async () => undefined;

  const copiesIn = ({ rows, ...keepers }: Keepers, wait: boolean): readonly Copies[] =>
    createScrubbing({ pool, ...keepers, rows: (subject) => rows(subject, wait) });

  return {
    alongsideOf: (commands) => (commands.includes('erase-subject') ? erasing.alongside : undefined),
    async reapply(keepers) {
      const subjects = await erasing.reapply();
      const copies = copiesIn(keepers, false);
      while (subjects.length > 0 && (await erasing.scrubNext(copies, subjects)));
      return subjects;
    },
    start(keepers) {
      const copies = copiesIn(keepers, true);
      const look = async (): Promise<void> => {
        while (await erasing.scrubNext(copies));
      };
      const polling = createPolling({
        look,
        everyMs: lookEveryMs,
        onError,
        doing: 'scrubbing what was erased',
      });
      const off = log.onAppended(polling.wake);
      polling.start();
      stop = async () => {
        off();
        await polling.stop();
      };
    },
    stop: () => stop(),
  };
};
