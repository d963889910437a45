/**
 * Endpoints are managed by commands like anything else: permitted, validated, in the log, in the catalogue.
 * Whoever configures one to be sent personal data must hold `webhooks:personal`; it is asked when the endpoint
 * is registered or changed, not again at each delivery.
 */
import { z } from 'zod';
import { type CommandDefinition, defineCommand, reject } from '../commands/definition.ts';
import {
  WebhookChanged,
  WebhookDisabled,
  WebhookEnabled,
  WebhookRegistered,
  WebhookSecretRotated,
  WebhookSecretShown,
} from './events.ts';
import { type Webhook, webhooks } from './state.ts';

const hourMs = 3_600_000;
const eventsMax = 200;

export interface Rules {
  /** Types that may be sent. */
  readonly types: readonly string[];
  /** Whether `http:` is allowed. */
  readonly plain: boolean;
}

const missing = reject('not_found', 'There is no such webhook.');
const inputs = ({ types, plain }: Rules) => {
  const known = new Set(['*', ...types]);
  const url = z
    .string()
    .max(2_000)
    .refine((text) => isUrl(text, plain), {
      message: `must be a URL that begins with ${plain ? 'http:// or ' : ''}https://, without user name, password and fragment`,
    });
  const events = z
    .array(z.string())
    .min(1)
    .max(eventsMax)
    .refine((given) => given.every((type) => known.has(type)), {
      message: 'must be event types that an area defines, or "*" for all of them',
    });
  return {
    webhookId: z
      .string()
      .regex(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/, 'must be lower-case words joined by hyphens')
      .max(40),
    url,
    events,
    personal: z.boolean(),
    ordered: z.boolean(),
    description: z.string().max(500),
  };
};

const isUrl = (text: string, plain: boolean): boolean => {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, hash } = new URL(text);
  return (protocol === 'https:' || (plain && protocol === 'http:')) && username + password + hash === '';
};

/** `change` answers the endpoint's events, or a rejection; an endpoint that is not there is one. */
const ofExisting =
  <Input>(change: (input: Input, webhook: Webhook, now: string) => ReturnType<CommandDefinition['decide']>) =>
  (input: Input, webhook: Webhook, { now }: { readonly now: string }) =>
    webhook.registered ? change(input, webhook, now) : missing;

const shared = {
  stream: webhooks,
  id: ({ webhookId }: { readonly webhookId: string }) => webhookId,
  permission: 'webhooks:manage',
  // An endpoint is told of every row.
  needs: { everyRow: true },
} as const;

const needsPersonal = ({ personal }: { readonly personal?: boolean | undefined }): readonly string[] =>
  personal === true ? ['webhooks:personal'] : [];

export const webhookCommands = (rules: Rules): readonly CommandDefinition[] => {
  const { webhookId, url, events, personal, ordered, description } = inputs(rules);
  return [
    defineCommand({
      ...shared,
      name: 'register-webhook',
      summary: 'Register an endpoint that is sent events as they happen.',
      input: z.object({
        webhookId,
        url,
        events,
        personal: personal.optional(),
        ordered: ordered.optional(),
        description: description.optional(),
      }),
      alsoNeeds: needsPersonal,
      mayNeed: ['webhooks:personal'],
      decide: ({ personal = false, ordered = false, description = '', ...input }, { registered }) =>
        registered
          ? reject('webhook_exists', 'A webhook of that id is registered already.')
          : [WebhookRegistered.of({ ...input, personal, ordered, description })],
    }),
    defineCommand({
      ...shared,
      name: 'change-webhook',
      summary: 'Change where an endpoint is, which events it is sent, or how.',
      input: z.object({
        webhookId,
        url: url.optional(),
        events: events.optional(),
        personal: personal.optional(),
        ordered: ordered.optional(),
        description: description.optional(),
      }),
      alsoNeeds: needsPersonal,
      mayNeed: ['webhooks:personal'],
      decide: (input, webhook, { can }) => {
        if (!webhook.registered) return missing;
        const { url, events, personal, ordered, description } = { ...webhook, ...given(input) };
        // Else whoever may not read personal data could have it sent to themselves.
        const moves = url !== webhook.url || events.join() !== webhook.events.join();
        if (personal && moves && !can('webhooks:personal'))
          return reject(
            'webhook_sends_personal_data',
            'It is sent personal data: changing where to, or what, needs webhooks:personal, or personal: false.',
          );
        const next = { webhookId: input.webhookId, url, events: [...events], personal, ordered, description };
        return isSame(next, webhook) ? [] : [WebhookChanged.of(next)];
      },
    }),
    defineCommand({
      ...shared,
      name: 'disable-webhook',
      summary: 'Send an endpoint nothing further, and forget what was still to be sent.',
      input: z.object({ webhookId }),
      decide: ofExisting(({ webhookId }, { enabled }) =>
        enabled ? [WebhookDisabled.of({ webhookId })] : [],
      ),
    }),
    defineCommand({
      ...shared,
      name: 'enable-webhook',
      summary: 'Send a disabled endpoint events again, from now on.',
      input: z.object({ webhookId }),
      decide: ofExisting(({ webhookId }, { enabled }) => (enabled ? [] : [WebhookEnabled.of({ webhookId })])),
    }),
    defineCommand({
      ...shared,
      name: 'rotate-webhook-secret',
      summary: 'Sign with a new secret; for a while with the one before as well.',
      input: z.object({
        webhookId,
        /** 24 by default; 0 where the old one is known to others. */
        overlapHours: z.int().min(0).max(168).optional(),
      }),
      decide: ofExisting(({ webhookId, overlapHours = 24 }, { generation }, now) => {
        const until = new Date(Date.parse(now) + overlapHours * hourMs).toISOString();
        return [WebhookSecretRotated.of({ webhookId, generation: generation + 1, previousUntil: until })];
      }),
    }),
    defineCommand({
      ...shared,
      name: 'show-webhook-secret',
      summary: 'Note that the newest secret is shown; POST /internal/v1/webhooks/{id}/secret shows it, once.',
      input: z.object({ webhookId }),
      decide: ofExisting(({ webhookId }, { generation, secretShown }) =>
        secretShown
          ? reject('secret_shown', 'The secret was shown already: rotate it to be shown a new one.')
          : [WebhookSecretShown.of({ webhookId, generation })],
      ),
    }),
  ];
};

/** Without what was left out. */
const given = <T extends object>(input: T) =>
  Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined)) as {
    readonly [K in keyof T]: Exclude<T[K], undefined>;
  };

const isSame = (next: { readonly events: readonly string[] } & object, webhook: Webhook): boolean =>
  Object.entries(next).every(
    ([name, value]) =>
      name === 'webhookId' || JSON.stringify(value) === JSON.stringify(webhook[name as keyof Webhook]),
  );
