/** What is known of identity providers now, by their id in the policy, and that no two of them are the same. */
import type { Clock } from '../ports.ts';
import type { IdentityProvider } from './provider-metadata.ts';

export interface KnownProviders {
  all(): readonly IdentityProvider[];
  get(id: string): IdentityProvider | undefined;
  /** @throws Error where it is another's now, or the same as one that is known under another id */
  requireOwn(provider: IdentityProvider): void;
  set(provider: IdentityProvider): void;
  /** Whether its metadata may not be used any more. */
  isOver(provider: IdentityProvider): boolean;
}

export const createKnownProviders = (clock: Clock): KnownProviders => {
  const known = new Map<string, IdentityProvider>();
  const all = () => [...known.values()];
  return {
    all,
    get: (id) => known.get(id),
    set: (provider) => void known.set(provider.id, provider),
    requireOwn: ({ id, entityId }) => {
      const before = known.get(id);
      // People are told apart by it: another one is another provider, under a name of its own.
      if (before !== undefined && before.entityId !== entityId)
        throw new Error(`the SAML metadata of "${id}" is another's now`);
      if (all().some((other) => other.id !== id && other.entityId === entityId))
        throw new Error(`two identity providers have the same entityId "${entityId}"`);
    },
    isOver: ({ validUntil }) => validUntil !== undefined && validUntil <= clock(),
  };
};
