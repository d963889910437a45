/**
 * The public package: define events, commands, projections and reactors of your own, and get an internal API with
 * an audit log for them.
 */
export { type Principal, permissions, systemPrincipal } from './access/principal.ts';
export { type Area, defineArea } from './area.ts';
export {
  type CommandContext,
  type CommandDefinition,
  type Decision,
  defineCommand,
  type Rejection,
  reject,
  type SubjectNaming,
} from './commands/definition.ts';
export { defineStream, type StreamDefinition } from './commands/stream.ts';
export { type EmbeddedPostgres, startEmbedded } from './db/embedded.ts';
export { migrate } from './db/migrate.ts';
export { createPool } from './db/pool.ts';
export { type ErrorCode, QuarterdeckError } from './errors.ts';
export { defineEvent, type EventDefinition, type EventOf, type NewEvent } from './events/definition.ts';
export type { RecordedEvent, StoredEvent } from './events/envelope.ts';
export { localMasterKeys, type MasterKey, type MasterKeys } from './events/master-keys.ts';
export { personal } from './events/personal.ts';
export { createQuarterdeck, type Quarterdeck, type QuarterdeckOptions } from './quarterdeck.ts';
export { defineProjection, type ProjectionDefinition, type RecordedOf } from './queries/definition.ts';
export { openStorage, type StorageOptions } from './storage/open.ts';
export type { Storage } from './storage/storage.ts';
export {
  type AppendedEvent,
  type Applied,
  defineEffect,
  type EffectDefinition,
  refuse,
} from './workers/effects/definition.ts';
export {
  defineReactor,
  GiveUp,
  type ReactorContext,
  type ReactorDefinition,
  RetryLater,
} from './workers/reactors/definition.ts';
export {
  defineReconciliation,
  type ProductRow,
  type ReconciliationDefinition,
} from './workers/reconciliation/definition.ts';
