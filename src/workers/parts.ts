/** What the files of this folder share: made once by `createBulk`, handed to each. */

import type { Origin } from '../access/origin.ts';
import type { Catalogue } from '../commands/catalogue.ts';
import type { Deciding } from '../commands/deciding.ts';
import type { CommandDefinition } from '../commands/definition.ts';
import type { Idempotency } from '../commands/idempotency.ts';
import type { AlongsideOf } from '../commands/lanes.ts';
import type { Db } from '../db/pool.ts';
import type { Codec } from '../events/codec.ts';
import type { EventLog } from '../events/log.ts';
import type { Headroom } from './headroom.ts';
import type { JobStore } from './job-record.ts';
import type { Clock, NewId, OnError, Requesters, Selecting } from './ports.ts';
import type { Progress } from './progress.ts';

export interface Parts {
  readonly pool: Db;
  readonly log: EventLog;
  readonly deciding: Deciding;
  readonly catalogue: Catalogue;
  readonly idempotency: Idempotency;
  readonly selecting: Selecting;
  readonly codec: Codec;
  readonly requesters: Requesters;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly onError: OnError;
  readonly headroom: Headroom;
  readonly store: JobStore;
  readonly progress: Progress;
  /** What is done in the transaction in which a command's events are appended; undefined: nothing. */
  readonly alongsideOf?: AlongsideOf;
  /** Whether everything that the job's commands do elsewhere is done, or will not be. */
  readonly isSettled?: (job: {
    readonly id: string;
    readonly command: string;
    readonly position: number;
  }) => Promise<boolean>;
  /** @throws QuarterdeckError `not_permitted`, which whoever was asked records. */
  readonly require: (origin: Origin, permission: string) => Promise<void>;
  /** @throws QuarterdeckError `reauthentication_required`, after recording the denial. */
  readonly requireFresh: (origin: Origin, command: CommandDefinition) => Promise<void>;
}
