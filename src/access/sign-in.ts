/**
 * Signing in through an identity provider: we send the browser there with a signed request, and it comes
 * back with an assertion. The same browser must come back, once, with an assertion that answers that very
 * request; then a session begins, and the one it had ends.
 */
import type { Db } from '../db/pool.ts';
import { inTransaction } from '../db/transaction.ts';
import type { Denials } from './denials.ts';
import { SignedIn, SignedOut, SignInRefused } from './engine-events.ts';
import type { Identity, People, SealedPerson } from './people.ts';
import { attributesFrom, rolesOf, scimRulesOf } from './policy.ts';
import type { PolicyInForce } from './policy-in-force.ts';
import type { Clock } from './ports.ts';
import { anonymous, type Recorder } from './recorder.ts';
import { clockSkewMs } from './saml/assertion-reading.ts';
import type { AssertedIdentity } from './saml/identity.ts';
import { type Ledger, newMessageId, newSecret, type StartedRequest } from './saml/ledger.ts';
import type { IdentityProvider } from './saml/provider-metadata.ts';
import { SamlRefusal } from './saml/refusal.ts';
import { readResponse } from './saml/response.ts';
import type { ServiceProvider } from './saml/service-provider.ts';
import type { Begun, Sessions } from './sessions.ts';

/** The tool of whoever comes with our cookie. */
export const consoleTool = 'console';

export interface SignInBegun {
  /** Where to send the browser. */
  readonly location: string;
  /** To be kept by this browser, in a cookie, until it comes back. */
  readonly browserSecret: string;
}

export interface Answer {
  readonly samlResponse: unknown;
  readonly relayState: unknown;
  readonly browserSecret: string | undefined;
  /** The session that this browser has now, if any. */
  readonly previousToken: string | undefined;
  readonly ip: string;
}

export interface SignInDone extends Begun {
  readonly returnTo: string;
}

export interface SignIn {
  readonly providers: readonly IdentityProvider[];
  /**
   * `browserSecret`: the one that this browser keeps already, from a sign-in begun in another tab.
   * `forced`: the person proves who they are once more, whatever session the provider still has of them.
   */
  begin(
    provider: IdentityProvider,
    returnTo: string,
    browserSecret: string | undefined,
    forced?: boolean,
  ): Promise<SignInBegun>;
  /** @throws SamlRefusal, which has been recorded */
  finish(answer: Answer): Promise<SignInDone>;
}

interface Deps {
  readonly sp: ServiceProvider;
  readonly ledger: Ledger;
  readonly pool: Db;
  readonly people: People;
  readonly sessions: Sessions;
  readonly policy: PolicyInForce;
  readonly recorder: Recorder;
  readonly denials: Denials;
  readonly clock: Clock;
  readonly groupsAttribute: string;
}

const secretPattern = /^[A-Za-z0-9_-]{43}$/;

export const createSignIn = (deps: Deps): SignIn => {
  const { sp, ledger, pool, people, sessions, policy, recorder, denials, clock, groupsAttribute } = deps;

  const begin: SignIn['begin'] = async (provider, returnTo, kept, forced = false) => {
    const browserSecret = kept !== undefined && secretPattern.test(kept) ? kept : newSecret();
    const id = newMessageId();
    const relayState = newSecret();
    const started = {
      id,
      kind: 'sign-in',
      provider: provider.id,
      relayState,
      browserSecret,
      returnTo,
    } as const;
    await ledger.start({ ...started, forced });
    const location = await sp.saml(provider, id, forced).getAuthorizeUrlAsync(relayState, undefined, {});
    return { location, browserSecret };
  };

  const requestOf = async ({ relayState, browserSecret }: Answer): Promise<StartedRequest> => {
    const known = typeof relayState === 'string' ? await ledger.find('sign-in', relayState) : undefined;
    if (known === undefined) {
      throw new SamlRefusal(
        'request-unknown',
        'This sign-in was not begun here, took too long, or is finished already.',
      );
    }
    if (!known.isOf(browserSecret)) {
      throw new SamlRefusal('other-browser', 'This sign-in was begun in another browser.', {
        provider: known.provider,
      });
    }
    return known;
  };

  /** Consumes the request and the assertion with whatever comes of them: both or neither. */
  const beginSession = (
    request: StartedRequest,
    provider: IdentityProvider,
    said: AssertedIdentity,
    person: SealedPerson,
  ): Promise<Begun> =>
    inTransaction(pool, async (tx) => {
      if (!(await ledger.use(tx, provider.entityId, said.assertionId, said.validUntil))) {
        throw new SamlRefusal('replay', 'This assertion was used before.');
      }
      if (!(await ledger.consume(tx, request.id))) {
        throw new SamlRefusal('request-unknown', 'This sign-in is finished already.');
      }
      if (!(await people.signedIn(tx, person))) {
        throw new SamlRefusal('inactive', 'This person may not sign in any more.');
      }
      return sessions.begin(tx, {
        personId: person.id,
        tool: consoleTool,
        authenticatedAt: new Date(Math.min(said.authenticatedAt.getTime(), clock().getTime())),
        ...(said.sessionIndex === undefined ? {} : { sessionIndex: said.sessionIndex }),
        ...(said.sessionEnd === undefined ? {} : { notAfter: said.sessionEnd }),
      });
    });

  const finishFor = async (
    answer: Answer,
    request: StartedRequest,
    provider: IdentityProvider,
  ): Promise<SignInDone> => {
    const { samlResponse, ip } = answer;
    const { id: requestId, returnTo } = request;
    const now = clock();
    const person = attributesFrom(policy.current().policy, provider.id);
    const attributeNames = { groups: groupsAttribute, person };
    const said = await readResponse({ sp, provider, samlResponse, requestId, attributeNames, now });
    requireProven(request, said);
    const directoryGives = scimRulesOf(policy.current().policy, provider.id)?.groups === 'directory';
    const { id, entityId } = provider;
    const identity: Identity = { ...said, provider: id, entityId, directoryGives };
    const sealed = await people.seal(identity);
    const roles = rolesOf(policy.current().policy, provider.id, sealed.groups);
    if (roles.length === 0) {
      throw new SamlRefusal(
        'no-role',
        'You are signed in at your company, but none of your groups has a role here.',
      );
    }
    const begun = await beginSession(request, provider, said, sealed);
    const who = {
      actor: { id: sealed.id, kind: 'person' as const },
      tool: consoleTool,
      sessionId: begun.id,
      ip,
      ...(said.email === undefined ? {} : { email: said.email }),
      ...(said.name === undefined ? {} : { name: said.name }),
    };
    try {
      await recorder.record(SignedIn.of({ provider: provider.id, roles: [...roles] }), who);
    } catch (error) {
      await sessions.revoke(begun.token);
      throw error;
    }
    if (answer.previousToken !== undefined) await endPrevious(answer.previousToken, ip);
    return { ...begun, returnTo };
  };

  const endPrevious = async (token: string, ip: string): Promise<void> => {
    const ended = await sessions.revoke(token);
    if (ended === undefined) return;
    const who = {
      actor: { id: ended.personId, kind: 'person' as const },
      tool: consoleTool,
      sessionId: ended.id,
      ip,
    };
    await recorder.record(SignedOut.of({ by: 'new-sign-in', sessions: 1 }), who);
  };

  const refused = (refusal: SamlRefusal, provider: string | undefined, ip: string): void => {
    const named = refusal.provider ?? provider;
    const data = { why: refusal.check, ...(named === undefined ? {} : { provider: named }) };
    void denials.note({
      code: `sign-in ${refusal.check}`,
      who: anonymous(ip),
      event: SignInRefused.of(data),
    });
  };

  const finish: SignIn['finish'] = async (answer) => {
    let provider: IdentityProvider | undefined;
    try {
      const request = await requestOf(answer);
      provider = sp.providers.find(({ id }) => id === request.provider);
      if (provider === undefined)
        throw new SamlRefusal('provider-unknown', 'This identity provider is not known any more.');
      return await finishFor(answer, request, provider);
    } catch (error) {
      if (error instanceof SamlRefusal) refused(error, provider?.id, answer.ip);
      throw error;
    }
  };

  return { providers: sp.providers, begin, finish };
};

/** A provider may pass over ForceAuthn; what it then says is no fresh proof. */
const requireProven = ({ provenFrom }: StartedRequest, { authenticatedAt }: AssertedIdentity): void => {
  if (provenFrom === undefined || authenticatedAt.getTime() >= provenFrom.getTime() - clockSkewMs) return;
  throw new SamlRefusal('not-fresh', 'The identity provider did not ask you to sign in once more.');
};
