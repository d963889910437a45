/** One oidc-provider over the keys that are in force, with what its settings cannot say. */
import Provider from 'oidc-provider';
import { provesSecret } from './clients.ts';
import { type ConfigurationDeps, configurationOf } from './configuration.ts';
import { tokenPrefixes } from './token-format.ts';

export const createProvider = (issuer: string, deps: ConfigurationDeps): Provider => {
  const provider = new Provider(issuer, configurationOf(deps));
  // `ours` sets the headers that a proxy would.
  provider.proxy = true;
  keepNoSessionThatNeverBegan(provider);
  prefixTokens(provider);
  // The policy holds hashes of secrets, and oidc-provider documents this method for just that.
  const { prototype } = provider.Client as unknown as { prototype: ClientChecks };
  prototype.compareClientSecret = function (given) {
    return provesSecret(given, this.clientSecret);
  };
  // oidc-provider compares what addresses mean; ours are compared letter by letter, as RFC 9700 wants it.
  prototype.redirectUriAllowed = function (given) {
    return this.redirectUris.includes(given);
  };
  return provider;
};

interface ClientChecks {
  redirectUriAllowed(this: { readonly redirectUris: readonly string[] }, given: string): boolean;
  compareClientSecret(this: { readonly clientSecret: string }, given: string): boolean;
}

interface WithTokenId {
  generateTokenId(): string;
}

const prefixTokens = (provider: Provider): void => {
  for (const [kind, prefix] of Object.entries(tokenPrefixes)) {
    const { prototype } = provider[kind as keyof typeof tokenPrefixes] as unknown as {
      prototype: WithTokenId;
    };
    const { generateTokenId } = prototype;
    prototype.generateTokenId = function () {
      return `${prefix}${generateTokenId.call(this)}`;
    };
  }
};

interface WithExpiry {
  readonly exp?: number;
  persist(): Promise<unknown>;
}

/**
 * Whatever goes wrong on a page before its session was ever kept (a code posted without its form, say),
 * oidc-provider 8 keeps the session all the same, and answers 500 because it cannot, in place of what was
 * wrong. There is nothing to keep then.
 */
const keepNoSessionThatNeverBegan = (provider: Provider): void => {
  const { prototype } = provider.Session as unknown as { prototype: WithExpiry };
  const { persist } = prototype;
  prototype.persist = function () {
    return typeof this.exp === 'number' ? persist.call(this) : Promise.resolve();
  };
};
