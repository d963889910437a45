/**
 * Endpoints of webhooks as they stand in the log: streams `webhook-<id>`. Secrets are not in it: they are
 * derived, by endpoint and generation, from a key that is sealed at rest.
 */
import { z } from 'zod';
import { defineEvent, type EventOf } from '../events/definition.ts';

const webhookId = z.string();
const about = ({ webhookId }: { readonly webhookId: string }): readonly string[] => [`webhook-${webhookId}`];

/** `events`: types, or `*` for every one of the areas. `personal`: whether personal fields are sent. */
const configuration = {
  url: z.string(),
  events: z.array(z.string()),
  personal: z.boolean(),
  /** Events of one stream are sent in order, each after the one before was taken. */
  ordered: z.boolean(),
  description: z.string(),
};

export const WebhookRegistered = defineEvent({
  type: 'WebhookRegistered',
  schema: z.object({ webhookId, ...configuration }),
  refs: about,
});
export const WebhookChanged = defineEvent({
  type: 'WebhookChanged',
  schema: z.object({ webhookId, ...configuration }),
  refs: about,
});
export const WebhookDisabled = defineEvent({
  type: 'WebhookDisabled',
  schema: z.object({ webhookId }),
  refs: about,
});
export const WebhookEnabled = defineEvent({
  type: 'WebhookEnabled',
  schema: z.object({ webhookId }),
  refs: about,
});
/** From now on signed with the secret of `generation`; until `previousUntil` with the one before as well. */
export const WebhookSecretRotated = defineEvent({
  type: 'WebhookSecretRotated',
  schema: z.object({ webhookId, generation: z.int(), previousUntil: z.string() }),
  refs: about,
});
/** Somebody was shown the secret of `generation`: once, and nobody after them. */
export const WebhookSecretShown = defineEvent({
  type: 'WebhookSecretShown',
  schema: z.object({ webhookId, generation: z.int() }),
  refs: about,
});

export const webhookEvents = [
  WebhookRegistered,
  WebhookChanged,
  WebhookDisabled,
  WebhookEnabled,
  WebhookSecretRotated,
  WebhookSecretShown,
] as const;

export type WebhookEvent = EventOf<(typeof webhookEvents)[number]>;
