/** One oidc-provider over the keys that are in force, with what its settings cannot say. */
import Provider, { type KoaContextWithOIDC } from 'oidc-provider';
import { provesSecret } from './clients.ts';
import { type ConfigurationDeps, configurationOf } from './configuration.ts';
import { tokenPrefixes } from './token-format.ts';

export const createProvider = (issuer: string, deps: ConfigurationDeps): Provider => {
  const provider = new Provider(issuer, configurationOf(deps));
  // `ours` sets the headers that a proxy would.
  provider.proxy = true;
  provider.use(formsHaveSession(provider, deps.deviceAddress));
  prefixTokens(provider);
  // The policy holds hashes of secrets, and oidc-provider documents this method for just that.
  const { prototype } = provider.Client as unknown as { prototype: { clientSecret: string } & SecretCheck };
  prototype.compareClientSecret = function (given) {
    return provesSecret(given, this.clientSecret);
  };
  return provider;
};

interface SecretCheck {
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

/**
 * A code that is posted before its form was ever shown: oidc-provider answers 500, because there is no
 * session to remember the code in. Whoever does so is shown the form.
 */
const formsHaveSession =
  (provider: Provider, deviceAddress: string): Parameters<Provider['use']>[0] =>
  async (ctx, next) => {
    const posted = ctx.method === 'POST' && ctx.path === '/device';
    if (!posted || (await provider.Session.get(ctx as unknown as KoaContextWithOIDC)).exp !== undefined)
      return next();
    ctx.status = 303;
    ctx.redirect(deviceAddress);
  };
