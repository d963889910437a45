/**
 * Signing tools in, put together: one OpenID provider at `/auth/oidc` of the public URL, over the policy
 * in force, our sessions and PostgreSQL, so that any number of processes serve it alike.
 */
import { hkdfSync } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isDeepStrictEqual } from 'node:util';
import type { JWK } from 'jose';
import type Provider from 'oidc-provider';
import type { Client, KoaContextWithOIDC } from 'oidc-provider';
import type { Db } from '../../db/pool.ts';
import type { Access } from '../access.ts';
import { SigningKeyChanged } from '../engine-events.ts';
import { scopeOf } from '../policy.ts';
import type { Clock, OnError, TextCodec } from '../ports.ts';
import { systemPrincipal } from '../principal.ts';
import { whoIs } from '../recorder.ts';
import * as sql from '../sql/oidc-records.ts';
import { clientOf } from './clients.ts';
import { type ExchangeDeps, registerExchange } from './exchange.ts';
import { createGrantDesk, type GrantDesk } from './grant-desk.ts';
import { createGrants } from './grants.ts';
import { continueSignIn, type NextStep } from './interaction.ts';
import { createProvider } from './provider.ts';
import { recordTokens } from './recording.ts';
import { createRecords } from './records.ts';
import { createSessionOf, type RequestFacts, setFacts } from './requests.ts';
import { resourceServerOf } from './scopes.ts';
import { createSigningKeys } from './signing-keys.ts';

export const oidcPath = '/auth/oidc';

export interface ToolSignOnOptions {
  readonly access: Access;
  readonly pool: Db;
  readonly codec: TextCodec;
  readonly clock: Clock;
  readonly onError: OnError;
  /** 32 bytes; keys for cookies and for codes that people type are derived from it. */
  readonly secret: Buffer;
  readonly entityIdOf: ExchangeDeps['entityIdOf'];
}

export interface ToolSignOn {
  readonly issuer: string;
  readonly grantDesk: GrantDesk;
  /** Answers every address under `/auth/oidc` but the one that signs a person in. */
  handle(request: IncomingMessage, response: ServerResponse, facts: RequestFacts): void;
  /** As `continueSignIn`. */
  continueSignIn(request: IncomingMessage, response: ServerResponse): Promise<NextStep>;
  /** Whether somebody is signed in who could let a device in. */
  isSignedIn(request: IncomingMessage): Promise<boolean>;
  /** Signs with a new key from now on, in this process at once and in the others within seconds. Its kid. */
  rotateSigningKey(): Promise<string>;
  stop(): Promise<void>;
}

const everyMs = { keys: 5_000, sweep: 10 * 60_000 } as const;

/** Resolves when the signing keys are read. */
export const openToolSignOn = async (options: ToolSignOnOptions): Promise<ToolSignOn> => {
  const { access, pool, codec, clock, onError, entityIdOf } = options;
  const { policy, people, tokens, recorder, denials, publicUrl } = access;
  const issuer = `${publicUrl}${oidcPath}`;
  const resource = `${publicUrl}/internal`;
  const derived = (use: string) => Buffer.from(hkdfSync('sha256', options.secret, Buffer.alloc(0), use, 32));
  const sessionOf = createSessionOf(access.cookies, access.sessions);
  const grants = createGrants({ pool, people, sessionOf, clock });
  const signingKeys = createSigningKeys({
    pool,
    codec,
    clock,
    onChanged: (kid, why) => recorder.record(SigningKeyChanged.of({ kid, why }), whoIs(systemPrincipal)),
  });
  const adapter = createRecords({
    pool,
    codec,
    clock,
    userCodeKey: derived('quarterdeck user codes'),
    clientOf: (id) => clientOf(policy.current().policy, id),
    onEnded: tokens.forgetAll,
  });
  const resourceServerFor = (ctx: KoaContextWithOIDC, { clientId }: Client) =>
    resourceServerOf(ctx, resource, scopeOf(policy.current().policy, clientId));

  const providerOver = (keys: readonly JWK[]): Provider => {
    const provider = createProvider(issuer, {
      adapter,
      policy,
      grants,
      sessionOf,
      keys,
      cookieKey: derived('quarterdeck oidc cookies'),
      secure: publicUrl.startsWith('https:'),
      resource,
      resourceServerFor,
      signInPath: `${oidcPath}/sign-in/`,
      deviceAddress: `${oidcPath}/device`,
    });
    registerExchange(provider, { policy, people, grants, entityIdOf, resource, resourceServerFor });
    recordTokens(provider, { recorder, denials, onError });
    return provider;
  };

  let keys = await signingKeys.current();
  let provider = providerOver(keys);
  let serve = provider.callback();
  /** A provider has its keys for life; all that it remembers is in PostgreSQL, so another one takes over. */
  const followKeys = async (): Promise<void> => {
    const now = await signingKeys.current();
    if (isDeepStrictEqual(now, keys)) return;
    keys = now;
    provider = providerOver(keys);
    serve = provider.callback();
  };
  const timers = [
    setInterval(
      () => void followKeys().catch((e: unknown) => onError(e, 'reading signing keys')),
      everyMs.keys,
    ),
    setInterval(() => {
      const values = [clock()];
      pool
        .query({ ...sql.deleteExpiredRecords, values })
        .catch((error: unknown) => onError(error, 'deleting expired tokens'));
    }, everyMs.sweep),
  ];
  for (const timer of timers) timer.unref();

  return {
    issuer,
    grantDesk: createGrantDesk({ pool, people, recorder, clock, onEnded: tokens.forgetAll }),
    handle: (request, response, facts) => {
      setFacts(request, facts);
      asPublic(request, publicUrl);
      void serve(request, response);
    },
    continueSignIn: (request, response) => {
      asPublic(request, publicUrl);
      return continueSignIn({ provider, sessionOf }, request, response);
    },
    isSignedIn: async (request) => (await sessionOf(request)) !== undefined,
    rotateSigningKey: async () => {
      const kid = await signingKeys.rotate();
      await followKeys();
      return kid;
    },
    stop: async () => {
      for (const timer of timers) clearInterval(timer);
    },
  };
};

/** oidc-provider makes addresses from the request's headers; ours follow from the public URL, whoever asks. */
const asPublic = ({ headers }: IncomingMessage, publicUrl: string): void => {
  const { host, protocol } = new URL(publicUrl);
  headers.host = host;
  headers['x-forwarded-proto'] = protocol.slice(0, -1);
  delete headers['x-forwarded-host'];
};
