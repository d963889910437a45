/**
 * What access writes into the log. Who it was by name, from where, and free text stand in the metadata,
 * which the codec encrypts; the data holds only what may stay for ever.
 */
import { z } from 'zod';
import { defineEvent } from '../events/definition.ts';
import { policySchema } from './policy.ts';

/** The reserved streams. */
export const accessStream = '$access';
export const policyStream = '$policy';

/** Of an identity provider, by its id in the policy. */
export const providerStream = (id: string): string => `$identity-provider-${id}`;

const none = () => [] as const;

/** The actor is the person, `metadata.sessionId` the session that began. */
export const SignedIn = defineEvent({
  type: 'SignedIn',
  schema: z.object({
    provider: z.string(),
    roles: z.array(z.string()),
    /** `provider`: without a request of ours, where the policy allows that; absent in old events. */
    begunBy: z.enum(['person', 'provider']).optional(),
  }),
  refs: none,
});

/** `by`: the person's own request, the identity provider's logout, a new sign-in of the same browser. */
export const SignedOut = defineEvent({
  type: 'SignedOut',
  schema: z.object({ by: z.enum(['person', 'provider', 'new-sign-in']), sessions: z.number().int() }),
  refs: none,
});

/** Ended from the list of sessions, by its owner or by somebody who may end those of others. */
export const SessionRevoked = defineEvent({
  type: 'SessionRevoked',
  schema: z.object({ session: z.string(), person: z.string() }),
  refs: ({ session, person }) => [session, person],
});

const person = z.string();
const refsPerson = ({ person: id }: { person: string }) => [id];

/** A provider's directory told us of somebody for the first time. */
export const PersonProvisioned = defineEvent({
  type: 'PersonProvisioned',
  schema: z.object({ person, provider: z.string() }),
  refs: refsPerson,
});

/** May not come in any more; `sessions`: how many ended by it. */
export const PersonDeactivated = defineEvent({
  type: 'PersonDeactivated',
  schema: z.object({ person, sessions: z.number().int() }),
  refs: refsPerson,
});

/** May come in again. */
export const PersonActivated = defineEvent({
  type: 'PersonActivated',
  schema: z.object({ person }),
  refs: refsPerson,
});

/** By their directory: names and external ids of groups. */
export const GroupsOfPersonChanged = defineEvent({
  type: 'GroupsOfPersonChanged',
  schema: z.object({ person, added: z.array(z.string()), removed: z.array(z.string()) }),
  refs: refsPerson,
});

/** By their directory: which attributes that row rules know of; what they hold now may be personal. */
export const AttributesOfPersonChanged = defineEvent({
  type: 'AttributesOfPersonChanged',
  schema: z.object({ person, names: z.array(z.string()) }),
  refs: refsPerson,
});

/** `why` is the name of the check that failed. */
export const SignInRefused = defineEvent({
  type: 'SignInRefused',
  schema: z.object({ provider: z.string().optional(), why: z.string() }),
  refs: none,
});

export const AccessDenied = defineEvent({
  type: 'AccessDenied',
  schema: z.object({
    code: z.string(),
    method: z.string().optional(),
    /** The path without its query, which may hold a secret. */
    path: z.string().optional(),
    /** The permission that was missing, or where a foreign credential was found; never the credential. */
    detail: z.string().optional(),
  }),
  refs: none,
});

/** Denials of one source and code that were not recorded one by one, over the minute that began at `minute`. */
export const DenialsCounted = defineEvent({
  type: 'DenialsCounted',
  schema: z.object({ code: z.string(), count: z.number().int(), minute: z.string() }),
  refs: none,
});

/** How a token was obtained. */
const tokenGrant = z.string();

/**
 * The actor is whom the token stands for, `metadata.tool` the tool that got it. A person's tokens of one
 * sign-in share `metadata.sessionId`.
 */
export const TokenIssued = defineEvent({
  type: 'TokenIssued',
  schema: z.object({
    grant: tokenGrant,
    scope: z.array(z.string()),
    refreshable: z.boolean(),
    /** Whose token was exchanged, by its id in the policy. */
    issuer: z.string().optional(),
  }),
  refs: none,
});

/** `why` says what was wrong, never with what. */
export const TokenRefused = defineEvent({
  type: 'TokenRefused',
  schema: z.object({ grant: tokenGrant, error: z.string(), why: z.string() }),
  refs: none,
});

/**
 * `by`: the tool itself, the second use of what may be used once, which ends the whole grant, or a person
 * who ended what `person` gave `tool`.
 */
export const TokenRevoked = defineEvent({
  type: 'TokenRevoked',
  schema: z.object({
    by: z.enum(['tool', 'second-use', 'person']),
    what: z.string(),
    tool: z.string().optional(),
    person: z.string().optional(),
  }),
  refs: ({ person }) => (person === undefined ? [] : [person]),
});

const fingerprints = z.array(z.string());

/** Certificates by the SHA-256 of each, in hex with colons; `certificates`: all that are trusted from now on. */
export const ProviderKeysChanged = defineEvent({
  type: 'ProviderKeysChanged',
  schema: z.object({
    provider: z.string(),
    entityId: z.string(),
    /** The address or file that it was read from, or `development`; `a copy of …` while that failed. */
    source: z.string(),
    added: fingerprints,
    removed: fingerprints,
    certificates: fingerprints,
  }),
  refs: ({ provider }) => [provider],
});

/** ID tokens are signed with another key, named as tools see it: its time had come, or somebody asked for it. */
export const SigningKeyChanged = defineEvent({
  type: 'SigningKeyChanged',
  schema: z.object({ kid: z.string(), why: z.enum(['due', 'asked']) }),
  refs: none,
});

export const PolicyApplied = defineEvent({
  type: 'PolicyApplied',
  schema: z.object({
    policy: policySchema,
    /** JSON Patch (RFC 6902) from the policy before. */
    diff: z.array(z.record(z.string(), z.unknown())),
    /** Where a start proposed it: SHA-256 of what its file said, in hex. */
    proposed: z.string().optional(),
  }),
  refs: none,
});

export const accessEvents = [
  SignedIn,
  SignedOut,
  SessionRevoked,
  PersonProvisioned,
  PersonDeactivated,
  PersonActivated,
  GroupsOfPersonChanged,
  AttributesOfPersonChanged,
  SignInRefused,
  AccessDenied,
  DenialsCounted,
  TokenIssued,
  TokenRefused,
  TokenRevoked,
  ProviderKeysChanged,
  SigningKeyChanged,
  PolicyApplied,
] as const;
