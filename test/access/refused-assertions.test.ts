/**
 * What signs nobody in. Every message is real and signed with a key that is trusted, unless the test says
 * otherwise; each must be refused for the reason that the test names, and the log must say so.
 */
import { newMessageId } from '../../src/access/saml/ledger.ts';
import { type SigningKey, signElement } from '../../src/access/saml/signed-xml.ts';
import { type TestDatabase, testDatabase } from '../setup/database.ts';
import { Browser } from './browser.ts';
import {
  assertionXml,
  type BegunSignIn,
  beginSignIn,
  groups,
  issuer,
  minutes,
  newSigningKey,
  postAnswer,
  responseAround,
  type Said,
  saying,
  sealed,
  writeMetadata,
} from './messages.ts';
import { dropKeys, type Keys, newKeys, type Served, serve } from './serving.ts';

let db: TestDatabase;
let keys: Keys;
let app: Served;
let key: SigningKey;

const policy = `
roles: { reader: { permissions: [accounts:read] } }
providers: { acme: { groups: { staff: reader } } }
tools: { console: { scope: ['*'] } }
`;

beforeAll(async () => {
  db = await testDatabase();
  keys = await newKeys();
  key = newSigningKey();
  const file = await writeMetadata(keys.dataDir, key);
  app = await serve(db, keys, { sso: { metadata: [file], production: true } });
  await app.access.applyPolicy(policy, 'access-policy.yaml');
});
afterAll(async () => {
  await app.stop();
  await dropKeys(keys);
  await db.drop();
});

const begin = (browser = new Browser(app.url)): Promise<BegunSignIn> => beginSignIn(browser, app.url);

/** Posts it, and expects a refusal that is a page, sets no session, and is recorded with its reason. */
const expectRefused = async (
  begun: Pick<BegunSignIn, 'browser' | 'relayState'>,
  xml: string | Buffer,
  why: string,
) => {
  const before = (await app.recorded()).length;
  app.clock.now = new Date();
  const answer = await postAnswer(begun, xml);
  const session = answer.headers.getSetCookie().filter((line) => /^(__Host-)?quarterdeck=/.test(line));
  expect([answer.status, session, answer.headers.get('location')]).toEqual([403, [], null]);
  expect(answer.text).toContain('<h1>You could not be signed in</h1>');
  const added = (await app.recorded()).slice(before);
  expect(added.map(({ type, data }) => [type, data.why])).toEqual([['SignInRefused', why]]);
};

beforeEach(() => {
  // Only the first ten refusals of a source and reason are recorded one by one each minute.
  app.clock.now = new Date();
});

test('an honest response signs in', async () => {
  const begun = await begin();
  const done = await postAnswer(begun, sealed(saying(begun.request), key));
  expect([done.status, done.headers.get('location')]).toEqual([303, '/']);
  expect((await begun.browser.get('/internal/v1/me')).status).toBe(200);
});

describe('properly signed but wrong', () => {
  const ago = (ms: number) => new Date(Date.now() - ms).toISOString();
  const cases: readonly (readonly [string, string, () => Partial<Said>])[] = [
    ['another audience', 'audience', () => ({ audience: 'https://other.example' })],
    ['another Destination', 'destination', () => ({ destination: 'https://other.example/acs' })],
    ['another Recipient', 'recipient', () => ({ recipient: 'https://other.example/acs' })],
    [
      'another issuer of the assertion',
      'assertion-issuer',
      () => ({ assertionIssuer: 'https://other.example' }),
    ],
    [
      'another issuer of the response',
      'response-issuer',
      () => ({ responseIssuer: 'https://other.example' }),
    ],
    [
      'holder-of-key',
      'confirmation-method',
      () => ({ method: 'urn:oasis:names:tc:SAML:2.0:cm:holder-of-key' }),
    ],
    [
      'a confirmation that is over',
      'confirmation-time',
      () => ({ confirmationNotOnOrAfter: ago(minutes(1)) }),
    ],
    ['conditions that are over', 'conditions-time', () => ({ notOnOrAfter: ago(minutes(1)) })],
    ['conditions that have not begun', 'conditions-time', () => ({ notBefore: ago(-minutes(1)) })],
    ['an IssueInstant in the future', 'issue-instant', () => ({ issueInstant: ago(-minutes(2)) })],
    ['a time without zone', 'confirmation-time', () => ({ confirmationNotOnOrAfter: '2999-01-01T00:00:00' })],
    ['a status of failure', 'status', () => ({ status: 'urn:oasis:names:tc:SAML:2.0:status:Responder' })],
    ['version 1.1 of the response', 'version', () => ({ responseVersion: '1.1' })],
    ['version 1.1 of the assertion', 'version', () => ({ assertionVersion: '1.1' })],
    ['no NameID', 'name-id', () => ({ nameId: '' })],
    ['a blank NameID', 'name-id', () => ({ nameId: '<saml:NameID>  </saml:NameID>' })],
    [
      'two NameIDs',
      'name-id',
      () => ({ nameId: '<saml:NameID>a</saml:NameID><saml:NameID>b</saml:NameID>' }),
    ],
    [
      'a transient NameID',
      'transient-name-id',
      () => ({
        nameId: '<saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:transient">x</saml:NameID>',
      }),
    ],
    ['no AuthnStatement', 'authn-statement', () => ({ authnStatement: '' })],
    [
      'an unknown InResponseTo',
      'in-response-to',
      () => ({ inResponseTo: '_unknown', responseInResponseTo: '_unknown' }),
    ],
    ['no signed InResponseTo', 'in-response-to', () => ({ inResponseTo: undefined })],
    ['InResponseTo right on the envelope only', 'in-response-to', () => ({ inResponseTo: '_unknown' })],
    ['a comment in the NameID', 'plain', () => ({ nameId: '<saml:NameID>admin<!-- -->x</saml:NameID>' })],
    ['an instruction in the NameID', 'plain', () => ({ nameId: '<saml:NameID>admin<?x y?>x</saml:NameID>' })],
  ];
  test.each(cases)('%s is refused', async (_name, why, changes) => {
    const begun = await begin();
    await expectRefused(begun, sealed(saying(begun.request, changes()), key), why);
  });

  test('a clock that is 25 seconds off is not', async () => {
    const begun = await begin();
    const said = saying(
      { ...begun.request, now: new Date(Date.now() + 25_000) },
      { notBefore: ago(-25_000) },
    );
    expect((await postAnswer(begun, sealed(said, key))).status).toBe(303);
  });
});

describe('not signed as it must be', () => {
  const signedAssertion = (said: Said) => signElement(assertionXml(said), said.assertionId, key);
  const signatureIn = (xml: string) => /<ds:Signature[\s\S]*<\/ds:Signature>/.exec(xml)?.[0] ?? '';

  const cases: readonly (readonly [string, string, (said: Said) => string])[] = [
    ['no signature', 'signature', (s) => responseAround(s, assertionXml(s))],
    [
      'an emptied signature',
      'signature-form',
      (s) =>
        responseAround(
          s,
          signedAssertion(s).replace(
            signatureIn(signedAssertion(s)),
            '<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"/>',
          ),
        ),
    ],
    [
      'an emptied signature value',
      'signature',
      (s) => sealed(s, key).replace(/<ds:SignatureValue>[^<]*/, '<ds:SignatureValue>'),
    ],
    ['a changed NameID', 'signature', (s) => sealed(s, key).replace('>someone<', '>somebody<')],
    ['a changed group', 'signature', (s) => sealed(s, key).replace('>staff<', '>admin<')],
    ['the key of another, also in KeyInfo', 'signature', (s) => sealed(s, newSigningKey())],
    [
      'a signed response around an unsigned assertion',
      'signature',
      (s) => signElement(responseAround(s, assertionXml(s)), '_response', key),
    ],
    [
      'two assertions',
      'one-assertion',
      (s) => responseAround(s, signedAssertion(s) + assertionXml({ ...s, assertionId: '_evil' })),
    ],
    [
      'an evil assertion before the signed one in Extensions',
      'one-assertion',
      (s) =>
        responseAround(
          { ...s, extensions: `<samlp:Extensions>${signedAssertion(s)}</samlp:Extensions>` },
          assertionXml({ ...s, assertionId: '_evil' }),
        ),
    ],
    [
      'the signed assertion wrapped inside the signature of an evil one (XSW)',
      'one-assertion',
      (s) => {
        const evil = assertionXml({ ...s, assertionId: '_evil', nameId: '<saml:NameID>admin</saml:NameID>' });
        const wrapped = signatureIn(signedAssertion(s)).replace(
          '</ds:Signature>',
          `<ds:Object>${assertionXml(s)}</ds:Object></ds:Signature>`,
        );
        return responseAround(s, evil.replace('</saml:Issuer>', `</saml:Issuer>${wrapped}`));
      },
    ],
    [
      'a signature over another element than its parent',
      'signature-form',
      (s) =>
        responseAround(
          s,
          assertionXml({ ...s, assertionId: '_evil' }).replace(
            '</saml:Issuer>',
            `</saml:Issuer>${signatureIn(signedAssertion(s))}`,
          ),
        ),
    ],
    [
      'the same ID twice',
      'unique-ids',
      (s) => sealed(s, key).replace('ID="_response"', `ID="${s.assertionId}"`),
    ],
    [
      'two signatures',
      'signature-form',
      (s) =>
        responseAround(
          s,
          signedAssertion(s).replace('</saml:Issuer>', `</saml:Issuer>${signatureIn(signedAssertion(s))}`),
        ),
    ],
    [
      'SHA-1',
      'algorithm',
      (s) =>
        sealed(s, key).replace(
          'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
          'http://www.w3.org/2000/09/xmldsig#rsa-sha1',
        ),
    ],
    [
      'an HMAC',
      'algorithm',
      (s) =>
        sealed(s, key).replace(
          'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
          'http://www.w3.org/2000/09/xmldsig#hmac-sha1',
        ),
    ],
    [
      'a SHA-1 digest',
      'algorithm',
      (s) =>
        sealed(s, key).replace(
          'http://www.w3.org/2001/04/xmlenc#sha256',
          'http://www.w3.org/2000/09/xmldsig#sha1',
        ),
    ],
    [
      'a foreign transform',
      'algorithm',
      (s) =>
        sealed(s, key).replace(
          'http://www.w3.org/2000/09/xmldsig#enveloped-signature',
          'http://www.w3.org/TR/1999/REC-xslt-19991116',
        ),
    ],
    ['an empty reference', 'signature-form', (s) => sealed(s, key).replace(/URI="#[^"]*"/, 'URI=""')],
    [
      'an external reference',
      'signature-form',
      (s) => sealed(s, key).replace(/URI="#[^"]*"/, 'URI="https://evil.example/"'),
    ],
  ];
  test.each(cases)('%s is refused', async (_name, why, make) => {
    const begun = await begin();
    await expectRefused(begun, make(saying(begun.request)), why);
  });
});

describe('not a message at all', () => {
  const cases: readonly (readonly [string, string, string | Buffer])[] = [
    ['a DOCTYPE', 'doctype', '<!DOCTYPE r [<!ENTITY e "x">]><r>&e;</r>'],
    ['a truncated document', 'xml', '<samlp:Response'],
    ['plain text', 'xml', 'hello'],
    ['nothing', 'field', ''],
    ['UTF-16', 'encoding', Buffer.from('\ufeff<r/>', 'utf16le')],
    ['a deep document', 'depth', `${'<a>'.repeat(1_000)}${'</a>'.repeat(1_000)}`],
    [
      'a logout response',
      'response',
      '<samlp:LogoutResponse xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"/>',
    ],
    ['an unbound prefix', 'xml', '<x:Response/>'],
  ];
  test.each(cases)('%s is refused', async (_name, why, xml) => {
    await expectRefused(await begin(), xml, why);
  });

  test('a form of a megabyte is too large', async () => {
    const answer = await postAnswer(await begin(), 'x'.repeat(1_000_000));
    expect([answer.status, JSON.parse(answer.text).code]).toEqual([413, 'too_large']);
  });

  test('a repeated field is refused', async () => {
    const { browser, relayState, request } = await begin();
    const SAMLResponse = Buffer.from(sealed(saying(request), key)).toString('base64');
    const form = new URLSearchParams({ SAMLResponse, RelayState: relayState });
    form.append('SAMLResponse', SAMLResponse);
    expect((await browser.go('POST', '/auth/saml/acs', form)).status).toBe(403);
  });
});

describe('used where or when it must not be', () => {
  test('the same response again', async () => {
    const begun = await begin();
    const xml = sealed(saying(begun.request), key);
    expect((await postAnswer(begun, xml)).status).toBe(303);
    await expectRefused(begun, xml, 'request-unknown');
  });

  test('an assertion id that was used before, for a new request', async () => {
    const first = await begin();
    const assertionId = newMessageId();
    expect((await postAnswer(first, sealed(saying(first.request, { assertionId }), key))).status).toBe(303);
    const second = await begin();
    await expectRefused(second, sealed(saying(second.request, { assertionId }), key), 'replay');
  });

  test('the same response to two processes at once signs in once', async () => {
    const file = await writeMetadata(keys.dataDir, key);
    const other = await serve(db, keys, { publicUrl: app.url, sso: { metadata: [file], production: true } });
    try {
      const begun = await begin();
      const xml = sealed(saying(begun.request), key);
      const SAMLResponse = Buffer.from(xml).toString('base64');
      const body = new URLSearchParams({ SAMLResponse, RelayState: begun.relayState });
      const answers = await Promise.all(
        [app.url, other.url, app.url, other.url].map((url) =>
          fetch(`${url}/auth/saml/acs`, {
            method: 'POST',
            body,
            redirect: 'manual',
            headers: { cookie: begun.browser.cookies() },
          }),
        ),
      );
      expect(answers.map(({ status }) => status).sort()).toEqual([303, 403, 403, 403]);
    } finally {
      await other.stop();
    }
  });

  test('another browser than the one that began it', async () => {
    const { request, relayState } = await begin();
    const elsewhere = await begin();
    await expectRefused(
      { browser: elsewhere.browser, relayState },
      sealed(saying(request), key),
      'other-browser',
    );
    await expectRefused(
      { browser: new Browser(app.url), relayState },
      sealed(saying(request), key),
      'other-browser',
    );
  });

  test('a sign-in that nobody began here', async () => {
    const { browser, request } = await begin();
    await expectRefused({ browser, relayState: 'made-up' }, sealed(saying(request), key), 'request-unknown');
  });

  test('an answer to another request of the same browser', async () => {
    const one = await begin();
    const two = await begin(one.browser);
    await expectRefused({ ...two }, sealed(saying(one.request), key), 'in-response-to');
  });

  test('a sign-in that took longer than a quarter of an hour', async () => {
    const begun = await begin();
    await db.owner.query(`UPDATE saml_requests SET expires_at = now() - interval '1 second' WHERE id = $1`, [
      begun.request.id,
    ]);
    await expectRefused(begun, sealed(saying(begun.request), key), 'request-unknown');
  });

  test('a person who was deactivated', async () => {
    const nameId = '<saml:NameID>leaver</saml:NameID>';
    const first = await begin();
    await postAnswer(first, sealed(saying(first.request, { nameId }), key));
    await app.access.people.setActive(app.access.people.idOf(issuer, 'leaver'), false);
    expect((await first.browser.get('/internal/v1/me')).status).toBe(401);
    const second = await begin();
    await expectRefused(second, sealed(saying(second.request, { nameId }), key), 'inactive');
  });
});

describe('groups', () => {
  const rolesWith = async (attributes: string) => {
    const begun = await begin();
    const done = await postAnswer(begun, sealed(saying(begun.request, { attributes }), key));
    if (done.status !== 303) return done.status;
    return JSON.parse((await begun.browser.get('/internal/v1/me')).text).roles as string[];
  };

  test('may be one, several or in several attributes', async () => {
    expect(await rolesWith(groups('staff'))).toEqual(['reader']);
    expect(await rolesWith(groups('unknown', 'staff'))).toEqual(['reader']);
    expect(await rolesWith(groups('unknown') + groups('staff'))).toEqual(['reader']);
  });

  test('absent, empty or unknown give no role and no session', async () => {
    expect(await rolesWith('')).toBe(403);
    expect(await rolesWith(groups())).toBe(403);
    expect(await rolesWith(groups('toString', '__proto__', 'constructor'))).toBe(403);
  });
});
