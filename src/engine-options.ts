/** What an engine is made with. */
import type { Area } from './area.ts';
import type { Sources } from './clock.ts';
import type { Db } from './db/pool.ts';
import type { FanOutOptions } from './fan-out.ts';
import type { ToldPresence } from './presence.ts';

export interface EngineOptions extends Sources, FanOutOptions {
  readonly areas: readonly Area[];
  /** Made with `createPool`, as the application's role. */
  readonly pool: Db;
  /** Past a pooler: LISTEN, leader locks, queues on PostgreSQL. */
  readonly directUrl: string;
  /** 32 bytes; wraps the keys of personal data. */
  readonly masterKey: Buffer;
  /** 32 bytes; signs checkpoints of the log. */
  readonly signingKey: Buffer;
  /** Where checkpoints are kept outside the database, a directory or `s3://bucket/prefix`; absent: nowhere. */
  readonly logMirror?: string;
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
  /** How the process calls itself where its starts and stops shall be in the log. */
  readonly presence?: ToldPresence | undefined;
  readonly onError: (error: unknown, doing: string) => void;
  readonly say: (line: string) => void;
  readonly onCommand?: (command: string, outcome: string) => void;
  readonly onBatch?: (units: number, events: number) => void;
}
