/** What OpenAPI says about webhooks, beside their commands and rows. */
import { outcomes } from '../../webhooks/delivery-log.ts';
import type { Operation } from '../route.ts';
import { path, query } from './parts.ts';
import { arrayOf, json, object, orNull, ref, text, whole } from './schemas.ts';

const base = '/internal/v1/webhooks/{id}';
const id = path('id', 'The endpoint’s id.');
const codes = ['malformed_request', 'not_permitted', 'not_found', 'invalid_input'] as const;

export const webhookOperations = {
  secret: {
    method: 'post',
    tag: 'Webhooks',
    path: `${base}/secret`,
    operationId: 'showWebhookSecret',
    summary: 'The newest secret of an endpoint: shown once, to whoever asks first',
    permission: 'webhooks:manage',
    parameters: [id],
    answers: [
      {
        status: 200,
        description: 'The secret, as Standard Webhooks writes it.',
        content: json(object({ secret: text, generation: whole })),
      },
    ],
    codes: [...codes, 'rejected'],
  },
  deliveries: {
    method: 'get',
    tag: 'Webhooks',
    path: `${base}/deliveries`,
    operationId: 'listWebhookDeliveries',
    summary:
      'What was sent to an endpoint and how it ended, newest first: 5,000 attempts, at most 30 days old',
    permission: 'webhooks:read',
    parameters: [
      id,
      query('cursor', whole, 'The nextCursor of the page before.'),
      query('limit', whole, '100 unless told; at most 500.'),
      query('outcome', { enum: outcomes }, 'Only attempts that ended so.'),
      query('position', whole, 'Only attempts at the event at this position.'),
    ],
    answers: [
      {
        status: 200,
        description: 'A page of attempts.',
        content: json(object({ data: arrayOf(ref('WebhookDelivery')), nextCursor: orNull(whole) })),
      },
    ],
    codes,
  },
  redeliver: {
    method: 'post',
    tag: 'Webhooks',
    path: `${base}/deliveries/{position}/redeliver`,
    operationId: 'redeliverWebhook',
    summary: 'Send an endpoint an event once more, whatever became of it, under the same webhook-id',
    permission: 'webhooks:manage',
    parameters: [id, path('position', 'The position of the event.')],
    answers: [{ status: 202, description: 'It will be sent.', content: json(object({ position: whole })) }],
    codes,
  },
} as const satisfies Record<string, Operation>;
