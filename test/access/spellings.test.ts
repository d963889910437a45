/**
 * The same honest answer as Okta, Google Workspace and Entra ID write it: other prefixes, namespaces and
 * indents, types of values, lists of namespaces in the transform, fractions of a second.
 */
import { SignedXml } from 'xml-crypto';
import { enveloped, exclusiveC14n, rsaSha256, sha256 } from '../../src/access/saml/algorithms.ts';
import { newMessageId } from '../../src/access/saml/ledger.ts';
import { parseProviderMetadata } from '../../src/access/saml/provider-metadata.ts';
import { type Acme, openAcme } from './acme.ts';
import { type BegunSignIn, issuer, minutes, newSigningKey } from './messages.ts';

let acme: Acme;
beforeAll(async () => {
  acme = await openAcme();
});
afterAll(() => acme.close());

const signed = (xml: string, id: string, prefixes: readonly string[] = []): string => {
  const signer = new SignedXml({
    privateKey: acme.key.privateKey,
    publicCert: acme.key.certificate,
    signatureAlgorithm: rsaSha256,
    canonicalizationAlgorithm: exclusiveC14n,
  });
  signer.addReference({
    xpath: `//*[@ID='${id}']`,
    transforms: [enveloped, exclusiveC14n],
    digestAlgorithm: sha256,
    inclusiveNamespacesPrefixList: [...prefixes],
  });
  const reference = `//*[@ID='${id}']/*[local-name(.)='Issuer']`;
  signer.computeSignature(xml, { location: { reference, action: 'after' } });
  return signer.getSignedXml();
};

const protocol = 'urn:oasis:names:tc:SAML:2.0:protocol';
const assertion = 'urn:oasis:names:tc:SAML:2.0:assertion';
const entity = 'urn:oasis:names:tc:SAML:2.0:nameid-format:entity';
const persistent = 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent';
const bearer = 'urn:oasis:names:tc:SAML:2.0:cm:bearer';
const xs =
  'xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"';

interface Facts {
  readonly id: string;
  readonly acs: string;
  readonly audience: string;
  readonly request: string;
  readonly now: string;
  readonly soon: string;
}

const factsOf = ({ request }: BegunSignIn): Facts => ({
  id: newMessageId(),
  acs: `${request.url}/auth/saml/acs`,
  audience: `${request.url}/auth/saml/metadata`,
  request: request.id,
  now: request.now.toISOString(),
  soon: new Date(request.now.getTime() + minutes(5)).toISOString(),
});

const okta = (f: Facts): string => {
  const value = (text: string) =>
    `<saml2:AttributeValue ${xs} xsi:type="xs:string">${text}</saml2:AttributeValue>`;
  const format = 'NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:unspecified"';
  const inner = `<saml2:Assertion ID="${f.id}" IssueInstant="${f.now}" Version="2.0" xmlns:saml2="${assertion}" xmlns:xs="http://www.w3.org/2001/XMLSchema"><saml2:Issuer Format="${entity}" xmlns:saml2="${assertion}">${issuer}</saml2:Issuer><saml2:Subject xmlns:saml2="${assertion}"><saml2:NameID Format="${persistent}">00u1</saml2:NameID><saml2:SubjectConfirmation Method="${bearer}"><saml2:SubjectConfirmationData InResponseTo="${f.request}" NotOnOrAfter="${f.soon}" Recipient="${f.acs}"/></saml2:SubjectConfirmation></saml2:Subject><saml2:Conditions NotBefore="${f.now}" NotOnOrAfter="${f.soon}" xmlns:saml2="${assertion}"><saml2:AudienceRestriction><saml2:Audience>${f.audience}</saml2:Audience></saml2:AudienceRestriction></saml2:Conditions><saml2:AuthnStatement AuthnInstant="${f.now}" SessionIndex="${f.request}" xmlns:saml2="${assertion}"><saml2:AuthnContext><saml2:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</saml2:AuthnContextClassRef></saml2:AuthnContext></saml2:AuthnStatement><saml2:AttributeStatement xmlns:saml2="${assertion}"><saml2:Attribute Name="email" ${format}>${value('ann@x.example')}</saml2:Attribute><saml2:Attribute Name="displayName" ${format}>${value('Ann')}</saml2:Attribute><saml2:Attribute Name="groups" ${format}>${value('staff')}${value('Everyone')}</saml2:Attribute></saml2:AttributeStatement></saml2:Assertion>`;
  const outer = `<?xml version="1.0" encoding="UTF-8"?><saml2p:Response Destination="${f.acs}" ID="id1" InResponseTo="${f.request}" IssueInstant="${f.now}" Version="2.0" xmlns:saml2p="${protocol}" xmlns:xs="http://www.w3.org/2001/XMLSchema"><saml2:Issuer Format="${entity}" xmlns:saml2="${assertion}">${issuer}</saml2:Issuer><saml2p:Status xmlns:saml2p="${protocol}"><saml2p:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></saml2p:Status>${signed(inner, f.id, ['xs'])}</saml2p:Response>`;
  return signed(outer, 'id1', ['xs']);
};

const google = (f: Facts): string => {
  const value = (text: string) =>
    `<saml2:AttributeValue ${xs} xsi:type="xs:anyType">${text}</saml2:AttributeValue>`;
  const inner = `<saml2:Assertion xmlns:saml2="${assertion}" ID="${f.id}" IssueInstant="${f.now}" Version="2.0">
  <saml2:Issuer>${issuer}</saml2:Issuer>
  <saml2:Subject>
    <saml2:NameID Format="${persistent}">4711</saml2:NameID>
    <saml2:SubjectConfirmation Method="${bearer}">
      <saml2:SubjectConfirmationData InResponseTo="${f.request}" NotOnOrAfter="${f.soon}" Recipient="${f.acs}"/>
    </saml2:SubjectConfirmation>
  </saml2:Subject>
  <saml2:Conditions NotBefore="${f.now}" NotOnOrAfter="${f.soon}">
    <saml2:AudienceRestriction>
      <saml2:Audience>${f.audience}</saml2:Audience>
    </saml2:AudienceRestriction>
  </saml2:Conditions>
  <saml2:AttributeStatement>
    <saml2:Attribute Name="email">
      ${value('ann@x.example')}
    </saml2:Attribute>
    <saml2:Attribute Name="displayName">
      ${value('Ann')}
    </saml2:Attribute>
    <saml2:Attribute Name="groups">
      ${value('staff')}
    </saml2:Attribute>
  </saml2:AttributeStatement>
  <saml2:AuthnStatement AuthnInstant="${f.now}" SessionIndex="${f.id}">
    <saml2:AuthnContext>
      <saml2:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified</saml2:AuthnContextClassRef>
    </saml2:AuthnContext>
  </saml2:AuthnStatement>
</saml2:Assertion>`;
  return `<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<saml2p:Response xmlns:saml2p="${protocol}" Destination="${f.acs}" ID="_r" InResponseTo="${f.request}" IssueInstant="${f.now}" Version="2.0">
  <saml2:Issuer xmlns:saml2="${assertion}">${issuer}</saml2:Issuer>
  <saml2p:Status>
    <saml2p:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/>
  </saml2p:Status>
  ${signed(inner, f.id)}
</saml2p:Response>`;
};

const claims = 'http://schemas.xmlsoap.org/ws/2005/05/identity/claims';
const groupsClaim = 'http://schemas.microsoft.com/ws/2008/06/identity/claims/groups';

const entra = (f: Facts): string => {
  const attribute = (name: string, text: string) =>
    `<Attribute Name="${name}"><AttributeValue>${text}</AttributeValue></Attribute>`;
  // Seven digits of a second.
  const now = f.now.replace('Z', '1234Z');
  const inner = `<Assertion ID="${f.id}" IssueInstant="${now}" Version="2.0" xmlns="${assertion}"><Issuer>${issuer}</Issuer><Subject><NameID Format="${persistent}">3f2504e0</NameID><SubjectConfirmation Method="${bearer}"><SubjectConfirmationData InResponseTo="${f.request}" NotOnOrAfter="${f.soon}" Recipient="${f.acs}"/></SubjectConfirmation></Subject><Conditions NotBefore="${f.now}" NotOnOrAfter="${f.soon}"><AudienceRestriction><Audience>${f.audience}</Audience></AudienceRestriction></Conditions><AttributeStatement>${attribute(`${claims}/emailaddress`, 'ann@x.example')}${attribute('http://schemas.microsoft.com/identity/claims/displayname', 'Ann')}${attribute(groupsClaim, 'staff')}</AttributeStatement><AuthnStatement AuthnInstant="${f.now}" SessionIndex="${f.id}"><AuthnContext><AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</AuthnContextClassRef></AuthnContext></AuthnStatement></Assertion>`;
  const outer = `<samlp:Response ID="_r" Version="2.0" IssueInstant="${now}" Destination="${f.acs}" InResponseTo="${f.request}" xmlns:samlp="${protocol}"><Issuer xmlns="${assertion}">${issuer}</Issuer><samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>${signed(inner, f.id)}</samlp:Response>`;
  return signed(outer, '_r');
};

test.each([
  ['Okta', 'signed: both', okta],
  ['Google Workspace', 'signed: assertion', google],
  ['Entra ID', `signed: both, names: { groups: '${groupsClaim}' }`, entra],
])('%s signs people in', async (_name, rules, make) => {
  await acme.applyRules(rules);
  const begun = await acme.begin();
  expect(await acme.expectSignedIn(begun, make(factsOf(begun)))).toMatchObject({
    principal: { email: 'ann@x.example', name: 'Ann' },
    roles: ['reader'],
  });
});

test('metadata of Entra ID, with roles that are none of ours and a signature of its own, is read', () => {
  const [old, next] = [newSigningKey(), newSigningKey()].map(({ certificate }) =>
    certificate.replace(/-----[^-]+-----|\s/g, ''),
  );
  const keyInfo = (body?: string) =>
    `<KeyDescriptor use="signing"><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>${body}</X509Certificate></X509Data></KeyInfo></KeyDescriptor>`;
  const url = 'https://login.microsoftonline.com/tenant/saml2';
  const redirect = 'Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"';
  const provider = parseProviderMetadata(
    'entra',
    `<?xml version="1.0" encoding="utf-8"?><EntityDescriptor ID="_m" entityID="https://sts.windows.net/tenant/" xmlns="urn:oasis:names:tc:SAML:2.0:metadata"><Signature xmlns="http://www.w3.org/2000/09/xmldsig#"/><RoleDescriptor xsi:type="fed:SecurityTokenServiceType" protocolSupportEnumeration="http://docs.oasis-open.org/wsfed/federation/200706" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:fed="http://docs.oasis-open.org/wsfed/federation/200706">${keyInfo('not-for-us')}</RoleDescriptor><IDPSSODescriptor protocolSupportEnumeration="${protocol}">${keyInfo(old)}${keyInfo(next)}<SingleLogoutService ${redirect} Location="${url}"/><SingleSignOnService ${redirect} Location="${url}"/></IDPSSODescriptor></EntityDescriptor>`,
  );
  expect([provider.entityId, provider.signInUrl, provider.certificates.length]).toEqual([
    'https://sts.windows.net/tenant/',
    url,
    2,
  ]);
});
