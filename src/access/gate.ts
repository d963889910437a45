/**
 * The way in, in this order: the network, then no customer's credential, then who it is. Each step
 * throws the error that the caller answers with, and what it refuses is recorded. Knows nothing of
 * Express: the HTTP routes and the sockets pass through the same gate.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { type ErrorCode, QuarterdeckError } from '../errors.ts';
import { type Cookies, cookieIn } from './cookies.ts';
import { type CustomerCredentialRules, customerCredentialIn } from './customer-credentials.ts';
import type { Denials } from './denials.ts';
import type { Network } from './network.ts';
import type { AccessToken } from './oidc/access-tokens.ts';
import { bearerIn } from './oidc/token-format.ts';
import { isForeignNavigation, isSafe, type OwnOrigin } from './own-origin.ts';
import { type Principal, serviceId } from './principal.ts';
import { anonymous, type Who, whoIs } from './recorder.ts';
import type { Session } from './sessions.ts';
import { toldPath } from './told-path.ts';

/** What of a request decides whether it gets in. */
export interface Incoming {
  readonly peer: string | undefined;
  readonly method: string;
  /** Path and query as they came. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
}

export interface Gate {
  /** The client's address. @throws QuarterdeckError `network_refused` */
  admit(incoming: Incoming): string;
  /** @throws QuarterdeckError `customer_credential_refused` */
  refuseCustomers(incoming: Incoming, ip: string): void;
  /** Whether it carries a token or cookie that is somebody's, whatever else may be wrong. Records nothing. */
  isKnown(incoming: Incoming): Promise<boolean>;
  /**
   * Who it is: the bearer of an access token, else whoever the session cookie belongs to. Who sends a
   * token is who the token says or nobody; a cookie beside it is not looked at. `fromOwnOrigin` demands
   * our own page for a cookie also with safe methods: a socket is opened with GET.
   * @throws QuarterdeckError `not_authenticated`, or `not_permitted` from a foreign page
   */
  identify(
    incoming: Incoming,
    ip: string,
    options?: { readonly fromOwnOrigin?: boolean },
  ): Promise<Principal>;
  /**
   * Counts a request of the principal's tool against the tool's ceiling, where the policy gives it one.
   * @throws QuarterdeckError `too_many_requests`, with the seconds to wait
   */
  count(incoming: Incoming, principal: Principal, ip: string): void;
  /** For refusals decided elsewhere: a permission that is missing for a read. */
  denied(incoming: Incoming, principal: Principal | undefined, ip: string, error: QuarterdeckError): void;
}

interface Deps {
  readonly network: Network;
  readonly credentials: () => CustomerCredentialRules;
  readonly cookies: Cookies;
  readonly comesFromOwnOrigin: OwnOrigin;
  readonly denials: Denials;
  readonly authenticate: (token: string) => Promise<Session | undefined>;
  readonly principalOf: (session: Session) => Principal;
  readonly authenticateToken: (token: string) => Promise<AccessToken | undefined>;
  readonly principalOfToken: (token: AccessToken) => Principal | undefined;
  /** Milliseconds until that tool may ask again; 0: it may now, and that counted. */
  readonly takeOf: (tool: string) => number;
  readonly originBelongsTo: (tool: string, origin: string) => boolean;
}

export const createGate = (deps: Deps): Gate => {
  const { network, credentials, cookies, comesFromOwnOrigin, denials, authenticate, principalOf } = deps;
  const { authenticateToken, principalOfToken, originBelongsTo, takeOf } = deps;

  /** Not waited for: a refusal need not be slow to be recorded. */
  const note = (incoming: Incoming, who: Who, code: ErrorCode, detail?: string): void =>
    void denials.note({
      code,
      who,
      method: incoming.method,
      path: toldPath(incoming.url, credentials().patterns),
      ...(detail === undefined ? {} : { detail }),
    });

  const refuse = (
    incoming: Incoming,
    ip: string,
    code: ErrorCode,
    message: string,
    detail?: string,
  ): never => {
    note(incoming, anonymous(ip), code, detail);
    throw new QuarterdeckError(code, message);
  };

  /** No page can make a browser add a token to a request, so nothing here depends on where it comes from. */
  const bearerOf = async (incoming: Incoming, ip: string, text: string): Promise<Principal> => {
    const token = await authenticateToken(text);
    const principal = token && principalOfToken(token);
    if (token === undefined || principal === undefined) {
      const message = 'The access token is not valid, has expired or was revoked.';
      return refuse(incoming, ip, 'not_authenticated', message, 'token invalid');
    }
    const { origin } = incoming.headers;
    if (
      origin !== undefined &&
      !originBelongsTo(token.tool, origin) &&
      !comesFromOwnOrigin(incoming.headers)
    ) {
      note(incoming, whoIs(principal, ip), 'not_permitted', 'foreign origin');
      throw new QuarterdeckError(
        'not_permitted',
        'This origin is not one of the tool that the token is for.',
      );
    }
    return principal;
  };

  return {
    admit: (incoming) => {
      const forwardedFor = incoming.headers['x-forwarded-for'];
      try {
        return network.admit(
          incoming.peer,
          Array.isArray(forwardedFor) ? forwardedFor.join(',') : forwardedFor,
        );
      } catch (error) {
        note(incoming, anonymous(incoming.peer), 'network_refused');
        throw error;
      }
    },
    refuseCustomers: (incoming, ip) => {
      const { headers, url } = incoming;
      const found = customerCredentialIn(
        { authorization: headers.authorization, headers, url },
        credentials(),
      );
      if (found === undefined) return;
      const message = `A customer's credential (${found}) is not accepted here. Sign in through the company's SSO.`;
      refuse(incoming, ip, 'customer_credential_refused', message, found);
    },
    isKnown: async ({ headers }) => {
      const bearer = bearerIn(headers.authorization);
      if (bearer !== undefined) return (await authenticateToken(bearer)) !== undefined;
      const token = cookieIn(headers.cookie, cookies.sessionName);
      return token !== undefined && (await authenticate(token)) !== undefined;
    },
    identify: async (incoming, ip, { fromOwnOrigin = false } = {}) => {
      const bearer = bearerIn(incoming.headers.authorization);
      if (bearer !== undefined) return bearerOf(incoming, ip, bearer);
      const token = cookieIn(incoming.headers.cookie, cookies.sessionName);
      if (token === undefined)
        return refuse(incoming, ip, 'not_authenticated', 'Sign in first.', 'no session');
      const foreign = !comesFromOwnOrigin(incoming.headers);
      const demanded = fromOwnOrigin || !isSafe(incoming.method) || isForeignNavigation(incoming);
      if (foreign && demanded) {
        const message = 'With a session cookie this is accepted from a page of our own origin only.';
        return refuse(incoming, ip, 'not_permitted', message, 'foreign origin');
      }
      const session = await authenticate(token);
      if (session !== undefined) return principalOf(session);
      return refuse(
        incoming,
        ip,
        'not_authenticated',
        'The session has ended. Sign in again.',
        'session ended',
      );
    },
    count: (incoming, { tool }, ip) => {
      const waitMs = takeOf(tool);
      if (waitMs === 0) return;
      // Of the tool and not of each of its people: however many they are, the log gets one count a minute.
      note(incoming, { actor: { id: serviceId(tool), kind: 'service' }, tool, ip }, 'too_many_requests');
      throw new QuarterdeckError(
        'too_many_requests',
        `The tool ${tool} has reached its ceiling of requests.`,
        {
          retryAfterSeconds: waitMs / 1_000,
        },
      );
    },
    denied: (incoming, principal, ip, error) => {
      const permission = error.extra?.permission;
      const who = principal === undefined ? anonymous(ip) : whoIs(principal, ip);
      note(incoming, who, error.code, typeof permission === 'string' ? permission : undefined);
    },
  };
};
