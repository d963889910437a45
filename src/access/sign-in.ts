/**
 * Signing in through an identity provider: we send the browser there with a signed request, and it comes
 * back with an assertion. The same browser must come back, once, with an assertion that answers that very
 * request; then a session begins, and the one it had ends.
 */
import type { Db } from '../db/pool.ts';
import type { Denials } from './denials.ts';
import { SignedIn, SignedOut, SignInRefused } from './engine-events.ts';
import type { People } from './people.ts';
import { providerRulesIn, rolesOf, scimRulesOf } from './policy.ts';
import type { PolicyInForce } from './policy-in-force.ts';
import type { Clock } from './ports.ts';
import { anonymous, type Recorder } from './recorder.ts';
import { clockSkewMs } from './saml/assertion-reading.ts';
import type { AssertedIdentity } from './saml/identity.ts';
import { type Ledger, newMessageId, newSecret, type StartedRequest } from './saml/ledger.ts';
import type { ProviderDirectory } from './saml/provider-directory.ts';
import { SamlRefusal, withProvider } from './saml/refusal.ts';
import { readResponse } from './saml/response.ts';
import type { ServiceProvider } from './saml/service-provider.ts';
import type { Begun, Revoked, Sessions } from './sessions.ts';
import { type Posted, type Question, questionOf } from './sign-in-question.ts';
import { consoleTool, type Proved, sessionFor } from './sign-in-session.ts';

export interface SignInBegun {
  /** Where to send the browser. */
  readonly location: string;
  /** To be kept by this browser, in a cookie, until it comes back. */
  readonly browserSecret: string;
}

/** How to begin: with which provider, where to go afterwards, from where the request came. */
export interface SignInWish {
  readonly provider: string;
  readonly returnTo: string;
  /** The one that this browser keeps already, from a sign-in begun in another tab. */
  readonly browserSecret: string | undefined;
  /** The session that this browser has now: the answer comes across sites, where its cookie may not. */
  readonly previousToken?: string | undefined;
  readonly ip: string;
  /** The person proves who they are once more, whatever session the provider still has of them. */
  readonly forced?: boolean;
}

export interface Answer extends Posted {
  /** The session that this browser has now, if any, and if its cookie came along. */
  readonly previousToken: string | undefined;
  readonly ip: string;
  /** What the browser calls itself. */
  readonly browser?: string | undefined;
}

export interface SignInDone extends Begun {
  readonly returnTo: string;
}

export interface SignIn {
  /** @throws SamlRefusal, which has been recorded */
  begin(wish: SignInWish): Promise<SignInBegun>;
  /** @throws SamlRefusal, which has been recorded */
  finish(answer: Answer): Promise<SignInDone>;
  /** Records an answer that could not even be read as a form, and why. */
  unreadable(why: string, ip: string): void;
}

interface Deps {
  readonly sp: ServiceProvider;
  readonly directory: ProviderDirectory;
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
  const { sp, directory, ledger, people, sessions, policy, recorder, denials, clock, groupsAttribute } = deps;
  const rulesOf = (id: string) => providerRulesIn(policy.current().policy, id, groupsAttribute);

  const refused = (why: string, provider: string | undefined, ip: string): void => {
    const data = { why, ...(provider === undefined ? {} : { provider }) };
    void denials.note({ code: `sign-in ${why}`, who: anonymous(ip), event: SignInRefused.of(data) });
  };

  const recordingRefusals = async <T>(ip: string, work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      if (error instanceof SamlRefusal) refused(error.check, error.provider, ip);
      throw error;
    }
  };

  const beginWith = async ({
    provider: id,
    returnTo,
    browserSecret: kept,
    forced = false,
    ...had
  }: SignInWish) => {
    const provider = directory.byId(id);
    const browserSecret = kept !== undefined && secretPattern.test(kept) ? kept : newSecret();
    const requestId = newMessageId();
    const relayState = newSecret();
    const started = { id: requestId, provider: id, relayState, browserSecret, returnTo, forced };
    await ledger.start({ kind: 'sign-in', ...started, sessionToken: had.previousToken });
    const saml = sp.saml(provider, { requestId, forceAuthn: forced });
    const location = await saml.getAuthorizeUrlAsync(relayState, undefined, {});
    return { location, browserSecret };
  };

  /** Whom the answer proves, with the provider's keys as they are now. */
  const provedBy = ({ providerId, rules, response, request }: Question): Promise<Proved> =>
    directory.withNewKeys(async () => {
      const provider = directory.byId(providerId);
      const given = { sp, provider, rules, response, requestId: request?.id, now: clock() };
      const said = await readResponse(given).catch((error: unknown) => {
        throw withProvider(error, providerId);
      });
      requireProven(request, said);
      const { entityId } = provider;
      const scim = scimRulesOf(policy.current().policy, providerId);
      const directoryGives = scim?.groups === 'directory';
      const directoryAttributes = Object.keys(scim?.attributes ?? {});
      const sealed = await people.seal({
        ...said,
        provider: providerId,
        entityId,
        directoryGives,
        directoryAttributes,
      });
      return { said, sealed, entityId, requestId: request?.id };
    });

  const rolesFor = (providerId: string, { sealed }: Proved): readonly string[] => {
    const roles = rolesOf(policy.current().policy, providerId, sealed.groups);
    if (roles.length > 0) return roles;
    const text = 'You are signed in at your company, but none of your groups has a role here.';
    throw new SamlRefusal('no-role', text);
  };

  const signInBy = async (question: Question, answer: Answer): Promise<SignInDone> => {
    const { previousToken, ip, browser } = answer;
    const { providerId: provider, request, returnTo } = question;
    const proved = await provedBy(question);
    const roles = rolesFor(provider, proved);
    const seenFrom = { ip, ...(browser === undefined ? {} : { browser }) };
    const begun = await sessionFor({ ...proved, seenFrom }, deps);
    const { email, name } = proved.said;
    const who = {
      ...personHere(proved.sealed.id, begun.id, ip),
      ...(email === undefined ? {} : { email }),
      ...(name === undefined ? {} : { name }),
    };
    try {
      const begunBy = request === undefined ? 'provider' : 'person';
      await recorder.record(SignedIn.of({ provider, roles: [...roles], begunBy }), who);
    } catch (error) {
      await sessions.revoke(begun.token);
      throw error;
    }
    if (previousToken !== undefined) await noteEnd(await sessions.revoke(previousToken), ip);
    if (request?.sessionHash !== undefined)
      await noteEnd(await sessions.revokeByHash(request.sessionHash), ip);
    return { ...begun, returnTo };
  };

  const noteEnd = async (ended: Revoked | undefined, ip: string): Promise<void> => {
    if (ended === undefined) return;
    const event = SignedOut.of({ by: 'new-sign-in', sessions: 1 });
    await recorder.record(event, personHere(ended.personId, ended.id, ip));
  };

  return {
    begin: (wish) => recordingRefusals(wish.ip, () => beginWith(wish)),
    finish: (answer) =>
      recordingRefusals(answer.ip, async () => {
        const question = await questionOf(answer, { ledger, directory, rulesOf });
        try {
          return await signInBy(question, answer);
        } catch (error) {
          throw withProvider(error, question.providerId);
        }
      }),
    unreadable: (why, ip) => refused(why, undefined, ip),
  };
};

const personHere = (id: string, sessionId: string, ip: string) => ({
  actor: { id, kind: 'person' as const },
  tool: consoleTool,
  sessionId,
  ip,
});

/** A provider may pass over ForceAuthn; what it then says is no fresh proof. */
const requireProven = (request: StartedRequest | undefined, { authenticatedAt }: AssertedIdentity): void => {
  const from = request?.provenFrom;
  if (from === undefined || authenticatedAt.getTime() >= from.getTime() - clockSkewMs) return;
  throw new SamlRefusal('not-fresh', 'The identity provider did not ask you to sign in once more.');
};
