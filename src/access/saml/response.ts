/**
 * From a posted SAMLResponse to the identity it proves, in this order: form, status, signature
 * (node-saml), then everything that the signed assertion must say. Decides nothing about sessions.
 */
import type { Element } from '@xmldom/xmldom';
import { checkAssertion, checkStatus } from './assertion-checks.ts';
import { type AssertedIdentity, type AttributeNames, identityOf } from './identity.ts';
import { unpackPosted } from './message.ts';
import { checkMessage, responseChecks } from './message-checks.ts';
import type { IdentityProvider } from './provider-metadata.ts';
import { SamlRefusal } from './refusal.ts';
import type { ServiceProvider } from './service-provider.ts';
import { parseXml } from './xml.ts';

export interface ResponseToRead {
  readonly sp: ServiceProvider;
  readonly provider: IdentityProvider;
  readonly samlResponse: unknown;
  readonly requestId: string;
  readonly attributeNames: AttributeNames;
  readonly now: Date;
}

/** @throws SamlRefusal with the name of the check that failed */
export const readResponse = async (given: ResponseToRead): Promise<AssertedIdentity> => {
  const { sp, provider, requestId, attributeNames, now } = given;
  const xml = unpackPosted(given.samlResponse);
  const response = parseXml(withoutDeclaration(xml));
  checkMessage(response, responseChecks);
  checkStatus(response);
  const assertion = await signedAssertion(sp, provider, requestId, xml);
  const expected = {
    now: now.getTime(),
    acsUrl: sp.acsUrl,
    entityId: sp.entityId,
    issuer: provider.entityId,
    requestId,
  };
  checkAssertion({ response, assertion, expected });
  return identityOf(assertion, attributeNames);
};

/** The one instruction that a message may begin with. */
export const withoutDeclaration = (xml: string): string => xml.replace(/^\s*<\?xml\s[^<>]*\?>/, '');

const signedAssertion = async (
  sp: ServiceProvider,
  provider: IdentityProvider,
  requestId: string,
  xml: string,
): Promise<Element> => {
  try {
    const SAMLResponse = Buffer.from(xml, 'utf8').toString('base64');
    const { profile } = await sp.saml(provider, requestId).validatePostResponseAsync({ SAMLResponse });
    const signed = profile?.getAssertionXml?.();
    if (signed === undefined) throw new Error('Missing SAML assertion');
    return parseXml(signed);
  } catch (cause) {
    if (cause instanceof SamlRefusal) throw cause;
    throw new SamlRefusal(checkNamed(cause), 'The answer of the identity provider is not valid.', { cause });
  }
};

/** node-saml says in words what it refused. */
const words: readonly (readonly [RegExp, string])[] = [
  [/signature/i, 'signature'],
  [/audience/i, 'audience'],
  [/InResponseTo/i, 'in-response-to'],
  [/subject confirmation/i, 'confirmation-time'],
  [/expired|not yet valid/i, 'conditions-time'],
  [/Missing SAML assertion/i, 'one-assertion'],
];

const checkNamed = (error: unknown): string => {
  const message = error instanceof Error ? error.message : '';
  return words.find(([pattern]) => pattern.test(message))?.[1] ?? 'saml';
};
