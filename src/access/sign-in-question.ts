/**
 * Which sign-in an answer belongs to: one that we began, whose browser it must be; or one that the provider
 * began by itself, where its rules allow that. An answer that names a request is never of the second kind,
 * else whoever got hold of somebody's answer could bring it to a browser that asked for nothing.
 */
import type { ProviderRules } from './policy/provider-rules.ts';
import { ownPath } from './return-to.ts';
import type { Ledger, StartedRequest } from './saml/ledger.ts';
import type { ProviderDirectory } from './saml/provider-directory.ts';
import { SamlRefusal } from './saml/refusal.ts';
import { openResponse, type UnprovedResponse } from './saml/response.ts';

export interface Posted {
  readonly samlResponse: unknown;
  readonly relayState: unknown;
  readonly browserSecret: string | undefined;
}

export interface Question {
  readonly providerId: string;
  readonly rules: ProviderRules;
  readonly response: UnprovedResponse;
  /** undefined: the provider began it. */
  readonly request: StartedRequest | undefined;
  readonly returnTo: string;
}

interface Deps {
  readonly ledger: Ledger;
  readonly directory: ProviderDirectory;
  readonly rulesOf: (providerId: string) => ProviderRules;
}

/** @throws SamlRefusal */
export const questionOf = async (posted: Posted, deps: Deps): Promise<Question> => {
  const { samlResponse, relayState, browserSecret } = posted;
  if (relayState !== undefined && typeof relayState !== 'string') {
    throw new SamlRefusal('field', 'RelayState is repeated.');
  }
  const request = relayState === undefined ? undefined : await deps.ledger.find('sign-in', relayState);
  if (request === undefined) return unasked(openResponse(samlResponse), relayState, deps);
  const { provider: providerId, returnTo } = request;
  if (!request.isOf(browserSecret)) {
    throw new SamlRefusal('other-browser', 'This sign-in was begun in another browser.', {
      provider: providerId,
    });
  }
  return {
    providerId,
    rules: deps.rulesOf(providerId),
    response: openResponse(samlResponse),
    request,
    returnTo,
  };
};

const unasked = (response: UnprovedResponse, relayState: string | undefined, deps: Deps): Question => {
  if (response.inResponseTo !== undefined) {
    throw new SamlRefusal(
      'request-unknown',
      'This sign-in was not begun here, took too long, or is finished already.',
    );
  }
  const { id: providerId } = deps.directory.byEntityId(response.issuer);
  const rules = deps.rulesOf(providerId);
  if (!rules.idpInitiated) {
    throw new SamlRefusal('unasked', 'Begin signing in here, not at your identity provider.', {
      provider: providerId,
    });
  }
  // A provider may send one of our paths along; whatever else it sends says nothing to us.
  const returnTo = (relayState === '' ? undefined : ownPath(relayState)) ?? '/';
  return { providerId, rules, response, request: undefined, returnTo };
};
