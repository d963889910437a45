/** Units and metadata as the product makes them, for the benches that go past HTTP. */

import type { Principal } from '#engine/access/principal';
import { permissions } from '#engine/access/principal';
import type { EventData } from '#engine/events/definition';
import type { Metadata } from '#engine/events/envelope';
import { newEventId as newId } from '#engine/events/event-id';
import type { Unit } from '#engine/events/unit';

/**
 * How much of the metadata is personal: nothing; e-mail, name and address, alike for all commands of one
 * sign-in; these and a reason of each command's own.
 */
export type PersonalMetadata = 'none' | 'session' | 'reason';

/** All processes that work on one database need the same. */
export const masterKey = Buffer.alloc(32, 7);

export const signingKey = Buffer.alloc(32, 9);

export const timestamp = (): string => new Date().toISOString().replace('Z', '000Z');

/** What is alike for all commands of one client: a person in a session of their own. */
const sessionOf = (client: number) => ({
  actor: { id: `person:${client.toString(16).padStart(32, '0')}`, kind: 'person' as const },
  tool: 'console',
  sessionId: `session-${client}`,
  command: 'change-plan',
});

const personOf = (client: number) => ({
  email: `person-${client}@example.test`,
  name: `Person Number ${client}`,
  ip: `10.0.${client >> 8}.${client & 255}`,
});

export const metadataOf = (client: number, nth: number, personal: PersonalMetadata): Metadata => {
  const commandId = newId();
  return {
    ...sessionOf(client),
    commandId,
    correlationId: commandId,
    decidedAt: timestamp(),
    ...(personal === 'none' ? {} : personOf(client)),
    ...(personal === 'reason' ? { reason: `asked for by the customer in call ${client}-${nth}` } : {}),
  };
};

export const unitOf = (
  stream: string,
  base: number,
  type: string,
  data: EventData,
  metadata: Metadata,
): Unit => ({
  writes: [{ stream, base }],
  reads: [],
  claims: [],
  releases: [],
  keys: [],
  events: [{ stream, type, data, metadata }],
});

export const accountOpened = (accountId: string, personal: boolean): EventData => ({
  accountId,
  plan: 'basic',
  contract: 'month-to-month',
  paymentMethod: 'Electronic check',
  tenureMonths: 12,
  monthlyCharges: { minor: 2985, currency: 'USD' },
  totalCharges: { minor: 35_820, currency: 'USD' },
  currency: 'USD',
  ...(personal ? { name: `Customer ${accountId}`, ownerEmail: `${accountId}@example.test` } : {}),
});

export const principalOf = (client: number): Principal => ({
  ...personOf(client),
  id: sessionOf(client).actor.id,
  kind: 'person',
  roles: ['ops'],
  permissions: permissions(['*']),
  tool: 'console',
  sessionId: `session-${client}`,
});
