/**
 * What our tokens look like: a prefix that says whose they are, so that a scanner of secrets finds a
 * leaked one and nobody takes it for a customer's key, and 256 random bits in base64url.
 */
import { createHash } from 'node:crypto';

export const tokenPrefixes = {
  AccessToken: 'qda_',
  ClientCredentials: 'qda_',
  RefreshToken: 'qdr_',
} as const;

const accessTokenPattern = /^qda_[A-Za-z0-9_-]{43}$/;

export const isAccessToken = (text: string): boolean => accessTokenPattern.test(text);

/** Tokens, codes and ids are kept as this alone. */
export const hashOf = (secret: string): Buffer => createHash('sha256').update(secret).digest();

/** The token of `Authorization: Bearer <token>`; undefined where the header is of another scheme. */
export const bearerIn = (authorization: string | undefined): string | undefined => {
  const [scheme = '', ...rest] = authorization?.trim().split(/\s+/) ?? [];
  return scheme.toLowerCase() === 'bearer' ? rest.join(' ') : undefined;
};
