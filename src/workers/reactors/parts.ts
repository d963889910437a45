/** What the files of this folder share: made once by `createReactors`, handed to each. */
import type { Commands } from '../../commands/request.ts';
import type { Db } from '../../db/pool.ts';
import type { Codec } from '../../events/codec.ts';
import type { EventLog } from '../../events/log.ts';
import type { Registry } from '../../events/registry.ts';
import type { Clock, NewId, OnError } from '../ports.ts';
import type { ReactorDefinition } from './definition.ts';

export interface Parts {
  readonly pool: Db;
  readonly log: EventLog;
  readonly codec: Codec;
  readonly registry: Pick<Registry, 'find'>;
  readonly commands: Pick<Commands, 'execute'>;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly onError: OnError;
  /** null: whatever environment the database belongs to. */
  readonly environment: string | null;
  /** Those that there are now, by name. */
  readonly definitions: () => ReadonlyMap<string, ReactorDefinition>;
  /** Of a key that says which events go in order. */
  readonly hashOf: (text: string) => string;
}

/** What travels through the queue: no more than where to look. */
export interface Delivery {
  readonly reactor: string;
  readonly position: number;
}

export const columnsOf = (
  deliveries: readonly Delivery[],
): readonly [readonly string[], readonly number[]] => [
  deliveries.map(({ reactor }) => reactor),
  deliveries.map(({ position }) => position),
];
