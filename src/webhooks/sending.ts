/**
 * An endpoint as a reactor: one attempt at one event in the Standard Webhooks format
 * (https://github.com/standard-webhooks/standard-webhooks), and what its answer means.
 */
import { Webhook as Signer } from 'standardwebhooks';
import { cloudEventOf } from '../events/cloud-event.ts';
import type { RecordedEvent } from '../events/envelope.ts';
import {
  defineReactor,
  GiveUp,
  type ReactorContext,
  type ReactorDefinition,
  RetryLater,
} from '../workers/reactors/definition.ts';
import type { DeliveryLog } from './delivery-log.ts';
import { AddressRefused, type Answered, type Post } from './outbound.ts';
import type { Secrets } from './secrets.ts';
import type { Webhook } from './state.ts';

/** About a day and a half, in growing steps, before an event is given up. */
const retrying = { attemptsMax: 17, firstSeconds: 5, secondsMax: 6 * 3_600 } as const;
/** Failures in a row after which an endpoint is left alone until somebody resumes it. */
export const pauseAfter = 20;
const timeoutSeconds = 20;
const concurrency = 8;

export interface Sending {
  readonly post: Post;
  readonly secrets: Secrets;
  readonly deliveries: DeliveryLog;
  /** The endpoint as it is now: secrets and settings may have changed since the event was read. */
  readonly current: (webhookId: string) => Webhook | undefined;
  /** Names of an event type's fields that are not sent: internal ones never, personal ones where not asked for. */
  readonly hiddenOf: (type: string, personal: boolean) => readonly string[];
  /** A URI of this installation. */
  readonly source: string;
  readonly clock: () => string;
}

export const reactorNameOf = (webhookId: string): string => `webhook-${webhookId}`;

/** A signature of each secret in use, so that a receiver may know either. */
const signed = (secrets: readonly string[], id: string, now: string, body: string) => {
  const at = new Date(now);
  return {
    'content-type': 'application/cloudevents+json; charset=utf-8',
    'user-agent': 'Quarterdeck',
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
    'webhook-signature': secrets.map((secret) => new Signer(secret).sign(id, at, body)).join(' '),
  };
};

/** @throws Error, GiveUp or RetryLater for whatever is no success. */
const requireTaken = ({ status, retryAfter }: Answered): void => {
  if (status >= 200 && status < 300) return;
  const message = `The endpoint answered ${status}.`;
  // Gone, by the format's own rules: nobody is there any more.
  if (status === 410) throw new GiveUp(message);
  if (retryAfter !== undefined) throw new RetryLater(message, retryAfter);
  throw new Error(message);
};

/** In words of ours; an address or what the other side wrote is not among them. */
const failureOf = (error: unknown): string => {
  if (error instanceof AddressRefused) return error.message;
  const { code, name } = error as { readonly code?: unknown; readonly name?: string };
  return `No answer: ${typeof code === 'string' ? code : (name ?? 'unknown')}.`;
};

export const sendingTo =
  (sending: Sending, webhookId: string) =>
  async (event: RecordedEvent, { attempt, signal }: ReactorContext): Promise<void> => {
    const webhook = sending.current(webhookId);
    if (webhook?.enabled !== true) return;
    const { secrets, source, clock } = sending;
    const without = sending.hiddenOf(event.type, webhook.personal);
    const body = JSON.stringify(cloudEventOf(event, { source, without }));
    const now = clock();
    const headers = signed(secrets.inUse(webhookId, webhook, now), event.id, now, body);
    const begun = performance.now();
    const tell = (
      status: number | null,
      outcome: 'delivered' | 'failed' | 'refused',
      failure: string | null,
    ) =>
      sending.deliveries.note({
        webhook: webhookId,
        position: event.position,
        attempt,
        durationMs: Math.round(performance.now() - begun),
        status,
        outcome,
        failure,
      });
    const answered = await sending
      .post(webhook.url, { body, headers }, signal)
      .catch(async (error: unknown) => {
        const refused = error instanceof AddressRefused;
        const failure = failureOf(error);
        await tell(null, refused ? 'refused' : 'failed', failure);
        throw refused ? new GiveUp(failure) : new Error(failure);
      });
    const taken = answered.status >= 200 && answered.status < 300;
    await tell(answered.status, taken ? 'delivered' : 'failed', taken ? null : 'Not taken.');
    requireTaken(answered);
  };

/** `since`: the position at which it was last enabled; `types`: every one that `*` stands for. */
export const reactorOf = (
  sending: Sending,
  webhookId: string,
  { events, ordered, description }: Webhook,
  { since, types }: { readonly since: number; readonly types: readonly string[] },
): ReactorDefinition =>
  defineReactor({
    name: reactorNameOf(webhookId),
    summary: description === '' ? `The webhook ${webhookId}.` : description,
    events: events.includes('*') ? types : events,
    handle: sendingTo(sending, webhookId),
    sequence: ordered ? 'stream' : undefined,
    startAt: since,
    retrying,
    pauseAfter,
    timeoutSeconds,
    concurrency,
  });
