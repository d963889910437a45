/**
 * Keys of the issuers whose tokens are exchanged: given in the policy, or fetched from where the issuer publishes them.
 * What is fetched is used for ten minutes, and fetched again for a key that is not in it, at most every ten seconds: an
 * issuer may change its keys, and a flood of strange tokens is no nuisance to it. Redirects are not followed (jose).
 */
import { createLocalJWKSet, createRemoteJWKSet, errors, type JWK, type JWTVerifyGetKey } from 'jose';
import type { TokenIssuer } from '../policy/tools.ts';

/** The keys could not be read, which says nothing about the token. */
export class KeysAway extends Error {
  override readonly name = 'KeysAway';
}

const fetchMsMax = 5_000;
const askedAgainAfterMs = 10_000;

/** What is wrong with a token, and not with where its keys are. */
const aboutToken = new Set([
  'ERR_JWKS_NO_MATCHING_KEY',
  'ERR_JWKS_MULTIPLE_MATCHING_KEYS',
  'ERR_JOSE_NOT_SUPPORTED',
  'ERR_JOSE_ALG_NOT_ALLOWED',
]);

const fetched = (uri: string): JWTVerifyGetKey => {
  const keys = createRemoteJWKSet(new URL(uri), {
    timeoutDuration: fetchMsMax,
    cooldownDuration: askedAgainAfterMs,
  });
  return async (header, token) => {
    try {
      return await keys(header, token);
    } catch (cause) {
      if (cause instanceof errors.JOSEError && aboutToken.has(cause.code)) throw cause;
      throw new KeysAway('the keys cannot be read', { cause });
    }
  };
};

export const rememberedKeys = (): ((issuer: TokenIssuer) => JWTVerifyGetKey) => {
  const remote = new Map<string, JWTVerifyGetKey>();
  return ({ keys, jwksUri }) => {
    if (jwksUri === undefined) return createLocalJWKSet({ keys: [...(keys ?? [])] as JWK[] });
    const known = remote.get(jwksUri) ?? fetched(jwksUri);
    remote.set(jwksUri, known);
    return known;
  };
};
