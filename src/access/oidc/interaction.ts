/**
 * SAML in, OIDC out: the step between in which the person whose session this browser has becomes the one
 * that the tool is told of. Without a session, or with one that is too old for what the tool asked
 * (`prompt=login`, `max_age`), the browser goes to the identity provider first and comes back here.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type Provider from 'oidc-provider';
import type { Session } from '../sessions.ts';
import { keptIn, requireConfirmer, saveAgain } from './confirming.ts';
import type { SessionOf } from './requests.ts';
import { isOlder, skewMs } from './sign-in-age.ts';

interface Deps {
  readonly provider: Provider;
  readonly sessionOf: SessionOf;
}

type Interaction = Awaited<ReturnType<Provider['interactionDetails']>>;

/** Where the browser goes next; `sign-in`, afresh or not, leads back here. */
export type NextStep = { readonly to: string } | { readonly to: 'sign-in'; readonly fresh: boolean };

/** @throws errors.SessionNotFound, QuarterdeckError `not_permitted` where somebody else confirmed the device */
export const continueSignIn = async (
  { provider, sessionOf }: Deps,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<NextStep> => {
  const interaction = await provider.interactionDetails(request, response);
  const session = await sessionOf(request);
  await requireConfirmer(provider, interaction, session?.personId);
  if (session === undefined) return { to: 'sign-in', fresh: false };
  if (!(await isFreshEnough(session, interaction))) return { to: 'sign-in', fresh: true };
  await leaveOther(provider, interaction, session.personId);
  const login = {
    accountId: session.personId,
    ts: Math.floor(session.authenticatedAt / 1_000),
    remember: false,
  };
  const { confirmedBy } = keptIn(interaction.result);
  const result = { login, ...(confirmedBy === undefined ? {} : { confirmedBy }) };
  const last = { mergeWithLastSubmission: false };
  return { to: await provider.interactionResult(request, response, result, last) };
};

const ages = ['max_age', 'quarterdeck_max_age'];

/**
 * Asked for anew, only a sign-in proved after we sent the browser there will do: by the provider's word on when,
 * not by when the session began, else a plain sign-in with the session that the provider still has would pass
 * for a fresh one. When we sent it is kept with the interaction, whose own time has no parts of a second.
 */
const isFreshEnough = async (session: Session, interaction: Interaction): Promise<boolean> => {
  const { reasons } = interaction.prompt;
  const tooOld =
    reasons.some((reason) => ages.includes(reason)) && isOlder(session, interaction.params.max_age);
  if (!tooOld && !reasons.includes('login_prompt')) return true;
  const { sentAt } = keptIn(interaction.result);
  if (sentAt !== undefined && session.createdAt >= sentAt && session.authenticatedAt >= sentAt - skewMs)
    return true;
  if (sentAt === undefined) {
    interaction.result = { ...interaction.result, sentAt: Date.now() };
    await saveAgain(interaction);
  }
  return false;
};

/** Another person signed in here before: nothing of theirs is carried over. */
const leaveOther = async (provider: Provider, interaction: Interaction, personId: string): Promise<void> => {
  const { session } = interaction;
  if (session === undefined || session.accountId === personId) return;
  await (await provider.Session.findByUid(session.uid))?.destroy();
  interaction.session = undefined;
  await saveAgain(interaction);
};
