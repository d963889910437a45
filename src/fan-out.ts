/**
 * What reaches outside, put together: the environment that guards it, reactors with the effects among them,
 * webhooks, the feed, reconciliations.
 */
import type { Area } from './area.ts';
import { createFeed, type Feed } from './audit/feed.ts';
import { createFields, type NotesOf } from './audit/fields.ts';
import type { LogReads } from './audit/reads.ts';
import { createShown, type RefsOf } from './audit/shown.ts';
import type { Commands } from './commands/request.ts';
import type { Db } from './db/pool.ts';
import { createEnvironment, type Environment, environmentEvents } from './environment.ts';
import type { Codec } from './events/codec.ts';
import type { EventLog } from './events/log.ts';
import type { Registry } from './events/registry.ts';
import type { ProjectionDefinition } from './queries/definition.ts';
import type { ReadSide } from './queries/read-side.ts';
import { oursIn } from './reconciling.ts';
import { createWebhooks, type Webhooks, webhooksArea } from './webhooks/index.ts';
import type { EffectDefinition } from './workers/effects/definition.ts';
import { effectEvents } from './workers/effects/index.ts';
import type { ReactorDefinition } from './workers/reactors/definition.ts';
import { createReactors, type Reactors, reactorEvents } from './workers/reactors/index.ts';
import type { ReconciliationDefinition } from './workers/reconciliation/definition.ts';
import {
  createReconciliations,
  type Reconciliations,
  reconciliationEvents,
} from './workers/reconciliation/index.ts';

export const fanOutEvents = [
  ...reactorEvents,
  ...effectEvents,
  ...environmentEvents,
  ...reconciliationEvents,
] as const;

/** What of an engine's options is about this. */
export interface FanOutOptions {
  /** What commands do to the product's own data. */
  readonly effects?: readonly EffectDefinition[];
  /** Rows to be compared with the product's own. */
  readonly reconciliations?: readonly ReconciliationDefinition[];
  /** Where the database keeps another name, nothing reaches outside; undefined: no matter where. */
  readonly environment?: string;
  /** Endpoints that are sent events: which networks they may be in beside public ones, and whether by http. */
  readonly webhooks?: { readonly networks: readonly string[]; readonly plain: boolean };
}

export interface FanOut {
  readonly environment: Environment;
  readonly reactors: Reactors;
  /** Where the engine was asked for them. */
  readonly webhooks: Webhooks | undefined;
  readonly feed: Feed;
  readonly reconciliations: Reconciliations;
  start(): Promise<void>;
  stop(): Promise<void>;
}

interface Parts {
  readonly pool: Db;
  readonly log: EventLog;
  readonly codec: Codec;
  readonly registry: Registry;
  readonly commands: Commands;
  readonly readSide: ReadSide;
  readonly projections: readonly ProjectionDefinition[];
  /** Those of the areas, and of the effects that are delivered. */
  readonly definitions: readonly ReactorDefinition[];
  /** Event types of the team's areas: what others are told of. */
  readonly types: readonly string[];
  readonly refsOf: RefsOf;
  readonly notesOf: NotesOf;
  readonly logReads: LogReads;
  readonly clock: () => string;
  readonly newId: () => string;
  readonly onError: (error: unknown, doing: string) => void;
  readonly secret: Buffer;
  readonly publicUrl: string;
  readonly redisUrl: string | undefined;
  readonly queueDatabaseUrl: string;
}

/** What was given and no more. */
export const fanOutOf = ({
  effects,
  reconciliations,
  environment,
  webhooks,
}: FanOutOptions): FanOutOptions => ({
  ...(effects === undefined ? {} : { effects }),
  ...(reconciliations === undefined ? {} : { reconciliations }),
  ...(environment === undefined ? {} : { environment }),
  ...(webhooks === undefined ? {} : { webhooks }),
});

export const typesOf = (areas: readonly Area[]): readonly string[] =>
  areas.flatMap(({ events }) => events.map(({ type }) => type));

/** A team's areas and, where there are webhooks, the one that manages their endpoints. */
export const withWebhooks = (
  areas: readonly Area[],
  { webhooks }: Pick<FanOutOptions, 'webhooks'>,
): readonly Area[] => (webhooks === undefined ? areas : [...areas, webhooksArea(typesOf(areas), webhooks)]);

export const openFanOut = async (parts: Parts, options: FanOutOptions): Promise<FanOut> => {
  const { types, readSide, notesOf, publicUrl: source } = parts;
  const environment = createEnvironment({ ...parts, name: options.environment });
  await environment.claim();
  const reactors = createReactors({ ...parts, environment: options.environment ?? null });
  const webhooks =
    options.webhooks === undefined
      ? undefined
      : createWebhooks({ ...options.webhooks, ...parts, reactors, source });
  const streamsReached = readSide.reached.streams;
  const feed = createFeed({
    log: parts.log,
    logReads: parts.logReads,
    shown: createShown(streamsReached, parts.refsOf),
    fields: createFields({
      streamsReached,
      refsOf: parts.refsOf,
      notesOf: (type) => ({ ...notesOf(type), permission: 'feed:personal' }),
    }),
    types,
    source,
  });
  const reconciliations = createReconciliations({
    ...parts,
    ...oursIn(readSide.queries, parts.projections),
    definitions: options.reconciliations ?? [],
    allowed: environment.isOurs,
  });
  return {
    environment,
    reactors,
    webhooks,
    feed,
    reconciliations,
    async start() {
      await reactors.start();
      await webhooks?.start();
      reconciliations.start();
    },
    async stop() {
      feed.stop();
      await reconciliations.stop();
      await webhooks?.stop();
      await reactors.stop();
    },
  };
};
