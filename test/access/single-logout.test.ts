/** Single logout from the provider's side: which messages are believed, in both bindings. */
import { newMessageId, newSecret } from '../../src/access/saml/ledger.ts';
import { logoutAnswerXml, logoutRequestXml } from '../../src/access/saml/logout-message.ts';
import { packRedirected, unpackRedirected } from '../../src/access/saml/message.ts';
import { signedRedirect, verifyRedirect } from '../../src/access/saml/redirect-signature.ts';
import { type SigningKey, signElement } from '../../src/access/saml/signed-xml.ts';
import { type TestDatabase, testDatabase } from '../setup/database.ts';
import { Browser } from './browser.ts';
import {
  beginSignIn,
  issuer,
  minutes,
  newSigningKey,
  postAnswer,
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
  app = await serve(db, keys, { sso: { metadata: [await writeMetadata(keys.dataDir, key)] } });
  await app.access.applyPolicy(policy, 'p.yaml');
});
afterAll(async () => {
  await app.stop();
  await dropKeys(keys);
  await db.drop();
});

const signedIn = async (nameId: string, sessionIndex = 's1'): Promise<Browser> => {
  const begun = await beginSignIn(new Browser(app.url), app.url);
  const changes = {
    nameId: `<saml:NameID>${nameId}</saml:NameID>`,
    authnStatement: `<saml:AuthnStatement AuthnInstant="${new Date().toISOString()}" SessionIndex="${sessionIndex}"/>`,
  };
  await postAnswer(begun, sealed(saying(begun.request, changes), key));
  return begun.browser;
};

const status = async (browser: Browser) => (await browser.get('/internal/v1/me')).status;

const request = (changes: Partial<Parameters<typeof logoutRequestXml>[0]> = {}) => {
  const id = newMessageId();
  const destination = `${app.url}/auth/saml/slo`;
  const xml = logoutRequestXml({
    id,
    issuer,
    destination,
    now: new Date(),
    nameId: 'ann',
    sessionIndex: undefined,
    ...changes,
  });
  return { id: changes.id ?? id, xml };
};

/** From nobody’s browser in particular: the message alone counts. */
const post = (field: string, xml: string) =>
  new Browser(app.url).go(
    'POST',
    '/auth/saml/slo',
    new URLSearchParams({ [field]: Buffer.from(xml).toString('base64') }),
    {
      origin: 'https://idp.example',
    },
  );

const redirect = (xml: string, by = key) => {
  const url = `${app.url}/auth/saml/slo`;
  const packed = packRedirected(xml);
  return new Browser(app.url).get(
    signedRedirect({ url, field: 'SAMLRequest', packed, relayState: 'r', privateKey: by.privateKey }),
  );
};

test('a signed request by POST ends the person’s sessions and is answered, signed', async () => {
  const [ann, again, bob] = [await signedIn('ann'), await signedIn('ann', 's2'), await signedIn('bob')];
  const { id, xml } = request();
  const answer = await post('SAMLRequest', signElement(xml, id, key));
  const location = new URL(answer.headers.get('location') ?? '');
  expect(location.origin + location.pathname).toBe('https://idp.example/slo');
  const answered = verifyRedirect(location.search.slice(1), [app.sso.sp.key.certificate]);
  expect(answered.xml).toContain(`InResponseTo="${id}"`);
  expect([await status(ann), await status(again), await status(bob)]).toEqual([401, 401, 200]);
});

test('a signed request by redirect for one session ends that one, and RelayState comes back', async () => {
  const [first, second] = [await signedIn('carl', 'x'), await signedIn('carl', 'y')];
  const answer = await redirect(request({ nameId: 'carl', sessionIndex: 'y' }).xml);
  expect(new URL(answer.headers.get('location') ?? '').searchParams.get('RelayState')).toBe('r');
  expect([await status(first), await status(second)]).toEqual([200, 401]);
});

describe('a sign-out that begins here', () => {
  const persistent = 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent';
  const askedBy = async (nameId: string) => {
    const begun = await beginSignIn(new Browser(app.url), app.url);
    await postAnswer(begun, sealed(saying(begun.request, { nameId }), key));
    const away = await begun.browser.go('POST', '/auth/logout', new URLSearchParams());
    const location = new URL(away.headers.get('location') ?? '');
    expect(location.searchParams.get('SigAlg')).toBe('http://www.w3.org/2001/04/xmldsig-more#rsa-sha256');
    return verifyRedirect(location.search.slice(1), [app.sso.sp.key.certificate]).xml;
  };

  test('names the person as the provider wrote it, with format and qualifiers, and the session', async () => {
    const nameId = `<saml:NameID Format="${persistent}" NameQualifier="https://idp.example/a&amp;b" SPNameQualifier="https://us.example">ivy</saml:NameID>`;
    const xml = await askedBy(nameId);
    expect(xml).toContain(nameId);
    expect(xml).toContain('<samlp:SessionIndex>s1</samlp:SessionIndex>');
    expect(xml).toContain('Destination="https://idp.example/slo"');
  });

  test('adds nothing to a name that the provider wrote without', async () => {
    expect(await askedBy('<saml:NameID>jon</saml:NameID>')).toContain('<saml:NameID>jon</saml:NameID>');
  });
});

describe('is not believed', () => {
  const id = '_m';
  const signed = (xml: string) => signElement(xml, id, key);
  const cases: readonly (readonly [string, string, () => string])[] = [
    ['unsigned', 'signature', () => request({ nameId: 'dora', id }).xml],
    [
      'with its NameID changed',
      'signature',
      () => signed(request({ id, nameId: 'dora-x' }).xml).replace('dora-x', 'dora'),
    ],
    [
      'signed by another key',
      'signature',
      () => signElement(request({ nameId: 'dora', id }).xml, id, newSigningKey()),
    ],
    [
      'from another issuer',
      'provider-unknown',
      () => signed(request({ nameId: 'dora', id, issuer: 'https://other.example' }).xml),
    ],
    [
      'for another address',
      'destination',
      () => signed(request({ nameId: 'dora', id, destination: 'https://other.example' }).xml),
    ],
    [
      'ten minutes old',
      'time',
      () => signed(request({ nameId: 'dora', id, now: new Date(Date.now() - minutes(10)) }).xml),
    ],
    [
      'from the future',
      'time',
      () => signed(request({ nameId: 'dora', id, now: new Date(Date.now() + minutes(2)) }).xml),
    ],
    ['naming nobody', 'name-id', () => signed(request({ id, nameId: ' ' }).xml)],
    [
      'signed in an inner element',
      'signature-form',
      () =>
        request({ nameId: 'dora', id: '_outer' }).xml.replace(
          '</samlp:LogoutRequest>',
          `${signed(request({ nameId: 'dora', id }).xml)}</samlp:LogoutRequest>`,
        ),
    ],
    [
      'with SHA-1',
      'algorithm',
      () =>
        signed(request({ nameId: 'dora', id }).xml).replace('xmldsig-more#rsa-sha256', 'xmldsig#rsa-sha1'),
    ],
    ['with a DOCTYPE', 'doctype', () => `<!DOCTYPE x>${signed(request({ nameId: 'dora', id }).xml)}`],
  ];
  test.each(cases)('a request %s', async (_what, why, make) => {
    const dora = await signedIn('dora');
    const answer = await post('SAMLRequest', make());
    expect(answer.status).toBe(403);
    expect(answer.text).toContain('<h1>Signing out was not completed</h1>');
    expect(await status(dora)).toBe(200);
    expect((await app.recorded()).at(-1)).toMatchObject({
      type: 'SignInRefused',
      data: { why: `logout-${why}` },
    });
  });

  test.each([
    ['a repeated request', ['SAMLRequest', 'SAMLRequest']],
    ['a request and an answer at once', ['SAMLRequest', 'SAMLResponse']],
    ['a request with two RelayStates', ['SAMLRequest', 'RelayState', 'RelayState']],
    ['a form without message', ['RelayState']],
  ])('%s', async (_what, fields) => {
    const gina = await signedIn('gina');
    const { id: made, xml } = request({ nameId: 'gina' });
    const packed = Buffer.from(signElement(xml, made, key)).toString('base64');
    const form = new URLSearchParams(fields.map((field): [string, string] => [field, packed]));
    const answer = await new Browser(app.url).go('POST', '/auth/saml/slo', form);
    expect([answer.status, await status(gina)]).toEqual([403, 200]);
    expect((await app.recorded()).at(-1)?.data).toEqual({ why: 'logout-field' });
  });

  test('an answer that says that the provider did not sign out: the page says so, ours is over', async () => {
    const hugo = await signedIn('hugo');
    const begun = await hugo.go('POST', '/auth/logout', new URLSearchParams());
    const away = new URL(begun.headers.get('location') ?? '');
    const asked = verifyRedirect(away.search.slice(1), [app.sso.sp.key.certificate]);
    const url = `${app.url}/auth/saml/slo`;
    const success = logoutAnswerXml({
      id: newMessageId(),
      issuer,
      destination: url,
      now: new Date(),
      inResponseTo: /\bID="([^"]+)"/.exec(asked.xml)?.[1] ?? '',
    });
    const packed = packRedirected(success.replace('status:Success', 'status:Responder'));
    const { relayState } = asked;
    const location = signedRedirect({
      url,
      field: 'SAMLResponse',
      packed,
      relayState,
      privateKey: key.privateKey,
    });
    const page = await hugo.get(location);
    expect([page.status, await status(hugo)]).toEqual([403, 401]);
    expect(page.text).toContain('says that it did not sign you out');
  });

  test('the same request twice', async () => {
    const { xml } = request({ nameId: 'emma' });
    expect((await redirect(xml)).status).toBe(303);
    const emma = await signedIn('emma');
    expect((await redirect(xml)).status).toBe(403);
    expect(await status(emma)).toBe(200);
  });

  test('a redirect signed by another key', async () => {
    const finn = await signedIn('finn');
    expect((await redirect(request({ nameId: 'finn' }).xml, newSigningKey())).status).toBe(403);
    expect(await status(finn)).toBe(200);
  });

  test('an answer to a sign-out that nobody began', async () => {
    const xml = logoutAnswerXml({
      id,
      issuer,
      destination: `${app.url}/auth/saml/slo`,
      now: new Date(),
      inResponseTo: newMessageId(),
    });
    const url = `${app.url}/auth/saml/slo`;
    const packed = packRedirected(xml);
    const location = signedRedirect({
      url,
      field: 'SAMLResponse',
      packed,
      relayState: newSecret(),
      privateKey: key.privateKey,
    });
    expect((await new Browser(app.url).get(location)).status).toBe(403);
  });
});

test('what is unpacked may not be larger than any message is', () => {
  const bomb = packRedirected('x'.repeat(5_000_000));
  expect(bomb.length).toBeLessThan(10_000);
  expect(() => unpackRedirected(bomb)).toThrow(expect.objectContaining({ check: 'deflate' }));
});
