/** What an engine is made with, and what of its background work a process does. */
import type { Area } from './area.ts';
import type { Sources } from './clock.ts';
import type { Db } from './db/pool.ts';
import type { MasterKeys } from './events/master-keys.ts';
import type { FanOutOptions } from './fan-out.ts';
import type { ToldPresence } from './presence.ts';
import type { StorageOptions } from './storage/open.ts';
import type { Storage } from './storage/storage.ts';

export interface EngineOptions extends Sources, FanOutOptions {
  readonly areas: readonly Area[];
  /** Made with `createPool`, as the application's role. */
  readonly pool: Db;
  /** Past a pooler: LISTEN, leader locks, queues on PostgreSQL. */
  readonly directUrl: string;
  /** Wraps the keys of personal data: 32 bytes, or whatever wraps them (a key service). */
  readonly masterKey: Buffer | MasterKeys;
  /** 32 bytes; signs checkpoints of the log. */
  readonly signingKey: Buffer;
  /**
   * Where checkpoints, and tombstones of erasures, are kept outside the database: a directory or
   * `s3://bucket/prefix`; absent: nowhere, and nothing can be erased.
   */
  readonly logMirror?: string;
  /** Where old partitions of the log were moved to: a directory or `s3://bucket/prefix`. */
  readonly logArchive?: string | undefined;
  /** How buckets are reached. */
  readonly s3?: StorageOptions | undefined;
  readonly publicUrl: string;
  readonly allowedNetworks: readonly string[];
  readonly trustedProxies: readonly string[];
  /** None: queues on PostgreSQL. */
  readonly redisUrls: readonly string[];
  /** Bulk work yields where 95 in 100 interactive commands take longer; 25 unless told, 0: never. */
  readonly bulkLatencyBudgetMs?: number | undefined;
  /** Bulk work yields where a read model is further behind; 5,000 unless told, 0: never. */
  readonly bulkLagBudgetMs?: number | undefined;
  /** Days for which results of bulk jobs are kept; 90 unless told. */
  readonly bulkResultsDays?: number | undefined;
  /** Where the files of exports are kept. */
  readonly exportsStorage: Storage;
  /** Hours for which they are; 72 unless told. */
  readonly exportsKeepHours?: number | undefined;
  /** How the process calls itself where its starts and stops shall be in the log. */
  readonly presence?: ToldPresence | undefined;
  readonly onError: (error: unknown, doing: string) => void;
  readonly say: (line: string) => void;
  readonly onCommand?: (command: string, outcome: string) => void;
  readonly onBatch?: (units: number, events: number) => void;
}

/** What a process does beside answering. */
export interface Duties {
  readonly project: boolean;
  readonly work: boolean;
  /** Sealing the log; who projects seals too, unless told otherwise. */
  readonly seal?: boolean;
}

/** What bulk work yields at; docs/OPERATING.md tells them. */
export const usualBudgets = { latencyMs: 25, lagMs: 5_000 } as const;
