/** Our own keys: what they sign, what providers are told of them, and how one follows another. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { verifyRedirect } from '../../src/access/saml/redirect-signature.ts';
import { type SigningKey, signElement } from '../../src/access/saml/signed-xml.ts';
import { attribute, ns, onlyChild, parseXml, textOf } from '../../src/access/saml/xml.ts';
import { type Acme, openAcme } from './acme.ts';
import { encryptedFor } from './encrypting.ts';
import { assertionXml, newSigningKey, responseAround, saying } from './messages.ts';
import type { Served } from './serving.ts';

let acme: Acme;
beforeAll(async () => {
  acme = await openAcme();
});
afterAll(() => acme.close());

const wish = { provider: 'acme', returnTo: '/', browserSecret: undefined, ip: '127.0.0.1' };

const certificatesIn = (metadata: string, use: string): readonly string[] =>
  [...metadata.matchAll(new RegExp(`use="${use}"[^]*?<X509Certificate>([^<]+)`, 'g'))].map(
    ([, body]) => body ?? '',
  );
const bodyOf = ({ certificate }: SigningKey) => certificate.replace(/-----[^-]+-----|\s/g, '');

const requestOf = async ({ sso }: Served, key: SigningKey) => {
  const { location } = await sso.signIn.begin(wish);
  const url = new URL(location);
  expect(url.searchParams.get('SigAlg')).toBe('http://www.w3.org/2001/04/xmldsig-more#rsa-sha256');
  return parseXml(verifyRedirect(url.search.slice(1), [key.certificate]).xml.replace(/^<\?xml[^>]*\?>/, ''));
};

test('a request is signed with SHA-256 and the key in our metadata, and says from whom and to whom', async () => {
  const { sp } = acme.app.sso;
  expect(certificatesIn(sp.metadata(), 'signing')).toEqual([bodyOf(sp.key)]);
  const request = await requestOf(acme.app, sp.key);
  expect([
    request.localName,
    attribute(request, 'Version'),
    attribute(request, 'Destination'),
    attribute(request, 'AssertionConsumerServiceURL'),
    textOf(onlyChild(request, ns.assertion, 'Issuer')),
  ]).toEqual(['AuthnRequest', '2.0', 'https://idp.example/sso', sp.acsUrl, sp.entityId]);
});

describe('a key that is to follow', () => {
  const [nextSigning, nextEncryption] = [newSigningKey(), newSigningKey()];
  let restarted: Served;

  beforeAll(async () => {
    const put = ({ privateKey, certificate }: SigningKey, name: string) =>
      writeFile(path.join(path.dirname(acme.file), `${name}.next.pem`), privateKey + certificate);
    await put(nextSigning, 'saml-service-provider');
    await put(nextEncryption, 'saml-encryption');
    restarted = await acme.another();
  });
  afterAll(() => restarted.stop());

  test('is told beside the one that still signs', async () => {
    const { sp } = restarted.sso;
    expect(certificatesIn(sp.metadata(), 'signing')).toEqual([
      bodyOf(acme.app.sso.sp.key),
      bodyOf(nextSigning),
    ]);
    await requestOf(restarted, acme.app.sso.sp.key);
  });

  test('is told instead of the one that assertions were encrypted for, and both are good', async () => {
    expect(certificatesIn(restarted.sso.sp.metadata(), 'encryption')).toEqual([bodyOf(nextEncryption)]);
    const [present] = acme.app.sso.sp.encryptionKeys;
    for (const [key, status] of [
      [nextEncryption, 303],
      [present, 303],
      [newSigningKey(), 403],
    ] as const) {
      const begun = await acme.begin();
      const said = saying(begun.request);
      const signed = signElement(assertionXml(said), said.assertionId, acme.key);
      const xml = responseAround(said, await encryptedFor(signed, key ?? newSigningKey()));
      const answer = await fetch(`${restarted.url}/auth/saml/acs`, {
        method: 'POST',
        redirect: 'manual',
        headers: { cookie: begun.browser.cookies() },
        body: new URLSearchParams({
          SAMLResponse: Buffer.from(xml).toString('base64'),
          RelayState: begun.relayState,
        }),
      });
      expect(answer.status).toBe(status);
    }
  });
});
