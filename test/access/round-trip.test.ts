/** Signing in and out against the development provider, over real HTTP. */
import { verifyRedirect } from '../../src/access/saml/redirect-signature.ts';
import { type TestDatabase, testDatabase } from '../setup/database.ts';
import { Browser, formIn } from './browser.ts';
import { dropKeys, type Keys, newKeys, type Served, samplePolicy, serve } from './serving.ts';

let db: TestDatabase;
let keys: Keys;
let app: Served;

beforeAll(async () => {
  db = await testDatabase();
  keys = await newKeys();
  app = await serve(db, keys);
  await app.access.applyPolicy(samplePolicy, 'access-policy.yaml');
});
afterAll(async () => {
  await app.stop();
  await dropKeys(keys);
  await db.drop();
});

describe('signing in', () => {
  test('goes to the provider and comes back to where it was asked for, with a session', async () => {
    const browser = new Browser(app.url);
    const done = await browser.signIn('support@dev.test', '/accounts?status=active#top');
    expect([done.status, done.headers.get('location')]).toEqual([303, '/accounts?status=active#top']);
    const me = await browser.get('/internal/v1/me');
    expect([me.status, JSON.parse(me.text)]).toEqual([
      200,
      {
        principal: {
          id: expect.stringMatching(/^person:[0-9a-f]{32}$/),
          kind: 'person',
          email: 'support@dev.test',
          name: 'Sam Support',
        },
        roles: ['support'],
        permissions: ['accounts:read', 'support:*'],
        tool: 'console',
        attributes: {},
      },
    ]);
  });

  test('shows one form with a button for each person', async () => {
    const browser = new Browser(app.url);
    const page = await browser.follow(await browser.get('/auth/saml/login'));
    expect(page.text.match(/<form/g)).toHaveLength(1);
    expect(formIn(page.text).users).toEqual(
      ['support', 'billing', 'ops', 'admin', 'compliance', 'regional-support'].map(
        (name) => `${name}@dev.test`,
      ),
    );
  });

  test('sets a cookie that scripts cannot read and other sites do not send', async () => {
    const done = await new Browser(app.url).signIn('ops@dev.test');
    const cookie = done.headers.getSetCookie().find((line) => line.startsWith('quarterdeck='));
    expect(cookie).toMatch(/^quarterdeck=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Expires=/);
  });

  test('stores neither the token nor an e-mail address nor a NameID in the clear', async () => {
    const browser = new Browser(app.url);
    await browser.signIn('admin@dev.test');
    const token = /quarterdeck=([\w-]{43})/.exec(browser.cookies())?.[1] ?? '';
    const tables = ['people', 'sessions', 'saml_requests', 'saml_used_messages', 'events'];
    const rows = await Promise.all(tables.map((table) => db.owner.query(`SELECT t::text FROM ${table} t`)));
    const everything = JSON.stringify(rows.map((result) => result.rows));
    expect(token).toHaveLength(43);
    for (const secret of [token, 'admin@dev.test', 'Ada Admin', 'development-admin', '127.0.0.1']) {
      expect(everything).not.toContain(secret);
    }
  });

  test('gives the same person the same id at each sign-in, and another session', async () => {
    const ids: string[] = [];
    const cookies: string[] = [];
    for (let time = 0; time < 2; time++) {
      const browser = new Browser(app.url);
      await browser.signIn('ops@dev.test');
      ids.push(JSON.parse((await browser.get('/internal/v1/me')).text).principal.id);
      cookies.push(browser.cookies());
    }
    expect(ids[0]).toBe(ids[1]);
    expect(cookies[0]).not.toBe(cookies[1]);
  });

  test('ends the session that the browser had before', async () => {
    const browser = new Browser(app.url);
    await browser.signIn('support@dev.test');
    const before = browser.cookies();
    await browser.signIn('ops@dev.test');
    const old = await fetch(`${app.url}/internal/v1/me`, { headers: { cookie: before } });
    expect(old.status).toBe(401);
    expect((await browser.get('/internal/v1/me')).status).toBe(200);
  });

  test('ends it also where its cookie does not come along from the provider’s site', async () => {
    const browser = new Browser(app.url);
    await browser.signIn('support@dev.test');
    const before = browser.cookies();
    const { action, fields } = await browser.answerFor('ops@dev.test');
    const cookie = browser.cookies().replace(/(^|; )quarterdeck=[^;]*/, '');
    expect(cookie).toMatch(/^(; )?quarterdeck-sign-in=/);
    const done = await fetch(action, {
      method: 'POST',
      redirect: 'manual',
      headers: { cookie },
      body: fields,
    });
    expect(done.status).toBe(303);
    const old = await fetch(`${app.url}/internal/v1/me`, { headers: { cookie: before } });
    expect(old.status).toBe(401);
    expect((await app.recorded()).findLast(({ type }) => type === 'SignedOut')).toMatchObject({
      data: { by: 'new-sign-in' },
    });
  });

  test('is recorded with the person as actor', async () => {
    const browser = new Browser(app.url);
    await browser.signIn('admin@dev.test');
    const { principal } = JSON.parse((await browser.get('/internal/v1/me')).text);
    const event = (await app.recorded()).findLast(({ type }) => type === 'SignedIn');
    expect(event).toMatchObject({
      data: { provider: 'development', roles: ['admin'] },
      metadata: {
        actor: { id: principal.id, kind: 'person' },
        email: 'admin@dev.test',
        name: 'Ada Admin',
        ip: '127.0.0.1',
        tool: 'console',
      },
    });
  });

  test('of somebody whose groups have no role ends at a page that says so, without a session', async () => {
    const browser = new Browser(app.url);
    const done = await browser.signIn('billing@dev.test');
    expect(done.status).toBe(403);
    expect(done.text).toContain('none of your groups has a role');
    expect(browser.cookies()).not.toMatch(/quarterdeck=/);
    expect((await app.recorded()).at(-1)).toMatchObject({ type: 'SignInRefused', data: { why: 'no-role' } });
  });

  test('in two tabs of one browser at once works in both', async () => {
    const browser = new Browser(app.url);
    const first = await browser.answerFor('support@dev.test', '/first');
    const second = await browser.answerFor('support@dev.test', '/second');
    expect((await browser.submit(first)).headers.get('location')).toBe('/first');
    expect((await browser.submit(second)).headers.get('location')).toBe('/second');
  });

  test('begun as localhost goes on under the name that the provider sends the browser back to', async () => {
    const step = await new Browser(app.url.replace('127.0.0.1', 'localhost')).get(
      '/auth/saml/login?return_to=%2Fx',
    );
    expect([step.status, step.headers.get('location')]).toEqual([
      303,
      `${app.url}/auth/saml/login?return_to=%2Fx`,
    ]);
  });

  test.each([
    '//evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    'https://evil.example/',
    'javascript:alert(1)',
    '/\t/evil.example',
    '/..//evil.example',
    'accounts',
    '',
    '/auth/logout',
    '/ok\r\nSet-Cookie: a=b',
  ])('does not lead to return_to %j afterwards', async (returnTo) => {
    const step = await new Browser(app.url).get(`/auth/saml/login?return_to=${encodeURIComponent(returnTo)}`);
    expect([step.status, step.headers.get('location')]).toEqual([400, null]);
  });
});

describe('our request to sign in', () => {
  test('is signed with SHA-256 by the key in our metadata, and says where the answer goes', async () => {
    const step = await new Browser(app.url).get('/auth/saml/login');
    const location = new URL(step.headers.get('location') ?? '');
    const { certificate } = app.sso.sp.key;
    const { xml, relayState } = verifyRedirect(location.search.slice(1), [certificate]);
    expect(location.searchParams.get('SigAlg')).toBe('http://www.w3.org/2001/04/xmldsig-more#rsa-sha256');
    expect(xml).toContain(`AssertionConsumerServiceURL="${app.url}/auth/saml/acs"`);
    expect(relayState).toMatch(/^[\w-]{43}$/);
  });
});

describe('our metadata', () => {
  test('names our addresses and carries the certificates to check our requests and to encrypt for us with', async () => {
    const { text, headers } = await new Browser(app.url).get('/auth/saml/metadata');
    expect(headers.get('content-type')).toContain('application/samlmetadata+xml');
    expect(text).toContain(`entityID="${app.url}/auth/saml/metadata"`);
    expect(text).toContain(`Location="${app.url}/auth/saml/acs"`);
    expect(text).toContain('AuthnRequestsSigned="true"');
    const [encryptionKey] = app.sso.sp.encryptionKeys;
    for (const [use, key] of [
      ['signing', app.sso.sp.key],
      ['encryption', encryptionKey],
    ] as const) {
      const descriptor = new RegExp(`<KeyDescriptor use="${use}">[\\s\\S]*?</KeyDescriptor>`).exec(text)?.[0];
      expect(descriptor).toContain(key?.certificate.replace(/-----[^-]+-----|\s/g, ''));
    }
    expect(encryptionKey?.certificate).not.toBe(app.sso.sp.key.certificate);
  });
});

describe('signing out', () => {
  test('ends the session at once and answers a program with JSON', async () => {
    const browser = new Browser(app.url);
    await browser.signIn('support@dev.test');
    const session = browser.cookies();
    const done = await browser.go('POST', '/auth/logout');
    expect([done.status, done.text]).toEqual([200, '{}']);
    const after = await fetch(`${app.url}/internal/v1/me`, { headers: { cookie: session } });
    expect(after.status).toBe(401);
    expect((await app.recorded()).findLast(({ type }) => type === 'SignedOut')).toMatchObject({
      data: { by: 'person' },
    });
  });

  test('by a form goes on to the provider and comes back signed', async () => {
    const browser = new Browser(app.url);
    await browser.signIn('support@dev.test');
    const begun = await browser.go('POST', '/auth/logout', new URLSearchParams());
    expect(begun.headers.get('location')).toContain(`${app.sso.developmentUrl}/sign-out?SAMLRequest=`);
    const ended = await browser.follow(begun);
    expect([ended.status, ended.url.pathname]).toEqual([200, '/auth/signed-out']);
    expect((await browser.get('/internal/v1/me')).status).toBe(401);
  });

  test('begun at the provider ends every session of that person and of nobody else', async () => {
    const [one, two, other] = [new Browser(app.url), new Browser(app.url), new Browser(app.url)];
    await one.signIn('support@dev.test');
    await two.signIn('support@dev.test');
    await other.signIn('ops@dev.test');
    const form = new URLSearchParams({ user: 'support@dev.test' });
    await one.follow(await one.go('POST', `${app.sso.developmentUrl}/sign-out`, form));
    const statuses = await Promise.all(
      [one, two, other].map(async (b) => (await b.get('/internal/v1/me')).status),
    );
    expect(statuses).toEqual([401, 401, 200]);
    expect((await app.recorded()).findLast(({ type }) => type === 'SignedOut')).toMatchObject({
      data: { by: 'provider' },
    });
  });

  test.each(['GET', 'POST'])('is not believed unsigned by %s', async (method) => {
    const browser = new Browser(app.url);
    await browser.signIn('ops@dev.test');
    const away = await browser.go(
      'POST',
      `${app.sso.developmentUrl}/sign-out`,
      new URLSearchParams({ user: 'ops@dev.test' }),
    );
    const signed = new URL(away.headers.get('location') ?? '');
    signed.searchParams.delete('Signature');
    signed.searchParams.delete('SigAlg');
    const form = method === 'GET' ? undefined : signed.searchParams;
    const answer = await browser.go(method, method === 'GET' ? signed.href : '/auth/saml/slo', form);
    expect(answer.status).toBe(403);
    expect((await browser.get('/internal/v1/me')).status).toBe(200);
  });

  test('from a page of another origin is refused', async () => {
    const browser = new Browser(app.url);
    await browser.signIn('ops@dev.test');
    const answer = await browser.go('POST', '/auth/logout', undefined, { origin: 'https://evil.example' });
    expect([answer.status, JSON.parse(answer.text).code]).toEqual([403, 'not_permitted']);
    expect((await browser.get('/internal/v1/me')).status).toBe(200);
  });

  test.each([
    ['with the cookie', true],
    ['from which the browser withholds it', false],
  ])('by a form of another site, %s, takes no cookie away', async (_which, carried) => {
    const browser = new Browser(app.url);
    await browser.signIn('ops@dev.test');
    const answer = await fetch(`${app.url}/auth/logout`, {
      method: 'POST',
      redirect: 'manual',
      headers: { origin: 'https://evil.example', ...(carried ? { cookie: browser.cookies() } : {}) },
      body: new URLSearchParams(),
    });
    expect([answer.status, answer.headers.getSetCookie()]).toEqual([403, []]);
  });
});
