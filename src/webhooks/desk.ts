/** What people do with endpoints beside the commands: be shown a secret once, look at deliveries, repeat one. */
import type { Origin } from '../access/origin.ts';
import { isEveryRow } from '../access/principal.ts';
import type { Commands } from '../commands/request.ts';
import { invalidInput, notPermitted, QuarterdeckError } from '../errors.ts';
import type { EventLog } from '../events/log.ts';
import type { Reactors } from '../workers/reactors/index.ts';
import { type DeliveryLog, type DeliveryView, type Outcome, outcomes } from './delivery-log.ts';
import type { Secrets } from './secrets.ts';
import { reactorNameOf } from './sending.ts';
import { type Webhook, webhookOf } from './state.ts';

export interface WebhookAsked extends Origin {
  readonly id: string;
}

export interface DeliveriesAsked extends WebhookAsked {
  /** `number` of the last one of the page before. */
  readonly cursor?: number;
  readonly limit?: number;
  readonly outcome?: string;
  /** Only attempts at the event at this position. */
  readonly position?: number;
}

export interface WebhookDesk {
  /**
   * The newest secret, to whoever asks first. @throws QuarterdeckError `rejected` (`secret_shown`) ever after,
   * `not_found`, `not_permitted`
   */
  secret(asked: WebhookAsked): Promise<{ readonly secret: string; readonly generation: number }>;
  /** Newest first. */
  deliveries(
    asked: DeliveriesAsked,
  ): Promise<{ readonly data: readonly DeliveryView[]; readonly nextCursor: number | null }>;
  /** Sends an event that the endpoint is for once more, whatever became of it. */
  redeliver(asked: WebhookAsked & { readonly position: number }): Promise<void>;
}

interface Options {
  readonly log: Pick<EventLog, 'load' | 'readAt'>;
  readonly commands: Pick<Commands, 'execute'>;
  readonly reactors: Pick<Reactors, 'repeat'>;
  readonly secrets: Secrets;
  readonly deliveryLog: DeliveryLog;
  /** What `*` stands for. */
  readonly types: readonly string[];
}

const limitDefault = 100;
const limitMax = 500;

/** An endpoint is told of every row, so whoever looks at what it was told must reach every row. */
const requireWhole = ({ principal }: Origin, permission: string): void => {
  if (!principal.permissions.has(permission) || !isEveryRow(principal.permissions.rows(permission)))
    throw notPermitted(permission);
};

const outcomeOf = (text: string | undefined): Outcome | undefined => {
  const found = outcomes.find((outcome) => outcome === text);
  if (text !== undefined && found === undefined)
    throw invalidInput('outcome', `Give one of ${outcomes.join(', ')}.`);
  return found;
};

export const createWebhookDesk = (options: Options): WebhookDesk => {
  const { log, commands, secrets, deliveryLog } = options;

  const load = async (id: string): Promise<Webhook> => {
    const [loaded] = await log.load([webhookOf(id)]);
    const webhook = loaded?.state as Webhook | undefined;
    if (webhook?.registered !== true) throw new QuarterdeckError('not_found', `There is no webhook ${id}.`);
    return webhook;
  };

  return {
    async secret({ id, ...origin }) {
      requireWhole(origin, 'webhooks:manage');
      const answer = await commands.execute({
        ...origin,
        name: 'show-webhook-secret',
        input: { webhookId: id },
      });
      if (answer.kind !== 'done') throw new QuarterdeckError('internal', 'The secret was not shown.');
      // Its event says which one: by now there may be a newer.
      const [shown] = await log.readAt([answer.done.position]);
      const generation = Number(shown?.data.generation);
      return { secret: secrets.of(id, generation), generation };
    },
    async deliveries({ id, cursor, limit = limitDefault, outcome, position, ...origin }) {
      requireWhole(origin, 'webhooks:read');
      if (limit > limitMax) throw invalidInput('limit', `Give a whole number from 1 to ${limitMax}.`);
      const asked = { before: cursor, limit: limit + 1, outcome: outcomeOf(outcome), position };
      await load(id);
      const found = await deliveryLog.list(id, asked);
      const data = found.slice(0, limit);
      return { data, nextCursor: found.length > limit ? (data.at(-1)?.number ?? null) : null };
    },
    async redeliver({ id, position, ...origin }) {
      requireWhole(origin, 'webhooks:manage');
      const { events } = await load(id);
      const [event] = await log.readAt([position]);
      const types = events.includes('*') ? options.types : events;
      if (event === undefined || !types.includes(event.type))
        throw new QuarterdeckError('not_found', `No event at position ${position} is for the webhook ${id}.`);
      await options.reactors.repeat(origin, reactorNameOf(id), position);
    },
  };
};
