/** Endpoints as rows: listed, filtered and read as of any moment like everything else. */
import { z } from 'zod';
import { defineProjection } from '../queries/definition.ts';
import type { WebhookEvent } from './events.ts';
import { webhooks } from './state.ts';

const row = z.object({
  webhookId: z.string(),
  /** An address may be a secret of whoever listens there. */
  url: z.string(),
  events: z.array(z.string()),
  personal: z.boolean(),
  ordered: z.boolean(),
  description: z.string(),
  state: z.enum(['enabled', 'disabled']),
  secretGeneration: z.int(),
  secretShown: z.boolean(),
  registeredBy: z.string(),
  registeredAt: z.iso.datetime({ precision: 6 }),
  changedAt: z.iso.datetime({ precision: 6 }),
});

type Row = z.output<typeof row>;

const changed = (before: Row, event: WebhookEvent): Row => {
  switch (event.type) {
    case 'WebhookRegistered':
    case 'WebhookChanged':
      return { ...before, ...event.data };
    case 'WebhookDisabled':
      return { ...before, state: 'disabled' };
    case 'WebhookEnabled':
      return { ...before, state: 'enabled' };
    case 'WebhookSecretRotated':
      return { ...before, secretGeneration: event.data.generation, secretShown: false };
    case 'WebhookSecretShown':
      return { ...before, secretShown: true };
    default:
      return before;
  }
};

export const webhookRows = defineProjection<typeof row, WebhookEvent>({
  name: 'webhook-endpoints',
  summary: 'Endpoints that are sent events as they happen.',
  version: 1,
  schema: row,
  keyField: 'webhookId',
  fields: { url: { internal: 'webhooks:manage' }, state: { index: true } },
  events: [
    'WebhookRegistered',
    'WebhookChanged',
    'WebhookDisabled',
    'WebhookEnabled',
    'WebhookSecretRotated',
    'WebhookSecretShown',
  ],
  keys: (event) => [event.data.webhookId],
  evolve(before, event) {
    const { recordedAt, metadata } = event;
    if (event.type !== 'WebhookRegistered')
      return before && { ...changed(before, event), changedAt: recordedAt };
    return {
      ...event.data,
      state: 'enabled',
      secretGeneration: 1,
      secretShown: false,
      registeredBy: metadata.actor.id,
      registeredAt: recordedAt,
      changedAt: recordedAt,
    };
  },
  stream: webhooks.of,
  permission: 'webhooks:read',
});
