/**
 * Signing out, in both directions: here first, and then at the identity provider where it offers single
 * logout; or at the provider first, which then tells us with a signed message.
 */
import type { Db } from '../db/pool.ts';
import { inTransaction } from '../db/transaction.ts';
import type { Denials } from './denials.ts';
import { SignedOut, SignInRefused } from './engine-events.ts';
import type { People } from './people.ts';
import type { Clock } from './ports.ts';
import { anonymous, type Recorder } from './recorder.ts';
import { type Ledger, newMessageId, newSecret } from './saml/ledger.ts';
import {
  type LogoutRequest,
  logoutAnswerXml,
  logoutRequestXml,
  type ReadMessage,
  type Received,
  readLogout,
} from './saml/logout-message.ts';
import { packRedirected } from './saml/message.ts';
import type { ProviderDirectory } from './saml/provider-directory.ts';
import type { IdentityProvider } from './saml/provider-metadata.ts';
import { signedRedirect } from './saml/redirect-signature.ts';
import { SamlRefusal } from './saml/refusal.ts';
import type { ServiceProvider } from './saml/service-provider.ts';
import type { Session, Sessions } from './sessions.ts';
import { consoleTool } from './sign-in-session.ts';

export interface SignOut {
  /** Ends the session; false where it had ended already. */
  end(token: string, ip: string): Promise<boolean>;
  /** Where to send the browser so that the provider ends its session too; undefined where it cannot. */
  atProvider(session: Session, returnTo: string): Promise<string | undefined>;
  /**
   * A message at `/auth/saml/slo`. Answers with where to send the browser next.
   * @throws SamlRefusal, which has been recorded
   */
  receive(received: Received, ip: string): Promise<string>;
}

interface Deps {
  readonly sp: ServiceProvider;
  readonly directory: ProviderDirectory;
  readonly ledger: Ledger;
  readonly pool: Db;
  readonly people: People;
  readonly sessions: Sessions;
  readonly recorder: Recorder;
  readonly denials: Denials;
  readonly clock: Clock;
}

const messageLifeMs = 10 * 60_000;

export const createSignOut = (deps: Deps): SignOut => {
  const { sp, directory, ledger, pool, people, sessions, recorder, denials, clock } = deps;

  const envelope = (destination: string) => ({
    id: newMessageId(),
    issuer: sp.entityId,
    destination,
    now: clock(),
  });

  const endForProvider = async (
    provider: IdentityProvider,
    request: LogoutRequest,
    ip: string,
  ): Promise<void> => {
    const validUntil = new Date(clock().getTime() + messageLifeMs);
    const personId = people.idOf(provider.entityId, request.nameId);
    const indexes = request.sessionIndexes.length === 0 ? [undefined] : request.sessionIndexes;
    // Used and obeyed in one, so that a message whose process dies in between may come again.
    const count = await inTransaction(pool, async (tx) => {
      if (!(await ledger.use(tx, provider.entityId, request.id, validUntil))) {
        throw new SamlRefusal('replay', 'This message was used before.', { provider: provider.id });
      }
      let ended = 0;
      for (const index of indexes) ended += (await sessions.revokeOf(personId, index, tx)).length;
      return ended;
    });
    if (count === 0) return;
    const who = { actor: { id: personId, kind: 'person' as const }, tool: consoleTool, ip };
    await recorder.record(SignedOut.of({ by: 'provider', sessions: count }), who);
  };

  const answerTo = (
    provider: IdentityProvider,
    request: LogoutRequest,
    relayState: string | undefined,
  ): string => {
    const url = provider.signOutAnswerUrl ?? provider.signOutUrl;
    if (url === undefined) return '/auth/signed-out';
    const packed = packRedirected(logoutAnswerXml({ ...envelope(url), inResponseTo: request.id }));
    return signedRedirect({ url, field: 'SAMLResponse', packed, relayState, privateKey: sp.key.privateKey });
  };

  const returnFrom = async ({ message, relayState }: ReadMessage): Promise<string> => {
    const request = relayState === undefined ? undefined : await ledger.find('sign-out', relayState);
    const answers = message.kind === 'answer' && request !== undefined && request.id === message.inResponseTo;
    if (!answers || !(await ledger.consume(pool, request.id))) {
      throw new SamlRefusal('request-unknown', 'This answers no sign-out that was begun here.');
    }
    if (message.kind === 'answer' && !message.success) {
      const text = 'You are signed out here, but your identity provider says that it did not sign you out.';
      throw new SamlRefusal('status', text);
    }
    return request.returnTo;
  };

  return {
    end: async (token, ip) => {
      const ended = await sessions.revoke(token);
      if (ended === undefined) return false;
      const who = {
        actor: { id: ended.personId, kind: 'person' as const },
        tool: consoleTool,
        sessionId: ended.id,
        ip,
      };
      await recorder.record(SignedOut.of({ by: 'person', sessions: 1 }), who);
      return true;
    },
    atProvider: async (session, returnTo) => {
      const provider = directory.all().find(({ id }) => id === session.provider);
      const nameId = await people.nameIdOf(session.personId);
      if (provider?.signOutUrl === undefined || nameId === undefined) return undefined;
      const { signOutUrl: url } = provider;
      const opening = envelope(url);
      const relayState = newSecret();
      await ledger.start({ id: opening.id, kind: 'sign-out', provider: provider.id, relayState, returnTo });
      const { nameIdForm, sessionIndex } = session;
      const whose = { nameId, nameIdForm, sessionIndex: sessionIndex ?? undefined };
      const packed = packRedirected(logoutRequestXml({ ...opening, ...whose }));
      return signedRedirect({ url, field: 'SAMLRequest', packed, relayState, privateKey: sp.key.privateKey });
    },
    receive: async (received, ip) => {
      try {
        const reader = { providers: directory, sloUrl: sp.sloUrl, now: clock() };
        const read = await directory.withNewKeys(async () => readLogout(received, reader));
        if (read.message.kind === 'answer') return await returnFrom(read);
        await endForProvider(read.provider, read.message, ip);
        return answerTo(read.provider, read.message, read.relayState);
      } catch (error) {
        if (error instanceof SamlRefusal) {
          const why = `logout-${error.check}`;
          const data = { why, ...(error.provider === undefined ? {} : { provider: error.provider }) };
          void denials.note({ code: why, who: anonymous(ip), event: SignInRefused.of(data) });
        }
        throw error;
      }
    },
  };
};
