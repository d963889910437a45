/**
 * The identity providers that we know, and their metadata as it is now: read at the start, again every so
 * often, and at once when a message is signed with a key that is not in it — but for each provider at most
 * once a minute, so that forged messages do not make us a nuisance to it. A provider that changes its keys
 * needs no restart here. What was read last stays in use while its source fails, as long as it is valid. A
 * provider whose address fails at the start, and of which nothing was kept, is missing until it answers: people
 * of the others sign in meanwhile.
 */
import type { Clock, OnError } from '../ports.ts';
import { createKnownProviders } from './known-providers.ts';
import type { MetadataSource } from './metadata-source.ts';
import type { IdentityProvider } from './provider-metadata.ts';
import { SamlRefusal } from './refusal.ts';

export interface ProviderDirectory {
  all(): readonly IdentityProvider[];
  /** @throws SamlRefusal `provider-unknown`, `metadata-expired` */
  byId(id: string): IdentityProvider;
  /** @throws SamlRefusal `provider-unknown`, `metadata-expired` */
  byEntityId(entityId: string | undefined): IdentityProvider;
  /** Providers that nobody can sign in by now, and why; for people who look after this. */
  missing(): readonly { readonly id: string; readonly why: string }[];
  /** Reads what is missing again. */
  seekMissing(): Promise<void>;
  /** Reads all metadata again; what cannot be read is reported and stays as it is. */
  refresh(): Promise<void>;
  /**
   * The outcome of `attempt`, which is made once more with metadata read anew where it was refused for the
   * signature of a provider that has other keys now.
   */
  withNewKeys<T>(attempt: () => Promise<T>): Promise<T>;
}

interface Options {
  readonly sources: readonly MetadataSource[];
  readonly clock: Clock;
  readonly onError: OnError;
  /** Puts the keys that are believed from now on on record; what cannot be recorded is not believed. */
  readonly record: (provider: IdentityProvider, source: string) => Promise<void>;
}

const askedAgainAfterMs = 60_000;
/** What a message is refused as whose key nobody here knows. */
const unknownKey: ReadonlySet<string> = new Set(['signature', 'encrypted-assertion']);

/** @throws Error with a sentence where a file or setting is wrong, two providers are the same, or none can be used */
export const openProviderDirectory = async (options: Options): Promise<ProviderDirectory> => {
  const { sources, clock, onError, record } = options;
  const known = createKnownProviders(clock);
  const faults = new Map<string, string>();
  const askedAt = new Map<string, number>();

  const believe = async (provider: IdentityProvider, source: string): Promise<void> => {
    known.requireOwn(provider);
    await record(provider, source);
    known.set(provider);
    faults.delete(provider.id);
  };

  /** At the start; a provider whose address does not answer just then is as it was the last time, or missing. */
  const readFirst = async (source: MetadataSource): Promise<void> => {
    const { id, name, url } = source;
    const found = await source.read().catch((error: unknown) => {
      if (url === undefined) throw error;
      onError(error, `reading the metadata of the identity provider ${id}`);
      faults.set(id, messageOf(error));
      return undefined;
    });
    const last = found === undefined ? await source.last?.() : undefined;
    if (found !== undefined) await believe(found.provider, name);
    else if (last !== undefined) await believe(last, `a copy of ${name}`);
  };

  refuseTwins(sources);
  for (const source of sources) await readFirst(source);
  const usableNow = known.all().filter((provider) => !known.isOver(provider));
  if (usableNow.length === 0) throw new Error(nobodyCanSignIn(known.all(), faults));

  const readAgain = async ({ id, name, read }: MetadataSource): Promise<boolean> => {
    const before = known.get(id)?.certificates ?? [];
    try {
      const { provider: now } = await read();
      await believe(now, name);
      return now.certificates.some((certificate) => !before.includes(certificate));
    } catch (error) {
      onError(error, 'reading the metadata of an identity provider again');
      if (known.get(id) === undefined) faults.set(id, messageOf(error));
      return false;
    }
  };

  const hasNewKeys = async (id: string): Promise<boolean> => {
    const source = sources.find((one) => one.id === id);
    const now = clock().getTime();
    if (source === undefined || now - (askedAt.get(id) ?? 0) < askedAgainAfterMs) return false;
    askedAt.set(id, now);
    return readAgain(source);
  };

  const usable = (provider: IdentityProvider | undefined): IdentityProvider => {
    if (provider === undefined) {
      throw new SamlRefusal('provider-unknown', 'This identity provider is not known here.');
    }
    const { id } = provider;
    if (!known.isOver(provider)) return provider;
    const text = 'What the identity provider published about itself is not valid any more.';
    throw new SamlRefusal('metadata-expired', text, { provider: id });
  };

  const { all } = known;
  const isMissing = ({ id }: MetadataSource): boolean => {
    const provider = known.get(id);
    return provider === undefined || known.isOver(provider);
  };
  return {
    all,
    missing: () =>
      sources
        .filter(isMissing)
        .map(({ id }) => ({ id, why: faults.get(id) ?? 'its metadata is over (validUntil)' })),
    seekMissing: async () => {
      await Promise.all(sources.filter(isMissing).map(readAgain));
    },
    byId: (id) => usable(known.get(id)),
    byEntityId: (entityId) => usable(all().find((provider) => provider.entityId === entityId)),
    refresh: async () => {
      await Promise.all(sources.map(readAgain));
    },
    withNewKeys: async (attempt) => {
      try {
        return await attempt();
      } catch (error) {
        const unknown = error instanceof SamlRefusal && unknownKey.has(error.check);
        if (!unknown || error.provider === undefined || !(await hasNewKeys(error.provider))) throw error;
        return attempt();
      }
    },
  };
};

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const nobodyCanSignIn = (known: readonly IdentityProvider[], faults: ReadonlyMap<string, string>): string =>
  [...known.map(({ id }) => `the SAML metadata of "${id}" is over (validUntil)`), ...faults.values()].join(
    '\n',
  );

const refuseTwins = (sources: readonly MetadataSource[]): void => {
  const ids = sources.map(({ id }) => id);
  const twice = ids.find((id, index) => ids.indexOf(id) !== index);
  if (twice !== undefined) throw new Error(`two identity providers have the same id "${twice}"`);
};
