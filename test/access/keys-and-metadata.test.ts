/** What identity providers publish, keys that are made and kept, and where the development provider runs. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startDevelopmentProvider } from '../../src/access/development-provider/server.ts';
import { signingKeyIn } from '../../src/access/saml/key-files.ts';
import { packRedirected } from '../../src/access/saml/message.ts';
import { metadataSource } from '../../src/access/saml/metadata-source.ts';
import { parseProviderMetadata } from '../../src/access/saml/provider-metadata.ts';
import { signedRedirect, verifyRedirect } from '../../src/access/saml/redirect-signature.ts';
import { issuer, newSigningKey, writeMetadata } from './messages.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'quarterdeck-keys-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('a signing key', () => {
  const wanted = () => ({
    folder: path.join(folder, 'data'),
    name: 'sp',
    commonName: 'Quarterdeck ü',
    now: new Date(),
  });

  test('is made once, kept, and readable by nobody else', async () => {
    const first = await signingKeyIn(wanted());
    expect(await signingKeyIn(wanted())).toEqual(first);
    expect((await stat(path.join(folder, 'data', 'sp.pem'))).mode & 0o077).toBe(0);
    expect(await readdir(path.join(folder, 'data'))).toEqual(['sp.pem']);
  });

  test('is one and the same for processes that start together', async () => {
    const made = await Promise.all(Array.from({ length: 4 }, () => signingKeyIn(wanted())));
    expect(new Set(made.map(({ certificate }) => certificate)).size).toBe(1);
  });

  test('has a certificate that others can read and that it signed itself', async () => {
    const { privateKey, certificate } = await signingKeyIn(wanted());
    const read = new X509Certificate(certificate);
    expect(read.subject).toBe('CN=Quarterdeck ü');
    expect(read.issuer).toBe(read.subject);
    expect(read.verify(read.publicKey)).toBe(true);
    expect(read.checkPrivateKey(createPrivateKey(privateKey))).toBe(true);
    expect(Date.parse(read.validFrom)).toBeLessThan(Date.now());
    expect(Date.parse(read.validTo)).toBeGreaterThan(Date.now() + 9 * 365 * 86_400_000);
  });

  test('that is broken stops the start instead of being replaced', async () => {
    await writeFile(path.join(folder, 'sp.pem'), 'nothing');
    await expect(signingKeyIn({ ...wanted(), folder })).rejects.toThrow('does not hold a private key');
  });
});

describe('metadata of an identity provider', () => {
  const loadProvider = async (setting: string) => (await metadataSource(setting).read()).provider;

  test('tells its entity id, addresses and certificates, and is called as its file', async () => {
    const key = newSigningKey();
    const provider = await loadProvider(await writeMetadata(folder, key));
    expect(provider).toMatchObject({
      id: 'acme',
      entityId: issuer,
      signInUrl: 'https://idp.example/sso',
      signOutUrl: 'https://idp.example/slo',
    });
    expect(provider.certificates.map((pem) => new X509Certificate(pem).fingerprint256)).toEqual([
      new X509Certificate(key.certificate).fingerprint256,
    ]);
  });

  test('may be given a name', async () => {
    expect((await loadProvider(`okta=${await writeMetadata(folder, newSigningKey())}`)).id).toBe('okta');
  });

  test('that cannot be used stops the start with a sentence that names it', async () => {
    await expect(loadProvider(path.join(folder, 'missing.xml'))).rejects.toThrow(
      'missing.xml" cannot be used',
    );
    await expect(loadProvider('idp=http://127.0.0.1:1/metadata')).rejects.toThrow(
      '127.0.0.1:1/metadata" cannot be used',
    );
    await expect(loadProvider('http://127.0.0.1:1/metadata')).rejects.toThrow('give it a name');
  });

  test.each([
    ['<EntityDescriptor/>', 'identity provider'],
    ['<!DOCTYPE x><x/>', 'DOCTYPE'],
    ['{}', 'not well-formed'],
    [
      '<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="x"><IDPSSODescriptor/></EntityDescriptor>',
      'sign-in address',
    ],
    [
      '<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="x"><IDPSSODescriptor><SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="javascript:alert(1)"/></IDPSSODescriptor></EntityDescriptor>',
      'sign-in address',
    ],
    [
      '<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="x"><IDPSSODescriptor><SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://x/"/></IDPSSODescriptor></EntityDescriptor>',
      'signing certificate',
    ],
  ])('%s is not enough', (xml, missing) => {
    expect(() => parseProviderMetadata('x', xml)).toThrow(missing);
  });
});

describe('a signed query', () => {
  const key = newSigningKey();
  const packed = packRedirected('<hello/>');
  const query = () =>
    signedRedirect({
      url: 'https://x/',
      field: 'SAMLRequest',
      packed,
      relayState: 'a b+c',
      privateKey: key.privateKey,
    }).split('?')[1] ?? '';

  test('is read by whoever has the certificate', () => {
    expect(verifyRedirect(query(), [newSigningKey().certificate, key.certificate])).toEqual({
      field: 'SAMLRequest',
      xml: '<hello/>',
      relayState: 'a b+c',
    });
  });

  const cases: readonly (readonly [string, string, (query: string) => string])[] = [
    ['another RelayState', 'signature', (q) => q.replace('a%20b', 'b%20a')],
    ['no RelayState', 'signature', (q) => q.replace(/&RelayState=[^&]*/, '')],
    ['a second message', 'field', (q) => `${q}&SAMLRequest=x`],
    ['the other kind of message beside it', 'field', (q) => `${q}&SAMLResponse=x`],
    ['no signature', 'signature', (q) => q.replace(/&Signature=.*/, '')],
    ['an empty signature', 'signature', (q) => q.replace(/&Signature=.*/, '&Signature=')],
    [
      'SHA-1',
      'algorithm',
      (q) =>
        q.replace(
          /SigAlg=[^&]*/,
          `SigAlg=${encodeURIComponent('http://www.w3.org/2000/09/xmldsig#rsa-sha1')}`,
        ),
    ],
    [
      'another spelling of the same message',
      'signature',
      (q) => q.replace('SAMLRequest=s', 'SAMLRequest=%73'),
    ],
  ];
  test.each(cases)('with %s is refused', (_what, check, change) => {
    expect(() => verifyRedirect(change(query()), [key.certificate])).toThrow(
      expect.objectContaining({ check }),
    );
  });

  test('of another key is refused', () => {
    expect(() => verifyRedirect(query(), [newSigningKey().certificate])).toThrow(
      expect.objectContaining({ check: 'signature' }),
    );
  });
});

describe('the development provider', () => {
  const options = () => ({
    key: newSigningKey(),
    served: {
      entityId: 'x',
      acsUrl: 'http://x/acs',
      sloUrl: 'http://x/slo',
      certificate: newSigningKey().certificate,
    },
    clock: () => new Date(),
  });

  test('never starts in production', async () => {
    await expect(startDevelopmentProvider({ ...options(), production: true })).rejects.toThrow('production');
  });

  test.each(['0.0.0.0', '::', '192.0.2.1', 'example.com'])('never binds to %s', async (host) => {
    await expect(startDevelopmentProvider({ ...options(), production: false, host })).rejects.toThrow(
      'loopback',
    );
  });

  test('takes a request that we did not sign from nobody', async () => {
    const provider = await startDevelopmentProvider({ ...options(), production: false });
    try {
      const key = newSigningKey();
      const url = `${provider.url}/sign-in`;
      const forged = signedRedirect({
        url,
        field: 'SAMLRequest',
        packed: packRedirected('<x/>'),
        privateKey: key.privateKey,
      });
      for (const address of [forged, url, `${url}?SAMLRequest=x`])
        expect((await fetch(address)).status).toBe(400);
    } finally {
      await provider.stop();
    }
  });
});
