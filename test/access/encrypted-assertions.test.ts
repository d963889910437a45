/** Assertions that the provider encrypted for us, with the certificate that our metadata tells. */
import { contentCiphers } from '../../src/access/saml/algorithms.ts';
import { type SigningKey, signElement } from '../../src/access/saml/signed-xml.ts';
import { type Acme, openAcme } from './acme.ts';
import { type EncryptedHow, encryptedFor as encrypting } from './encrypting.ts';
import { assertionXml, newSigningKey, responseAround, responseId, type Said, saying } from './messages.ts';
import { signatureIn, withoutSignature } from './signing.ts';

let acme: Acme;
beforeAll(async () => {
  acme = await openAcme();
});
afterAll(() => acme.close());

/** The one in our metadata. */
const ours = (): SigningKey => {
  const [key] = acme.app.sso.sp.encryptionKeys;
  if (key === undefined) throw new Error('we have no key for encryption');
  return key;
};

interface How extends EncryptedHow {
  /** Whom it is for; us by default. */
  readonly key?: SigningKey;
}

const encryptedFor = (content: string, { key = ours(), ...how }: How = {}): Promise<string> =>
  encrypting(content, key, how);

const signed = (s: Said, key = acme.key) => signElement(assertionXml(s), s.assertionId, key);

describe.each([...contentCiphers])('encrypted with %s', (cipher) => {
  beforeAll(() => acme.applyRules());

  test('a signed assertion signs in', async () => {
    const begun = await acme.begin();
    const said = saying(begun.request);
    const me = await acme.expectSignedIn(
      begun,
      responseAround(said, await encryptedFor(signed(said), { cipher })),
    );
    expect(me.roles).toEqual(['reader']);
  });
});

describe('what must be signed', () => {
  test('is the assertion inside: a signature around its encryption is not enough by default', async () => {
    await acme.applyRules();
    const begun = await acme.begin();
    const said = saying(begun.request);
    const xml = signElement(
      responseAround(said, await encryptedFor(assertionXml(said))),
      responseId,
      acme.key,
    );
    await acme.expectRefused(begun, xml, 'encrypted-assertion');
  });

  test('is the response where the rules say so, with what is encrypted in it', async () => {
    await acme.applyRules('signed: response');
    const begun = await acme.begin();
    const said = saying(begun.request);
    const around = responseAround(said, await encryptedFor(assertionXml(said)));
    await acme.expectRefused(begun, around, 'encrypted-assertion');
    await acme.expectSignedIn(begun, signElement(around, responseId, acme.key));
  });

  test('is both where the rules say so', async () => {
    await acme.applyRules('signed: both');
    const begun = await acme.begin();
    const said = saying(begun.request);
    const around = responseAround(said, await encryptedFor(signed(said)));
    await acme.expectRefused(begun, around, 'encrypted-assertion');
    await acme.expectSignedIn(begun, signElement(around, responseId, acme.key));
  });
});

describe('is refused', () => {
  beforeAll(() => acme.applyRules());

  const evil = (s: Said) =>
    assertionXml({ ...s, assertionId: '_evil', nameId: '<saml:NameID>admin</saml:NameID>' });
  const changed = (encrypted: string) =>
    encrypted.replace(
      /(<xenc:CipherValue>.{400})(.)/,
      (_, before, one) => before + (one === 'A' ? 'B' : 'A'),
    );
  const inside = (parent: string, child: string) => parent.replace(/(<\/[^<>]+>)$/, `${child}$1`);

  const cases: readonly (readonly [string, string, (s: Said) => string | Promise<string>])[] = [
    ['unsigned inside', 'encrypted-assertion', (s) => encryptedFor(assertionXml(s))],
    ['signed by another inside', 'encrypted-assertion', (s) => encryptedFor(signed(s, newSigningKey()))],
    ['for another', 'encrypted-assertion', (s) => encryptedFor(signed(s), { key: newSigningKey() })],
    [
      'with a key under RSA 1.5',
      'encryption-algorithm',
      (s) => encryptedFor(signed(s), { keyMethod: 'http://www.w3.org/2001/04/xmlenc#rsa-1_5' }),
    ],
    [
      'with Triple DES',
      'encryption-algorithm',
      (s) => encryptedFor(signed(s), { cipher: 'http://www.w3.org/2001/04/xmlenc#tripledes-cbc' }),
    ],
    [
      'with a cipher that nobody knows',
      'encryption-algorithm',
      async (s) => (await encryptedFor(signed(s))).replace('aes256-gcm', 'aes512-gcm'),
    ],
    [
      'with its cipher called another',
      'encrypted-assertion',
      async (s) =>
        (await encryptedFor(signed(s))).replace('2009/xmlenc11#aes256-gcm', '2001/04/xmlenc#aes256-cbc'),
    ],
    ['with a changed value', 'encrypted-assertion', async (s) => changed(await encryptedFor(signed(s)))],
    [
      'with a changed value, in a mode that does not notice',
      'encrypted-assertion',
      async (s) =>
        changed(await encryptedFor(signed(s), { cipher: 'http://www.w3.org/2001/04/xmlenc#aes256-cbc' })),
    ],
    [
      'without key',
      'encryption-form',
      async (s) => (await encryptedFor(signed(s))).replace(/<KeyInfo[\s\S]*<\/KeyInfo>/, ''),
    ],
    [
      'with its value elsewhere',
      'encryption-form',
      async (s) =>
        (await encryptedFor(signed(s))).replace(
          /<xenc:CipherValue>[^<]*<\/xenc:CipherValue>/,
          '<xenc:CipherReference URI="https://evil.example/"/>',
        ),
    ],
    ['twice', 'one-assertion', async (s) => (await encryptedFor(signed(s))) + (await encryptedFor(evil(s)))],
    ['beside a plain one', 'one-assertion', async (s) => (await encryptedFor(signed(s))) + evil(s)],
    [
      'wrapping the signed one inside',
      'encrypted-assertion',
      (s) => encryptedFor(inside(evil(s), signed(s))),
    ],
    [
      'with the signature of the signed one, which is inside it',
      'encrypted-assertion',
      (s) =>
        encryptedFor(
          evil(s).replace(
            '</saml:Issuer>',
            `</saml:Issuer>${inside(signatureIn(signed(s)), withoutSignature(signed(s)))}`,
          ),
        ),
    ],
    ['with a DOCTYPE inside', 'encrypted-assertion', (s) => encryptedFor(`<!DOCTYPE x>${signed(s)}`)],
    [
      'with a comment in its NameID',
      'encrypted-assertion',
      (s) => encryptedFor(signed({ ...s, nameId: '<saml:NameID>admin<!-- -->x</saml:NameID>' })),
    ],
    ['that is a whole response', 'encrypted-assertion', (s) => encryptedFor(responseAround(s, signed(s)))],
    ['that is nothing', 'encrypted-assertion', () => encryptedFor(' ')],
    // Once its signature is verified, the reason may be told.
    [
      'for another audience',
      'audience',
      (s) => encryptedFor(signed({ ...s, audience: 'https://other.example' })),
    ],
    [
      'for another recipient',
      'recipient',
      (s) => encryptedFor(signed({ ...s, recipient: 'https://other.example' })),
    ],
  ];

  test.each(cases)('an encrypted assertion %s', async (_name, why, make) => {
    const begun = await acme.begin();
    const said = saying(begun.request);
    await acme.expectRefused(begun, responseAround(said, await make(said)), why);
  });

  test('in the same words, whether it could not be decrypted or was signed by another', async () => {
    const texts = await Promise.all(
      [newSigningKey(), ours()].map(async (key) => {
        const begun = await acme.begin();
        const said = saying(begun.request);
        const content = await encryptedFor(signed(said, newSigningKey()), { key });
        return (await acme.post(begun, responseAround(said, content))).text;
      }),
    );
    expect(texts[0]).toContain('encrypted-assertion');
    expect(texts[0]).toBe(texts[1]);
  });
});
