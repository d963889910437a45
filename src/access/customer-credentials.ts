/**
 * Customers' API keys are another trust domain: whatever looks like one is refused here, also beside a
 * valid session, so that a key which ends up in an internal tool is noticed instead of quietly working.
 * Only where it was found is told and recorded, never the key.
 */
import { isAccessToken } from './oidc/token-format.ts';
import type { Policy } from './policy.ts';

export interface CustomerCredentialRules {
  /** What a customer's key looks like where a credential belongs, from its first character on. */
  readonly patterns: readonly RegExp[];
  /** The same for any word of a header or of the query, where an account's id may well begin with `pk-`. */
  readonly anywherePatterns: readonly RegExp[];
}

export const defaultCustomerCredentials: CustomerCredentialRules = {
  anywherePatterns: [/^(sk|pk|rk)_(live|test)_/, /^whsec_/],
  patterns: [/^(sk|pk|rk|ak)_[A-Za-z0-9]/, /^(sk|pk|rk)-[A-Za-z0-9]{8,}/, /^whsec_/, /^api[_-]?key[_-]/i],
};

export interface CarriedCredentials {
  readonly authorization?: string | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
  /** Path and query as they came. */
  readonly url: string;
}

const keyHeaders = [
  'x-api-key',
  'x-apikey',
  'x-api-token',
  'api-key',
  'apikey',
  'x-auth-token',
  'x-access-token',
] as const;
const keyParameters = new Set(['api_key', 'apikey', 'api-key', 'access_token', 'x-api-key']);

/** Where a customer's credential was found; undefined where there is none. */
export const customerCredentialIn = (
  carried: CarriedCredentials,
  rules: CustomerCredentialRules = defaultCustomerCredentials,
): string | undefined => {
  const header = keyHeaders.find((name) => carried.headers[name] !== undefined);
  if (header !== undefined) return `header ${header}`;
  if (authorizationLooksLikeOne(carried.authorization ?? '', rules.patterns)) return 'header authorization';
  const odd = Object.entries(carried.headers).find(
    ([name, value]) => !ofMachines.has(name) && holdsOne(value, rules.anywherePatterns),
  );
  if (odd !== undefined) return `header ${odd[0].slice(0, 100)}`;
  const found = parametersOf(carried.url).find(
    ([name, value]) => keyParameters.has(name.toLowerCase()) || holdsOne(value, rules.anywherePatterns),
  );
  return found === undefined ? undefined : 'query';
};

/** Headers whose values programs make at random: a company's own pattern may well be "32 hexadecimal digits". */
const ofMachines = new Set([
  'authorization',
  'cookie',
  'x-request-id',
  'x-correlation-id',
  'traceparent',
  'tracestate',
  'baggage',
  'idempotency-key',
  'if-match',
  'if-none-match',
  'sec-websocket-key',
  'x-amzn-trace-id',
  'x-amz-cf-id',
]);

const betweenWords = /[\s,;:="'{}[\]()&]+/;

/** Also within what was sent as a scheme and a key, as pairs, or as JSON. */
const holdsOne = (value: unknown, patterns: readonly RegExp[]): boolean =>
  typeof value === 'string'
    ? value.split(betweenWords).some((word) => patterns.some((pattern) => pattern.test(word)))
    : Array.isArray(value) && value.some((one) => holdsOne(one, patterns));

/** Basic is never ours; Bearer is a customer's where it looks like one of their keys and not like our token. */
const authorizationLooksLikeOne = (authorization: string, patterns: readonly RegExp[]): boolean => {
  const [scheme = '', credential = ''] = authorization.trim().split(/\s+/);
  if (scheme.toLowerCase() === 'basic') return true;
  if (isAccessToken(credential === '' ? scheme : credential)) return false;
  return holdsOne(authorization, patterns);
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
    const rules = { patterns, anywherePatterns: patterns };
    made.set(policy, rules);
    return rules;
  };
};
