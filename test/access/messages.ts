/**
 * SAML responses of a provider of our own making: its key is trusted through its metadata, and a test
 * says what is wrong with what it sends. `sealed` signs as the development provider would.
 */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { inflateRawSync } from 'node:zlib';
import { newMessageId } from '../../src/access/saml/ledger.ts';
import { selfSignedCertificate } from '../../src/access/saml/self-signed.ts';
import { type SigningKey, signElement } from '../../src/access/saml/signed-xml.ts';
import type { Browser, Step } from './browser.ts';

export const issuer = 'https://idp.example/entity';

const certified = (key: KeyObject): SigningKey => {
  const privateKey = key.export({ type: 'pkcs8', format: 'pem' }).toString();
  return { privateKey, certificate: selfSignedCertificate(privateKey, 'test provider', new Date()) };
};

export const newSigningKey = (modulusLength = 2048): SigningKey =>
  certified(generateKeyPairSync('rsa', { modulusLength }).privateKey);

export const newEllipticKey = (): SigningKey =>
  certified(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);

export interface Published {
  /** All of its keys, as during a change from one to another. */
  readonly keys: readonly SigningKey[];
  readonly entityId?: string;
  readonly validUntil?: string;
}

const certificateXml = ({ certificate }: SigningKey): string =>
  `<KeyDescriptor use="signing"><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data>
      <X509Certificate>${certificate.replace(/-----[^-]+-----|\s/g, '')}</X509Certificate>
    </X509Data></KeyInfo></KeyDescriptor>`;

export const metadataOf = ({ keys, entityId = issuer, validUntil }: Published): string => `
<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="${entityId}"${
  validUntil === undefined ? '' : ` validUntil="${validUntil}"`
}>
  <IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
    ${keys.map(certificateXml).join('\n    ')}
    <SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.example/slo"/>
    <SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.example/sso"/>
  </IDPSSODescriptor>
</EntityDescriptor>`;

export const writeMetadata = async (folder: string, key: SigningKey): Promise<string> => {
  const file = path.join(folder, 'acme.xml');
  await writeFile(file, metadataOf({ keys: [key] }));
  return file;
};

/** Everything that a response says; a test changes what it wants to be wrong. */
export interface Said {
  readonly responseVersion: string;
  readonly assertionVersion: string;
  readonly destination: string;
  /** undefined leaves the attribute out. */
  readonly responseInResponseTo: string | undefined;
  readonly responseIssuer: string;
  readonly status: string;
  readonly assertionId: string;
  readonly assertionIssuer: string;
  readonly issueInstant: string;
  /** The whole element. */
  readonly nameId: string;
  readonly method: string;
  readonly recipient: string;
  /** undefined leaves the attribute out. */
  readonly inResponseTo: string | undefined;
  readonly confirmationNotOnOrAfter: string | undefined;
  /** undefined leaves the attribute out. */
  readonly confirmationNotBefore: string | undefined;
  readonly notBefore: string;
  /** Further conditions, whole elements. */
  readonly conditions: string;
  readonly notOnOrAfter: string;
  readonly audience: string;
  /** The whole element. */
  readonly authnStatement: string;
  /** The whole element, or nothing. */
  readonly attributes: string;
  readonly extensions: string;
  /** Beside the status code. */
  readonly statusDetail: string;
}

export const minutes = (n: number): number => n * 60_000;

export const saying = (
  request: { id: string; url: string; now: Date },
  changes: Partial<Said> = {},
): Said => {
  const { id, url, now } = request;
  const at = (ms: number) => new Date(now.getTime() + ms).toISOString();
  return {
    responseVersion: '2.0',
    assertionVersion: '2.0',
    destination: `${url}/auth/saml/acs`,
    responseInResponseTo: id,
    responseIssuer: issuer,
    status: 'urn:oasis:names:tc:SAML:2.0:status:Success',
    assertionId: newMessageId(),
    assertionIssuer: issuer,
    issueInstant: at(0),
    nameId: '<saml:NameID>someone</saml:NameID>',
    method: 'urn:oasis:names:tc:SAML:2.0:cm:bearer',
    recipient: `${url}/auth/saml/acs`,
    inResponseTo: id,
    confirmationNotOnOrAfter: at(minutes(2)),
    confirmationNotBefore: undefined,
    notBefore: at(-minutes(1)),
    conditions: '',
    notOnOrAfter: at(minutes(2)),
    audience: `${url}/auth/saml/metadata`,
    authnStatement: `<saml:AuthnStatement AuthnInstant="${at(0)}" SessionIndex="s1"><saml:AuthnContext/></saml:AuthnStatement>`,
    attributes: groups('staff'),
    extensions: '',
    statusDetail: '',
    ...changes,
  };
};

export const groups = (...names: readonly string[]): string =>
  `<saml:AttributeStatement><saml:Attribute Name="groups">${names
    .map((name) => `<saml:AttributeValue>${name}</saml:AttributeValue>`)
    .join('')}</saml:Attribute></saml:AttributeStatement>`;

const optional = (name: string, value: string | undefined): string =>
  value === undefined ? '' : ` ${name}="${value}"`;

export const assertionXml = (s: Said): string =>
  `<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="${s.assertionId}" Version="${s.assertionVersion}" IssueInstant="${s.issueInstant}"><saml:Issuer>${s.assertionIssuer}</saml:Issuer><saml:Subject>${s.nameId}<saml:SubjectConfirmation Method="${s.method}"><saml:SubjectConfirmationData Recipient="${s.recipient}"${optional('InResponseTo', s.inResponseTo)}${optional('NotBefore', s.confirmationNotBefore)}${optional('NotOnOrAfter', s.confirmationNotOnOrAfter)}/></saml:SubjectConfirmation></saml:Subject><saml:Conditions NotBefore="${s.notBefore}" NotOnOrAfter="${s.notOnOrAfter}"><saml:AudienceRestriction><saml:Audience>${s.audience}</saml:Audience></saml:AudienceRestriction>${s.conditions}</saml:Conditions>${s.authnStatement}${s.attributes}</saml:Assertion>`;

export const responseId = '_response';

export const responseAround = (s: Said, content: string, id = responseId): string =>
  `<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="${id}" Version="${s.responseVersion}" IssueInstant="${s.issueInstant}" Destination="${s.destination}"${optional('InResponseTo', s.responseInResponseTo)}><saml:Issuer>${s.responseIssuer}</saml:Issuer>${s.extensions}<samlp:Status><samlp:StatusCode Value="${s.status}"/>${s.statusDetail}</samlp:Status>${content}</samlp:Response>`;

/** A whole response whose assertion is signed, as an honest provider sends it. */
export const sealed = (s: Said, key: SigningKey): string =>
  responseAround(s, signElement(assertionXml(s), s.assertionId, key));

/** A sign-in that a browser has begun with us; the test plays the provider's part. */
export interface BegunSignIn {
  readonly browser: Browser;
  readonly relayState: string;
  /** Our signed request, as the provider gets it. */
  readonly authnRequest: string;
  readonly request: { id: string; url: string; now: Date };
}

export const beginSignIn = async (
  browser: Browser,
  url: string,
  address = '/auth/saml/login',
): Promise<BegunSignIn> => {
  const away = new URL((await browser.get(address)).headers.get('location') ?? '');
  const xml = inflateRawSync(Buffer.from(away.searchParams.get('SAMLRequest') ?? '', 'base64')).toString();
  const id = /\bID="([^"]+)"/.exec(xml)?.[1] ?? '';
  return {
    browser,
    relayState: away.searchParams.get('RelayState') ?? '',
    authnRequest: xml,
    request: { id, url, now: new Date() },
  };
};

/** As a form on the provider's page would. */
export const postAnswer = (
  { browser, relayState }: Pick<BegunSignIn, 'browser' | 'relayState'>,
  xml: string | Buffer,
): Promise<Step> => {
  const SAMLResponse = Buffer.from(xml as string).toString('base64');
  const form = new URLSearchParams({ SAMLResponse, RelayState: relayState });
  return browser.go('POST', '/auth/saml/acs', form, { origin: 'https://idp.example' });
};
