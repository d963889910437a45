/**
 * The identity providers that we know, and their metadata as it is now: read at the start, again every so
 * often, and at once when a message is signed with a key that is not in it — but for each provider at most
 * once a minute, so that forged messages do not make us a nuisance to it. A provider that changes its keys
 * needs no restart here. What was read last stays in use while its source fails, as long as it is valid.
 */
import type { Clock, OnError } from '../ports.ts';
import type { MetadataSource } from './metadata-source.ts';
import type { IdentityProvider } from './provider-metadata.ts';
import { SamlRefusal } from './refusal.ts';

export interface ProviderDirectory {
  all(): readonly IdentityProvider[];
  /** @throws SamlRefusal `provider-unknown`, `metadata-expired` */
  byId(id: string): IdentityProvider;
  /** @throws SamlRefusal `provider-unknown`, `metadata-expired` */
  byEntityId(entityId: string | undefined): IdentityProvider;
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
}

const askedAgainAfterMs = 60_000;
/** What a message is refused as whose key nobody here knows. */
const unknownKey: ReadonlySet<string> = new Set(['signature', 'encrypted-assertion']);

/** @throws Error with a sentence where metadata cannot be used, is over, or two providers are the same */
export const openProviderDirectory = async (options: Options): Promise<ProviderDirectory> => {
  const { sources, clock, onError } = options;
  const known = new Map<string, IdentityProvider>();
  const askedAt = new Map<string, number>();
  const isOver = ({ validUntil }: IdentityProvider): boolean =>
    validUntil !== undefined && validUntil <= clock();

  /** At the start; a provider whose address does not answer just then is as it was the last time. */
  const readFirst = async (source: MetadataSource): Promise<IdentityProvider> => {
    try {
      return (await source.read()).provider;
    } catch (error) {
      const last = await source.last?.();
      if (last === undefined) throw error;
      onError(error, 'reading the metadata of an identity provider, which stays as it was');
      return last;
    }
  };

  const first = await Promise.all(sources.map(readFirst));
  refuseTwins(first);
  for (const provider of first) {
    if (isOver(provider)) throw new Error(`the SAML metadata of "${provider.id}" is over (validUntil)`);
    known.set(provider.id, provider);
  }

  const readAgain = async ({ id, read }: MetadataSource): Promise<boolean> => {
    const before = known.get(id);
    try {
      const { provider: now } = await read();
      // People are told apart by it: another one is another provider, under a name of its own.
      if (now.entityId !== before?.entityId) throw new Error(`the SAML metadata of "${id}" is another's now`);
      known.set(id, now);
      return now.certificates.some((certificate) => !before.certificates.includes(certificate));
    } catch (error) {
      onError(error, 'reading the metadata of an identity provider again');
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
    if (!isOver(provider)) return provider;
    const text = 'What the identity provider published about itself is not valid any more.';
    throw new SamlRefusal('metadata-expired', text, { provider: id });
  };

  const all = () => [...known.values()];
  return {
    all,
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

const refuseTwins = (providers: readonly IdentityProvider[]): void => {
  for (const same of ['id', 'entityId'] as const) {
    const values = providers.map((provider) => provider[same]);
    const twice = values.find((value, index) => values.indexOf(value) !== index);
    if (twice !== undefined) throw new Error(`two identity providers have the same ${same} "${twice}"`);
  }
};
