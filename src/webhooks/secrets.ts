/**
 * Secrets of endpoints. Derived, by endpoint and generation, from a key of the installation that is kept under
 * the master key: there is nothing to store, nothing of them in a backup, and nothing to be lost.
 */
import { hkdfSync } from 'node:crypto';
import type { Webhook } from './state.ts';

export interface Secrets {
  /** As Standard Webhooks writes it: `whsec_` and 32 bytes in base64. */
  of(webhookId: string, generation: number): string;
  /** Those that a message is signed with now: the newest, and while they overlap the one before. */
  inUse(
    webhookId: string,
    webhook: Pick<Webhook, 'generation' | 'previousUntil'>,
    now: string,
  ): readonly string[];
}

export const createSecrets = (secret: Buffer): Secrets => {
  const of = (webhookId: string, generation: number): string => {
    const info = `webhook\n${webhookId}\n${generation}`;
    return `whsec_${Buffer.from(hkdfSync('sha256', secret, '', info, 32)).toString('base64')}`;
  };
  return {
    of,
    inUse: (webhookId, { generation, previousUntil }, now) => {
      const overlaps = previousUntil !== null && Date.parse(previousUntil) > Date.parse(now);
      return [generation, ...(overlaps ? [generation - 1] : [])].map((one) => of(webhookId, one));
    },
  };
};
