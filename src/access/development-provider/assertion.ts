/** The response that the development provider posts: one signed assertion about one of its users. */
import { newMessageId } from '../saml/ledger.ts';
import { type SigningKey, signElement } from '../saml/signed-xml.ts';
import { escaped, ns } from '../saml/xml.ts';
import type { DevelopmentUser } from './users.ts';

export interface ResponseOptions {
  readonly user: DevelopmentUser;
  readonly issuer: string;
  readonly audience: string;
  readonly acsUrl: string;
  readonly inResponseTo: string;
  readonly sessionIndex: string;
  readonly now: Date;
  readonly key: SigningKey;
}

const validMs = 2 * 60_000;

const attributeXml = (name: string, values: readonly string[]): string =>
  `<saml:Attribute Name="${name}" NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:basic">${values
    .map((value) => `<saml:AttributeValue>${escaped(value)}</saml:AttributeValue>`)
    .join('')}</saml:Attribute>`;

export const responseXml = (options: ResponseOptions): string => {
  const { user, issuer, audience, acsUrl, inResponseTo, sessionIndex, now, key } = options;
  const id = newMessageId();
  const at = now.toISOString();
  const until = new Date(now.getTime() + validMs).toISOString();
  const assertion = `<saml:Assertion ID="${id}" Version="2.0" IssueInstant="${at}"><saml:Issuer>${escaped(issuer)}</saml:Issuer><saml:Subject><saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">${escaped(user.nameId)}</saml:NameID><saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData InResponseTo="${escaped(inResponseTo)}" Recipient="${escaped(acsUrl)}" NotOnOrAfter="${until}"/></saml:SubjectConfirmation></saml:Subject><saml:Conditions NotBefore="${at}" NotOnOrAfter="${until}"><saml:AudienceRestriction><saml:Audience>${escaped(audience)}</saml:Audience></saml:AudienceRestriction></saml:Conditions><saml:AuthnStatement AuthnInstant="${at}" SessionIndex="${escaped(sessionIndex)}"><saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement><saml:AttributeStatement>${attributeXml('email', [user.email])}${attributeXml('displayName', [user.displayName])}${attributeXml('groups', user.groups)}${user.regions.length === 0 ? '' : attributeXml('regions', user.regions)}</saml:AttributeStatement></saml:Assertion>`;
  const response = `<samlp:Response xmlns:samlp="${ns.protocol}" xmlns:saml="${ns.assertion}" ID="${newMessageId()}" Version="2.0" IssueInstant="${at}" Destination="${escaped(acsUrl)}" InResponseTo="${escaped(inResponseTo)}"><saml:Issuer>${escaped(issuer)}</saml:Issuer><samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>${assertion}</samlp:Response>`;
  return signElement(response, id, key);
};
