/**
 * Customers' API keys are another trust domain: whatever looks like one is refused here, also beside a
 * valid session, so that a key which ends up in an internal tool is noticed instead of quietly working.
 * Only where it was found is told and recorded, never the key.
 */
import { isAccessToken } from './oidc/token-format.ts';
import type { Policy } from './policy.ts';

export interface CustomerCredentialRules {
  /** What a customer's key looks like, from its first character on. */
  readonly patterns: readonly RegExp[];
  /** The same for a value of the query, where an account's id may well begin with `pk-`. */
  readonly queryPatterns: readonly RegExp[];
}

export const defaultCustomerCredentials: CustomerCredentialRules = {
  queryPatterns: [/^(sk|pk|rk)_(live|test)_/],
  patterns: [/^(sk|pk|rk|ak)_[A-Za-z0-9]/, /^(sk|pk|rk)-[A-Za-z0-9]{8,}/, /^whsec_/, /^api[_-]?key[_-]/i],
};

export interface CarriedCredentials {
  readonly authorization?: string | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
  /** Path and query as they came. */
  readonly url: string;
}

const keyHeaders = ['x-api-key', 'api-key', 'x-auth-token', 'x-access-token'] as const;
const keyParameters = new Set(['api_key', 'apikey', 'api-key', 'access_token', 'x-api-key']);

/** Where a customer's credential was found; undefined where there is none. */
export const customerCredentialIn = (
  carried: CarriedCredentials,
  { patterns, queryPatterns }: CustomerCredentialRules = defaultCustomerCredentials,
): string | undefined => {
  const header = keyHeaders.find((name) => carried.headers[name] !== undefined);
  if (header !== undefined) return `header ${header}`;
  if (authorizationLooksLikeOne(carried.authorization ?? '', patterns)) return 'header authorization';
  const found = parametersOf(carried.url).find(
    ([name, value]) =>
      keyParameters.has(name.toLowerCase()) || queryPatterns.some((pattern) => pattern.test(value)),
  );
  return found === undefined ? undefined : 'query';
};

/** Basic is never ours; Bearer is a customer's where it looks like one of their keys and not like our token. */
const authorizationLooksLikeOne = (authorization: string, patterns: readonly RegExp[]): boolean => {
  const [scheme = '', credential = ''] = authorization.trim().split(/\s+/);
  if (scheme.toLowerCase() === 'basic') return true;
  const candidate = credential === '' ? scheme : credential;
  if (isAccessToken(candidate)) return false;
  return patterns.some((pattern) => pattern.test(candidate));
};

const parametersOf = (url: string): readonly (readonly [string, string])[] => {
  const start = url.indexOf('?');
  return start === -1 ? [] : [...new URLSearchParams(url.slice(start + 1))];
};

/**
 * The rules in force: the policy's own patterns where it has some. Made once a policy, because every request
 * asks.
 */
export const credentialRulesOf = (otherwise: CustomerCredentialRules) => {
  const made = new WeakMap<Policy, CustomerCredentialRules>();
  return (policy: Policy): CustomerCredentialRules => {
    const texts = policy.customerCredentials?.patterns;
    if (texts === undefined) return otherwise;
    const known = made.get(policy);
    if (known !== undefined) return known;
    const patterns = texts.map((text) => new RegExp(`^(?:${text})`));
    const rules = { patterns, queryPatterns: patterns };
    made.set(policy, rules);
    return rules;
  };
};
