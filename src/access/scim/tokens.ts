/**
 * Bearer tokens of directories. Only their SHA-256 is configured, so that nobody who reads our settings can
 * act as a directory; several of one provider let a token be replaced without a gap.
 */
import { createHash, timingSafeEqual } from 'node:crypto';

/** `provider:hash`, the hash in hex. */
export const scimTokenPattern = /^[a-z][a-z0-9-]{0,63}:[0-9a-f]{64}$/;

export interface ScimTokens {
  /** The provider whose directory the token belongs to. */
  providerOf(authorization: string | undefined): string | undefined;
}

/** @throws Error that says how one is written; it does not repeat what was given */
export const scimTokens = (given: readonly string[]): ScimTokens => {
  const known = given.map((entry) => {
    if (!scimTokenPattern.test(entry))
      throw new Error('a SCIM token is given as <provider>:<SHA-256 in hex>');
    const [provider = '', hash = ''] = entry.split(':');
    return { provider, hash: Buffer.from(hash, 'hex') };
  });
  return {
    providerOf: (authorization) => {
      const token = /^Bearer +(\S{20,512})$/i.exec(authorization ?? '')?.[1];
      if (token === undefined) return undefined;
      const hash = createHash('sha256').update(token).digest();
      return known.find((one) => timingSafeEqual(one.hash, hash))?.provider;
    },
  };
};
