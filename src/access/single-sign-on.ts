/**
 * Single sign-on, put together: our SAML side, the identity providers it trusts, signing in and out.
 * Where none is configured, outside production, the development provider is started and is the one.
 */
import type { Db } from '../db/pool.ts';
import type { Access } from './access.ts';
import { startDevelopmentProvider } from './development-provider/server.ts';
import type { Clock, OnError } from './ports.ts';
import { signingKeyIn } from './saml/key-files.ts';
import { createLedger } from './saml/ledger.ts';
import { loadProvider, parseProviderMetadata } from './saml/provider-metadata.ts';
import { createServiceProvider, type ServiceProvider } from './saml/service-provider.ts';
import { createSignIn, type SignIn } from './sign-in.ts';
import { createSignOut, type SignOut } from './sign-out.ts';

export interface SingleSignOnOptions {
  readonly access: Access;
  readonly pool: Db;
  readonly clock: Clock;
  readonly onError: OnError;
  readonly production: boolean;
  /** Keys are kept here. */
  readonly dataDir: string;
  /** Files or URLs, each with an optional name: `okta=https://…`. Empty: the development provider. */
  readonly metadata: readonly string[];
  readonly entityId?: string | undefined;
  readonly groupsAttribute: string;
}

export interface SingleSignOn {
  readonly sp: ServiceProvider;
  readonly signIn: SignIn;
  readonly signOut: SignOut;
  /** Origins that signing in and out leads a browser to. */
  readonly providerOrigins: readonly string[];
  /** Address of the development provider, where it runs. */
  readonly developmentUrl: string | undefined;
  stop(): Promise<void>;
}

/** The id that the sample policy knows the development provider by. */
export const developmentProviderId = 'development';

const sweepMs = 10 * 60_000;

/** @throws Error with a sentence for whoever starts the process */
export const openSingleSignOn = async (options: SingleSignOnOptions): Promise<SingleSignOn> => {
  const { access, pool, clock, onError, production, dataDir, metadata, entityId, groupsAttribute } = options;
  const { publicUrl } = access;
  const now = clock();
  const key = await signingKeyIn({
    folder: dataDir,
    name: 'saml-service-provider',
    commonName: 'Quarterdeck',
    now,
  });
  const configured = await Promise.all(metadata.map(loadProvider));
  const own = createServiceProvider({ publicUrl, entityId, key, providers: configured });
  const development =
    metadata.length > 0 ? undefined : await startDevelopment(own, production, dataDir, clock);
  const sp =
    development === undefined
      ? own
      : createServiceProvider({
          publicUrl,
          entityId,
          key,
          providers: [parseProviderMetadata(developmentProviderId, development.metadata)],
        });
  const ledger = createLedger(pool, clock);
  const { policy, people, sessions, denials, recorder } = access;
  const sweep = setInterval(() => {
    ledger.sweep().catch((error: unknown) => onError(error, 'deleting old sign-in requests'));
  }, sweepMs);
  sweep.unref();
  return {
    sp,
    signIn: createSignIn({
      sp,
      ledger,
      pool,
      people,
      sessions,
      policy,
      recorder,
      denials,
      clock,
      groupsAttribute,
    }),
    signOut: createSignOut({ sp, ledger, pool, people, sessions, recorder, denials, clock }),
    providerOrigins: [...new Set(sp.providers.flatMap(originsOf))],
    developmentUrl: development?.url,
    stop: async () => {
      clearInterval(sweep);
      await development?.stop();
    },
  };
};

const originsOf = ({
  signInUrl,
  signOutUrl,
}: {
  signInUrl: string;
  signOutUrl?: string;
}): readonly string[] =>
  [signInUrl, signOutUrl].flatMap((url) => (url === undefined ? [] : new URL(url).origin));

const startDevelopment = async (sp: ServiceProvider, production: boolean, folder: string, clock: Clock) => {
  if (production) {
    throw new Error(
      'QUARTERDECK_SAML_METADATA is required in production: files or URLs of identity providers',
    );
  }
  const name = 'development-provider';
  const key = await signingKeyIn({
    folder,
    name,
    commonName: 'Quarterdeck development provider',
    now: clock(),
  });
  const { entityId, acsUrl, sloUrl } = sp;
  const served = { entityId, acsUrl, sloUrl, certificate: sp.key.certificate };
  return startDevelopmentProvider({ production, key, served, clock });
};
