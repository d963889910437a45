/**
 * Single sign-on, put together: our SAML side, the identity providers it trusts, signing in and out.
 * Where none is configured, outside production, the development provider is started and is the one.
 */
import type { Db } from '../db/pool.ts';
import type { Access } from './access.ts';
import { startDevelopmentProvider } from './development-provider/server.ts';
import type { Clock, OnError } from './ports.ts';
import { kept } from './saml/kept-metadata.ts';
import { nextKeyIn, signingKeyIn } from './saml/key-files.ts';
import { createLedger } from './saml/ledger.ts';
import { givenMetadata, metadataSource } from './saml/metadata-source.ts';
import { openProviderDirectory, type ProviderDirectory } from './saml/provider-directory.ts';
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
  /** How often metadata is read again, in milliseconds. */
  readonly metadataEveryMs?: number;
  /** How often metadata that is missing is asked for again, in milliseconds. */
  readonly missingEveryMs?: number;
}

export interface SingleSignOn {
  readonly sp: ServiceProvider;
  readonly directory: ProviderDirectory;
  readonly signIn: SignIn;
  readonly signOut: SignOut;
  /** Origins that signing in and out leads a browser to, as the metadata says now. */
  providerOrigins(): readonly string[];
  /** Address of the development provider, where it runs. */
  readonly developmentUrl: string | undefined;
  stop(): Promise<void>;
}

/** The id that the sample policy knows the development provider by. */
export const developmentProviderId = 'development';

const every = { sweepMs: 10 * 60_000, metadataMs: 15 * 60_000, missingMs: 15_000 } as const;

/** @throws Error with a sentence for whoever starts the process */
export const openSingleSignOn = async (options: SingleSignOnOptions): Promise<SingleSignOn> => {
  const { access, pool, clock, onError, metadata, groupsAttribute } = options;
  const sp = await ourSide(options);
  const development = metadata.length > 0 ? undefined : await startDevelopment(sp, options);
  const sources =
    development === undefined
      ? metadata.map((setting) => kept(metadataSource(setting), { folder: options.dataDir, onError }))
      : [givenMetadata(developmentProviderId, development.metadata)];
  const directory = await openProviderDirectory({
    sources,
    clock,
    onError,
    record: access.providerKeys.record,
  });
  const ledger = createLedger(pool, clock);
  const { policy, people, sessions, denials, recorder } = access;
  const timers = [
    repeat(every.sweepMs, ledger.sweep, (error) => onError(error, 'deleting old sign-in requests')),
    repeat(options.metadataEveryMs ?? every.metadataMs, directory.refresh, (error) =>
      onError(error, 'reading metadata again'),
    ),
    repeat(options.missingEveryMs ?? every.missingMs, directory.seekMissing, (error) =>
      onError(error, 'reading metadata that is missing'),
    ),
  ];
  const parts = { sp, directory, ledger, pool, people, sessions, recorder, denials, clock };
  return {
    sp,
    directory,
    signIn: createSignIn({ ...parts, policy, groupsAttribute }),
    signOut: createSignOut(parts),
    providerOrigins: () => [...new Set(directory.all().flatMap(originsOf))],
    developmentUrl: development?.url,
    stop: async () => {
      for (const timer of timers) clearInterval(timer);
      await development?.stop();
    },
  };
};

const repeat = (ms: number, work: () => Promise<void>, onFault: (error: unknown) => void): NodeJS.Timeout => {
  const timer = setInterval(() => work().catch(onFault), ms);
  timer.unref();
  return timer;
};

const ourSide = async (options: SingleSignOnOptions): Promise<ServiceProvider> => {
  const { access, clock, dataDir: folder, entityId } = options;
  const keyOf = (name: string, commonName: string) =>
    signingKeyIn({ folder, now: clock(), name, commonName });
  return createServiceProvider({
    publicUrl: access.publicUrl,
    entityId,
    key: await keyOf('saml-service-provider', 'Quarterdeck'),
    nextKey: await nextKeyIn(folder, 'saml-service-provider'),
    encryptionKey: await keyOf('saml-encryption', 'Quarterdeck encryption'),
    nextEncryptionKey: await nextKeyIn(folder, 'saml-encryption'),
  });
};

const originsOf = ({
  signInUrl,
  signOutUrl,
}: {
  signInUrl: string;
  signOutUrl?: string;
}): readonly string[] =>
  [signInUrl, signOutUrl].flatMap((url) => (url === undefined ? [] : new URL(url).origin));

const startDevelopment = async (sp: ServiceProvider, options: SingleSignOnOptions) => {
  const { production, dataDir: folder, clock } = options;
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
