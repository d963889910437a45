/**
 * Access, put together: who comes in, as whom, and what they may do. One value of this holds the policy
 * in force, the people, their sessions and the gate that every request passes; signing in through an
 * identity provider (`single-sign-on.ts`) is built on it by processes that serve browsers.
 */
import { hkdfSync } from 'node:crypto';
import { createListener, type Listener } from '../db/listen.ts';
import type { Db } from '../db/pool.ts';
import type { ErrorCode } from '../errors.ts';
import type { EventLog } from '../events/log.ts';
import { type Ceilings, createCeilings } from './ceilings.ts';
import { type Cookies, createCookies } from './cookies.ts';
import {
  type CustomerCredentialRules,
  credentialRulesOf,
  defaultCustomerCredentials,
} from './customer-credentials.ts';
import { createDenials, type Denials } from './denials.ts';
import { createGate, type Gate } from './gate.ts';
import { createNetwork } from './network.ts';
import { type AccessTokens, createAccessTokens } from './oidc/access-tokens.ts';
import { isToolOrigin, originBelongsTo } from './oidc/clients.ts';
import { createOwnOrigin, type OwnOrigin } from './own-origin.ts';
import { createPeople, type People } from './people.ts';
import { ceilingOf } from './policy.ts';
import { createPolicyDesk, type PolicyDesk } from './policy-desk.ts';
import type { PolicyCheck } from './policy-file.ts';
import { createPolicyHistory, type PolicyHistory } from './policy-history.ts';
import { createPolicyInForce, type PolicyInForce } from './policy-in-force.ts';
import type { Clock, NewId, OnError, TextCodec } from './ports.ts';
import { type Principal, serviceId } from './principal.ts';
import { createPrincipals } from './principals.ts';
import { createProviderKeys, type ProviderKeys } from './provider-keys.ts';
import { createRecorder, type Recorder, whoIs } from './recorder.ts';
import { createScim, type Scim, type ScimOptions } from './scim/scim.ts';
import { createSessionDesk, type SessionDesk } from './session-desk.ts';
import { createSessions, defaultSessionLimits, type SessionLimits, type Sessions } from './sessions.ts';
import { ceilingsChannel, notifyCeilings, policyChannel, sessionsChannel } from './sql/notifications.ts';

export interface AccessOptions {
  readonly pool: Db;
  /** A direct connection for LISTEN, past any pooler. */
  readonly directUrl: string;
  readonly log: Pick<EventLog, 'append' | 'record' | 'readStreams' | 'head' | 'positionAt'>;
  readonly codec: TextCodec;
  /** 32 bytes, kept as long as the people are: `identityKeyFrom` a key that no rotation changes. */
  readonly identityKey: Buffer;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly onError: OnError;
  readonly publicUrl: string;
  /** CIDRs; none means loopback. */
  readonly allowedNetworks: readonly string[];
  readonly trustedProxies: readonly string[];
  readonly customerCredentials?: CustomerCredentialRules;
  readonly sessionLimits?: Partial<SessionLimits>;
  /** Whether a policy names commands, projections and fields that there are. */
  readonly policyCheck?: PolicyCheck;
  /** Every permission that something asks for. */
  readonly permissionsAskedFor?: readonly string[];
}

/** Whose request it was; a command's `Origin` is one. */
export interface DeniedOrigin {
  readonly principal: Principal;
  readonly ip?: string;
  readonly correlationId?: string;
  readonly traceparent?: string;
}

export interface Access extends PolicyDesk {
  readonly policy: PolicyInForce;
  readonly gate: Gate;
  readonly people: People;
  readonly sessions: Sessions;
  readonly sessionDesk: SessionDesk;
  readonly tokens: AccessTokens;
  readonly denials: Denials;
  readonly recorder: Recorder;
  readonly providerKeys: ProviderKeys;
  readonly cookies: Cookies;
  readonly publicUrl: string;
  readonly comesFromOwnOrigin: OwnOrigin;
  /** Whether the policy in force lets pages of that origin call, as some tool. */
  isToolOrigin(origin: string): boolean;
  /**
   * The person or service as they are now, through that tool: roles by the policy in force. undefined where
   * they are unknown or deactivated. For work that goes on after its request, such as a chunk of a bulk job.
   */
  principalOf(id: string, tool: string): Promise<Principal | undefined>;
  /** Records a refusal decided elsewhere, for a command or a bulk job: `not_permitted` unless it has a code. */
  denied(
    origin: DeniedOrigin,
    denial: { readonly command?: string; readonly permission?: string; readonly code?: ErrorCode },
  ): Promise<void>;
  /** The policy that was in force at any position or time. */
  readonly policyHistory: PolicyHistory;
  /** Calls back when sessions may have ended, in this process or another. */
  onSessionsEnded(listener: () => void): () => void;
  /** What directories may tell us of people; knows the identity providers, which are opened after this. */
  openScim(options: ScimOptions): Scim;
  stop(): Promise<void>;
}

/** A key of its own for the ids of people, derived so that `secret` itself is used for nothing here. */
export const identityKeyFrom = (secret: Buffer): Buffer =>
  Buffer.from(hkdfSync('sha256', secret, Buffer.alloc(0), 'quarterdeck people', 32));

const every = { flushMs: 10_000, policyMs: 5_000, sweepMs: 10 * 60_000, ceilingsMs: 500 } as const;

/** Resolves when the policy is read. */
export const createAccess = async (options: AccessOptions): Promise<Access> => {
  const { pool, log, codec, identityKey, clock, newId, onError, publicUrl, policyCheck } = options;
  const recorder = createRecorder(log, clock, newId);
  const policy = createPolicyInForce({ log, pool, recorder });
  const people = createPeople({ db: pool, codec, clock, identityKey });
  const limits = { ...defaultSessionLimits, ...options.sessionLimits };
  let listener: Listener | undefined;
  const heard = () => listener?.connected === true;
  const tokens = createAccessTokens({ pool, people, clock, cacheMs: limits.cacheMs, heard });
  const sessions = endingTokens(
    createSessions({ pool, people, codec, clock, newId, onError, limits, heard }),
    tokens,
  );
  const denials = createDenials({ recorder, clock, onError });
  const cookies = createCookies(publicUrl.startsWith('https:'));
  const principals = createPrincipals(policy);
  const comesFromOwnOrigin = createOwnOrigin(publicUrl);
  const network = createNetwork({ allowed: options.allowedNetworks, trustedProxies: options.trustedProxies });
  const credentialRules = credentialRulesOf(options.customerCredentials ?? defaultCustomerCredentials);
  const ceilings = createCeilings((tool) => ceilingOf(policy.current().policy, tool), clock);
  const gate = createGate({
    network,
    credentials: () => credentialRules(policy.current().policy),
    cookies,
    comesFromOwnOrigin,
    denials,
    authenticate: sessions.authenticate,
    principalOf: principals.ofSession,
    authenticateToken: tokens.authenticate,
    principalOfToken: principals.ofToken,
    takeOf: ceilings.take,
    originBelongsTo: (tool, origin) => originBelongsTo(policy.current().policy, tool, origin),
  });

  const endListeners = new Set<() => void>();
  const onEnded = () => {
    for (const tell of endListeners) tell();
  };
  listener = hear(options, { policy, sessions, ceilings, onEnded });
  await policy.refresh();
  const timers = startTimers(options, { policy, sessions, denials, ceilings });

  return {
    policy,
    gate,
    people,
    sessions,
    sessionDesk: createSessionDesk(sessions, recorder),
    tokens,
    denials,
    recorder,
    providerKeys: createProviderKeys({ log, recorder }),
    cookies,
    publicUrl,
    comesFromOwnOrigin,
    isToolOrigin: (origin) => isToolOrigin(policy.current().policy, origin),
    principalOf: async (id, tool) => {
      if (id === serviceId(tool)) return principals.ofService(tool);
      const person = await people.find(id);
      return person?.active === true ? principals.of({ ...person, tool }) : undefined;
    },
    denied: (
      { principal, ip, correlationId, traceparent },
      { command, permission, code = 'not_permitted' },
    ) => {
      const who = {
        ...whoIs(principal, ip),
        ...(command === undefined ? {} : { command }),
        ...(correlationId === undefined ? {} : { correlationId }),
        ...(traceparent === undefined ? {} : { traceparent }),
      };
      return denials.note({ code, who, ...(permission === undefined ? {} : { detail: permission }) });
    },
    policyHistory: createPolicyHistory({ log, clock }),
    ...createPolicyDesk({ policy, check: policyCheck, known: options.permissionsAskedFor }),
    onSessionsEnded: (listener) => {
      endListeners.add(listener);
      return () => endListeners.delete(listener);
    },
    openScim: (scim) =>
      createScim(
        { pool, codec, identityKey, clock, newId, people, sessions, recorder, denials, policy },
        scim,
      ),
    stop: async () => {
      for (const timer of timers) clearInterval(timer);
      await listener?.stop();
      await denials.flush(true);
    },
  };
};

const soon = (onError: OnError, work: () => Promise<unknown>, doing: string) => () => {
  work().catch((error: unknown) => onError(error, doing));
};

/** What was given in a session ends with it, in this process before the call returns. */
const endingTokens = (sessions: Sessions, { forgetAll }: AccessTokens): Sessions => ({
  ...sessions,
  revoke: (token) => sessions.revoke(token).finally(forgetAll),
  revokeOf: (...whose) => sessions.revokeOf(...whose).finally(forgetAll),
  onRevoked: (payload) => {
    sessions.onRevoked(payload);
    forgetAll();
  },
  forgetAll: () => {
    sessions.forgetAll();
    forgetAll();
  },
});

interface Heard extends Pick<Access, 'policy' | 'sessions'> {
  readonly ceilings: Ceilings;
  readonly onEnded: () => void;
}

/** Keeps this process abreast of what others do. */
const hear = (
  { directUrl, onError }: AccessOptions,
  { policy, sessions, ceilings, onEnded }: Heard,
): Listener => {
  const refresh = soon(onError, policy.refresh, 'reading the access policy');
  return createListener({
    url: directUrl,
    channels: [sessionsChannel, policyChannel, ceilingsChannel],
    onNotification: (channel, payload) => {
      if (channel === policyChannel) return refresh();
      if (channel === ceilingsChannel) return ceilings.heard(payload);
      sessions.onRevoked(payload);
      onEnded();
    },
    onReconnect: () => {
      sessions.forgetAll();
      refresh();
      onEnded();
    },
    log: (line) => onError(new Error(line), 'listening for revoked sessions'),
  });
};

const startTimers = (
  { onError, pool }: AccessOptions,
  {
    policy,
    sessions,
    denials,
    ceilings,
  }: Pick<Access, 'policy' | 'sessions' | 'denials'> & Pick<Heard, 'ceilings'>,
): readonly NodeJS.Timeout[] => {
  const tell = async (): Promise<void> => {
    const told = ceilings.toTell();
    if (told !== undefined) await pool.query({ ...notifyCeilings, values: [told] });
  };
  const timers = [
    setInterval(soon(onError, policy.refresh, 'reading the access policy'), every.policyMs),
    setInterval(
      soon(onError, () => denials.flush(), 'recording denials'),
      every.flushMs,
    ),
    setInterval(soon(onError, tell, 'telling what tools asked'), every.ceilingsMs),
    setInterval(soon(onError, sessions.sweep, 'deleting ended sessions'), every.sweepMs),
  ];
  for (const timer of timers) timer.unref();
  return timers;
};
