/** Erasure and legal holds, put together: an area of the engine's own, and the work behind it. */
import { metadataOf } from '../access/origin.ts';
import { systemPrincipal } from '../access/principal.ts';
import type { StreamDefinition } from '../commands/stream.ts';
import type { Db } from '../db/pool.ts';
import type { EventDefinition } from '../events/definition.ts';
import type { KeyRing } from '../events/keys.ts';
import type { Alongside, EventLog } from '../events/log.ts';
import { type MasterKeys, mastersOf } from '../events/master-keys.ts';
import { rewrapKeys } from '../events/rewrapping.ts';
import type { ProjectionDefinition } from '../queries/definition.ts';
import type { Storage } from '../storage/storage.ts';
import { createPolling } from '../workers/polling.ts';
import { complianceCommandsFor } from './commands.ts';
import { createErasing } from './erasing.ts';
import { complianceEvents, KeysRewrapped } from './events.ts';
import { createTombstones } from './mirror.ts';
import { erasureRows, holdRows } from './projections.ts';
import { type Copies, createScrubbing } from './scrubbing.ts';
import { erasures, legalHolds } from './state.ts';
import { type Naming, whoseFields } from './whose.ts';

/** `areas`: those that say how else than by subject somebody is named. */
export const complianceAreaFor = (areas: readonly Naming[]) => ({
  name: 'compliance',
  events: complianceEvents as unknown as readonly EventDefinition[],
  streams: [erasures as unknown as StreamDefinition, legalHolds as unknown as StreamDefinition],
  commands: complianceCommandsFor(whoseFields(areas)),
  projections: [erasureRows as unknown as ProjectionDefinition, holdRows as unknown as ProjectionDefinition],
});

export interface ComplianceOptions {
  readonly pool: Db;
  readonly log: EventLog;
  readonly keyRing: Pick<KeyRing, 'forget' | 'hearing'>;
  readonly masterKey: Buffer | MasterKeys;
  /** Where tombstones are kept outside the database; without it nothing can be erased. */
  readonly mirror: Storage | undefined;
  /** 32 bytes that outlive a change of the master key. */
  readonly secret: Buffer;
  readonly clock: () => string;
  readonly newId: () => string;
  readonly onError: (error: unknown, doing: string) => void;
  readonly say: (line: string) => void;
}

/** What keeps copies of personal data. */
export interface Keepers {
  /** Scrubs read models; with `wait` until each has passed what it may have decrypted before. */
  readonly rows: (subject: string, wait: boolean) => Promise<number>;
  /** The words of reasons that somebody gave; `wait` as above. */
  readonly words: (actor: string, wait: boolean) => Promise<number>;
  readonly shutOut: (person: string) => Promise<void>;
  readonly others: readonly Copies[];
}

export interface Compliance {
  /** What runs in the transaction of these commands. */
  alongsideOf(commands: readonly string[]): Alongside | undefined;
  /**
   * Before keys are opened: destroys again what a restored backup brought back.
   * @throws QuarterdeckError `unavailable` where the mirror cannot be read
   */
  reapply(): Promise<void>;
  /** Before anything is served: whose copies there are, and the scrubbing of what was destroyed again. */
  keep(keepers: Keepers): Promise<void>;
  /** Scrubs, from now on. */
  start(): void;
  stop(): Promise<void>;
  /** Wraps every key of personal data by the master key in use; which, and how many it had not wrapped before. */
  rewrapKeys(
    onProgress: (done: number, all: number) => void,
  ): Promise<{ readonly keys: number; readonly masterKey: string }>;
}

const lookEveryMs = 2_000;
/** What was appended is an erasure very rarely, and to look costs a statement. */
const restMs = 200;

export const createCompliance = (options: ComplianceOptions): Compliance => {
  const { pool, log, onError, say, clock, newId } = options;
  const masterKeys = mastersOf(options.masterKey);
  const tombstones = createTombstones(options.mirror, options.secret);
  const erasing = createErasing({ ...options, tombstones });
  // Until somebody listens.
  options.keyRing.hearing(false);
  let revived: readonly string[] = [];
  let copiesOf = (_wait: boolean): readonly Copies[] => [];
  let off: () => void = () => undefined;

  const look = async (): Promise<void> => {
    const copies = copiesOf(true);
    while (await erasing.scrubNext(copies));
  };
  const polling = createPolling({
    look,
    everyMs: lookEveryMs,
    restMs,
    onError,
    doing: 'scrubbing what was erased',
  });

  return {
    alongsideOf: (commands) => (commands.includes('erase-subject') ? erasing.alongside : undefined),
    async reapply() {
      revived = await erasing.reapply();
      for (const subject of revived)
        say(`A backup had brought back the key of ${subject}, which was erased: it is destroyed again.`);
    },
    async keep({ rows, words, ...keepers }) {
      copiesOf = (wait) =>
        createScrubbing({
          pool,
          ...keepers,
          rows: (subject) => rows(subject, wait),
          words: (actor) => words(actor, wait),
        });
      while (revived.length > 0 && (await erasing.scrubNext(copiesOf(false), revived)));
    },
    start() {
      off = log.onAppended(polling.wake);
      polling.start();
    },
    async stop() {
      off();
      await polling.stop();
    },
    async rewrapKeys(onProgress) {
      const keys = await rewrapKeys(pool, masterKeys, onProgress);
      const { id } = masterKeys.current;
      const metadata = metadataOf({ principal: systemPrincipal }, { clock, newId });
      if (keys > 0) await log.record('$keys', [KeysRewrapped.of({ masterKey: id, keys })], metadata);
      return { keys, masterKey: id };
    },
  };
};
