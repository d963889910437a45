/**
 * An area is a team's part of the domain: its events, commands, projections and reactors in one value. The engine
 * takes areas as arguments and never imports one.
 */
import type { CommandDefinition, SubjectNaming } from './commands/definition.ts';
import type { StreamDefinition } from './commands/stream.ts';
import type { EventDefinition } from './events/definition.ts';
import type { ProjectionDefinition } from './queries/definition.ts';
import type { ReactorDefinition } from './workers/reactors/definition.ts';

export interface Area {
  readonly name: string;
  readonly events: readonly EventDefinition[];
  readonly streams: readonly StreamDefinition[];
  readonly commands: readonly CommandDefinition[];
  readonly projections: readonly ProjectionDefinition[];
  /** What happens outside when something happened here. */
  readonly reactors?: readonly ReactorDefinition[];
  /** By what else than a subject erasures and legal holds may name whose data it is; by the field's name. */
  readonly subjects?: Readonly<Record<string, SubjectNaming>>;
}

interface Options {
  readonly name: string;
  // biome-ignore lint/suspicious/noExplicitAny: each event, stream and row keeps its own types; a list of them has none.
  readonly events: readonly EventDefinition<string, any>[];
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  readonly streams: readonly StreamDefinition<any, any>[];
  readonly commands: readonly CommandDefinition[];
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  readonly projections: readonly ProjectionDefinition<any>[];
  readonly reactors?: readonly ReactorDefinition[];
  readonly subjects?: Readonly<Record<string, SubjectNaming>>;
}

export const defineArea = (options: Options): Area => options;
