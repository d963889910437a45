/**
 * Webhooks, put together: an area of the engine's own for managing endpoints, and a reactor for each that is
 * enabled. Endpoints come and go while the process runs: it follows their streams.
 */
import type { CommandDefinition } from '../commands/definition.ts';
import type { Commands } from '../commands/request.ts';
import type { StreamDefinition } from '../commands/stream.ts';
import type { Db } from '../db/pool.ts';
import type { EventDefinition } from '../events/definition.ts';
import type { EventLog } from '../events/log.ts';
import type { Registry } from '../events/registry.ts';
import type { ProjectionDefinition } from '../queries/definition.ts';
import { createPolling } from '../workers/polling.ts';
import type { Reactors } from '../workers/reactors/index.ts';
import { webhookCommands } from './commands.ts';
import { createDeliveryLog } from './delivery-log.ts';
import { createWebhookDesk, type WebhookDesk } from './desk.ts';
import { webhookEvents } from './events.ts';
import { createOutbound, type OutboundOptions } from './outbound.ts';
import { webhookRows } from './projections.ts';
import { createSecrets } from './secrets.ts';
import { reactorNameOf, reactorOf, type Sending } from './sending.ts';
import { selectWebhookStreams, type WebhookStreamRow } from './sql/webhooks.ts';
import { type Webhook, webhookOf, webhooks } from './state.ts';

export type { WebhookDesk } from './desk.ts';

/** What the engine adds to a team's areas; `types`: those that endpoints may be sent. */
export const webhooksArea = (types: readonly string[], { plain }: Pick<OutboundOptions, 'plain'>) => ({
  name: 'webhooks',
  events: webhookEvents as unknown as readonly EventDefinition[],
  streams: [webhooks as unknown as StreamDefinition],
  commands: webhookCommands({ types, plain }) as readonly CommandDefinition[],
  projections: [webhookRows as unknown as ProjectionDefinition],
});

export interface WebhooksOptions extends OutboundOptions {
  readonly pool: Db;
  readonly log: EventLog;
  readonly registry: Pick<Registry, 'find'>;
  readonly commands: Pick<Commands, 'execute'>;
  readonly reactors: Reactors;
  /** 32 bytes; the secrets of endpoints are derived from it. */
  readonly secret: Buffer;
  readonly types: readonly string[];
  /** A URI of this installation. */
  readonly source: string;
  readonly clock: () => string;
  readonly onError: (error: unknown, doing: string) => void;
}

export interface Webhooks {
  readonly desk: WebhookDesk;
  /** Sends, from now on, where this process does such work. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

const followMs = 1_000;
/** While the log is busy, a look begins no sooner after the one before. */
const restMs = 200;
const forgetEveryMs = 600_000;

export const createWebhooks = (options: WebhooksOptions): Webhooks => {
  const { pool, log, registry, commands, reactors, types, source, clock, onError } = options;
  const secrets = createSecrets(options.secret);
  const deliveryLog = createDeliveryLog(pool);
  const known = new Map<string, Webhook>();
  const sending: Sending = {
    source,
    clock,
    secrets,
    post: createOutbound(options),
    deliveries: deliveryLog,
    current: (id) => known.get(id),
    hiddenOf: (type, personal) => {
      const { personal: sealed = [], internal = {} } = registry.find(type) ?? {};
      return [...Object.keys(internal), ...(personal ? [] : sealed)];
    },
  };
  let followed = 0;
  let off: () => void = () => undefined;
  let forgetting: NodeJS.Timeout | undefined;

  const reload = async (): Promise<void> => {
    const { rows } = await pool.query<WebhookStreamRow>(selectWebhookStreams);
    const ids = rows.map(({ stream }) => stream.slice(webhooks.prefix.length + 1));
    const loaded = await log.load(ids.map(webhookOf));
    for (const [n, { since }] of rows.entries()) {
      const id = ids[n] as string;
      const webhook = loaded[n]?.state as Webhook;
      known.set(id, webhook);
      const definition = webhook.enabled ? reactorOf(sending, id, webhook, { since, types }) : undefined;
      await reactors.define(reactorNameOf(id), definition);
    }
  };

  const follow = async (): Promise<void> => {
    const wanted = webhookEvents.map(({ type }) => type);
    const page = await log.readStored({ after: followed, limit: 1, types: wanted });
    if (page.events.length > 0) {
      // Whatever it holds is read from the streams themselves; so is what comes behind it.
      const { position } = await log.head();
      await reload();
      followed = position;
    } else followed = page.position;
  };

  const polling = createPolling({
    look: follow,
    everyMs: followMs,
    restMs,
    onError,
    doing: 'following webhooks',
  });

  return {
    desk: createWebhookDesk({ log, commands, reactors, secrets, deliveryLog, types }),
    async start() {
      followed = (await log.head()).position;
      await reload();
      off = log.onAppended(polling.wake);
      polling.start();
      forgetting = setInterval(() => {
        deliveryLog
          .forgetOld()
          .catch((error: unknown) => onError(error, 'forgetting old deliveries of webhooks'));
      }, forgetEveryMs);
      forgetting.unref();
    },
    async stop() {
      off();
      clearInterval(forgetting);
      await polling.stop();
    },
  };
};
