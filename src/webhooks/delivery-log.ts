/** What was sent to endpoints, and how it ended: the newest of each, no older than a month. */
import type { Db } from '../db/pool.ts';
import type { Timestamp } from '../events/envelope.ts';
import { forgetDeliveries, insertDelivery, selectDeliveries } from './sql/webhooks.ts';

export const outcomes = ['delivered', 'failed', 'refused'] as const;

export type Outcome = (typeof outcomes)[number];

export interface Attempt {
  readonly webhook: string;
  readonly position: number;
  readonly attempt: number;
  readonly durationMs: number;
  /** null where no answer came. */
  readonly status: number | null;
  /** `refused`: by ourselves, because of where it would go. */
  readonly outcome: Outcome;
  readonly failure: string | null;
}

export interface DeliveryView extends Omit<Attempt, 'webhook'> {
  readonly number: number;
  readonly eventId: string;
  readonly type: string;
  readonly stream: string;
  readonly attemptedAt: Timestamp;
}

export interface DeliveriesAsked {
  readonly before: number | undefined;
  readonly limit: number;
  readonly outcome: Outcome | undefined;
  readonly position: number | undefined;
}

export interface DeliveryLog {
  note(attempt: Attempt): Promise<void>;
  /** Newest first. */
  list(webhook: string, asked: DeliveriesAsked): Promise<readonly DeliveryView[]>;
  forgetOld(): Promise<void>;
}

const keptOfEach = 5_000;
const keptDays = 30;

export const createDeliveryLog = (pool: Db): DeliveryLog => ({
  async note({ webhook, position, attempt, durationMs, status, outcome, failure }) {
    const values = [webhook, position, attempt, durationMs, status, outcome, failure];
    await pool.query({ ...insertDelivery, values });
  },
  async list(webhook, { before, limit, outcome, position }) {
    const values = [webhook, before ?? null, limit, outcome ?? null, position ?? null];
    return (await pool.query<DeliveryView>({ ...selectDeliveries, values })).rows;
  },
  async forgetOld() {
    await pool.query({ ...forgetDeliveries, values: [keptOfEach, keptDays] });
  },
});
