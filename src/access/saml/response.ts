/**
 * From a posted SAMLResponse to the identity it proves, in this order: form, status, decryption, signatures
 * (node-saml), then everything that the signed assertion must say. Decides nothing about sessions.
 */
import type { Element } from '@xmldom/xmldom';
import type { ProviderRules, Signed } from '../policy/provider-rules.ts';
import { checkAssertion, checkStatus } from './assertion-checks.ts';
import { decryptAssertion, encryptedRefusal } from './encrypted-assertion.ts';
import { type AssertedIdentity, identityOf } from './identity.ts';
import { unpackPosted } from './message.ts';
import { checkMessage, responseChecks } from './message-checks.ts';
import type { IdentityProvider } from './provider-metadata.ts';
import { SamlRefusal } from './refusal.ts';
import type { Exchange, ServiceProvider } from './service-provider.ts';
import { attribute, ns, onlyChild, parseXml, textOf } from './xml.ts';

/** A response whose form was checked and whose signatures were not: what it says is a claim. */
export interface UnprovedResponse {
  readonly xml: string;
  readonly root: Element;
  readonly inResponseTo: string | undefined;
  readonly issuer: string | undefined;
}

/** @throws SamlRefusal with the name of the check that failed */
export const openResponse = (samlResponse: unknown): UnprovedResponse => {
  const xml = unpackPosted(samlResponse);
  const root = parseXml(withoutDeclaration(xml));
  checkMessage(root, responseChecks);
  // The response may leave it to the assertion to say.
  const saying = [root, onlyChild(root, ns.assertion, 'Assertion')].flatMap(
    (element) => (element && onlyChild(element, ns.assertion, 'Issuer')) ?? [],
  );
  const issuer = textOf(saying[0]);
  return { xml, root, inResponseTo: attribute(root, 'InResponseTo'), issuer };
};

export interface ResponseToRead {
  readonly sp: ServiceProvider;
  readonly provider: IdentityProvider;
  readonly rules: ProviderRules;
  readonly response: UnprovedResponse;
  /** undefined: a sign-in that no request of ours began; the assertion must not name one then. */
  readonly requestId: string | undefined;
  readonly now: Date;
}

/** @throws SamlRefusal with the name of the check that failed */
export const readResponse = async (given: ResponseToRead): Promise<AssertedIdentity> => {
  const { sp, provider, rules, response, requestId, now } = given;
  checkStatus(response.root);
  const assertion = await signedAssertion(given);
  const expected = {
    now: now.getTime(),
    acsUrl: sp.acsUrl,
    entityId: sp.entityId,
    issuer: provider.entityId,
    requestId,
  };
  checkAssertion({ response: response.root, assertion, expected });
  return identityOf(assertion, rules.names);
};

/** The one instruction that a message may begin with. */
export const withoutDeclaration = (xml: string): string => xml.replace(/^\s*<\?xml\s[^<>]*\?>/, '');

const signedAssertion = async (given: ResponseToRead): Promise<Element> => {
  const { sp, rules, response } = given;
  const encrypted = onlyChild(response.root, ns.assertion, 'EncryptedAssertion');
  const decrypted = encrypted && (await decryptAssertion(encrypted, sp.encryptionKeys));
  const assertion = decrypted?.assertion ?? onlyChild(response.root, ns.assertion, 'Assertion');
  try {
    const signed = toBeSigned(rules.signed, response.root, assertion);
    return await verified(given, { signed, encryptionKey: decrypted?.encryptionKey });
  } catch (cause) {
    const check = cause instanceof SamlRefusal ? cause.check : checkNamed(cause);
    // Of an encrypted assertion nothing is told until its signature was verified: see `encrypted-assertion.ts`.
    if (encrypted !== undefined && (check === 'signature' || check === 'saml')) throw encryptedRefusal(cause);
    throw new SamlRefusal(check, 'The answer of the identity provider is not valid.', { cause });
  }
};

/** What the provider's rules demand; a signature that is there beside it must be right too. */
const toBeSigned = (
  rule: Signed,
  response: Element,
  assertion: Element | undefined,
): NonNullable<Exchange['signed']> => ({
  response: rule !== 'assertion' || isSigned(response),
  assertion: rule !== 'response' || (assertion !== undefined && isSigned(assertion)),
});

const isSigned = (element: Element): boolean => onlyChild(element, ns.signature, 'Signature') !== undefined;

const verified = async (
  { sp, provider, requestId, response }: ResponseToRead,
  exchange: Pick<Exchange, 'signed' | 'encryptionKey'>,
): Promise<Element> => {
  const SAMLResponse = Buffer.from(response.xml, 'utf8').toString('base64');
  const saml = sp.saml(provider, { requestId, ...exchange });
  const { profile } = await saml.validatePostResponseAsync({ SAMLResponse });
  const assertion = profile?.getAssertionXml?.();
  if (assertion === undefined) throw new Error('Missing SAML assertion');
  return parseXml(assertion);
};

/** node-saml says in words what it refused. */
const words: readonly (readonly [RegExp, string])[] = [
  [/signature/i, 'signature'],
  [/audience/i, 'audience'],
  [/InResponseTo/i, 'in-response-to'],
  [/subject confirmation/i, 'confirmation-time'],
  [/expired|not yet valid/i, 'conditions-time'],
  [/parsing Not(Before|OnOrAfter)/i, 'time'],
  [/Missing SAML assertion/i, 'one-assertion'],
];

const checkNamed = (error: unknown): string => {
  const message = error instanceof Error ? error.message : '';
  return words.find(([pattern]) => pattern.test(message))?.[1] ?? 'saml';
};
