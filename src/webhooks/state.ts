/** An endpoint's state, folded from its stream. */
import { defineStream } from '../commands/stream.ts';
import type { Folding, LoadRequest } from '../events/log.ts';
import type { WebhookEvent } from './events.ts';

export interface Configuration {
  readonly url: string;
  readonly events: readonly string[];
  readonly personal: boolean;
  readonly ordered: boolean;
  readonly description: string;
}

export interface Webhook extends Configuration {
  readonly registered: boolean;
  readonly enabled: boolean;
  /** Of the secret that is signed with, from 1. */
  readonly generation: number;
  readonly secretShown: boolean;
  /** Until then the generation before is signed with as well; null: no longer. */
  readonly previousUntil: string | null;
}

const nothing: Webhook = {
  registered: false,
  enabled: false,
  url: '',
  events: [],
  personal: false,
  ordered: false,
  description: '',
  generation: 0,
  secretShown: false,
  previousUntil: null,
};

export const webhooks = defineStream<Webhook, WebhookEvent>({
  prefix: 'webhook',
  initialState: nothing,
  evolve(webhook, { type, data }) {
    switch (type) {
      case 'WebhookRegistered': {
        const { webhookId: _, ...configuration } = data;
        return { ...webhook, ...configuration, registered: true, enabled: true, generation: 1 };
      }
      case 'WebhookChanged': {
        const { webhookId: _, ...configuration } = data;
        return { ...webhook, ...configuration };
      }
      case 'WebhookDisabled':
        return { ...webhook, enabled: false };
      case 'WebhookEnabled':
        return { ...webhook, enabled: true };
      case 'WebhookSecretRotated': {
        const { generation, previousUntil } = data;
        return { ...webhook, generation, previousUntil, secretShown: false };
      }
      case 'WebhookSecretShown':
        return { ...webhook, secretShown: true };
      default:
        return webhook;
    }
  },
});

/** To load it by. */
export const webhookOf = (id: string): LoadRequest => ({
  stream: webhooks.of(id),
  folding: webhooks as unknown as Folding,
});
