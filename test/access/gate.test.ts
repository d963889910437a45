/** What every request passes before it is read, over real HTTP. */

import { toldPath } from '../../src/access/told-path.ts';
import { type TestDatabase, testDatabase } from '../setup/database.ts';
import { Browser } from './browser.ts';
import { dropKeys, type Keys, newKeys, type Served, samplePolicy, serve } from './serving.ts';

let db: TestDatabase;
let keys: Keys;
let app: Served;
let session: string;

beforeAll(async () => {
  db = await testDatabase();
  keys = await newKeys();
  app = await serve(db, keys, {
    trustedProxies: ['127.0.0.1'],
    allowedNetworks: ['127.0.0.0/8', '192.0.2.0/24'],
  });
  await app.access.applyPolicy(samplePolicy, 'p.yaml');
  const browser = new Browser(app.url);
  await browser.signIn('ops@dev.test');
  session = /quarterdeck=[\w-]{43}/.exec(browser.cookies())?.[0] ?? '';
});
afterAll(async () => {
  await app.stop();
  await dropKeys(keys);
  await db.drop();
});

const ask = async (method: string, path: string, headers: Record<string, string>) => {
  const answer = await fetch(`${app.url}${path}`, { method, headers });
  const text = await answer.text();
  return { status: answer.status, text, code: answer.ok ? undefined : JSON.parse(text).code };
};

const codeOf = async (method: string, path: string, headers: Record<string, string>) => {
  const { status, code } = await ask(method, path, headers);
  return [status, code];
};

describe('a request without a session', () => {
  test.each(['GET', 'POST'])('is not authenticated (%s)', async (method) => {
    expect(await codeOf(method, '/internal/v1/me', {})).toEqual([401, 'not_authenticated']);
  });

  test('nor is one with a made-up token', async () => {
    expect(await codeOf('GET', '/internal/v1/me', { cookie: `quarterdeck=${'a'.repeat(43)}` })).toEqual([
      401,
      'not_authenticated',
    ]);
  });

  test('is recorded with its path, without its query', async () => {
    await ask('GET', '/internal/v1/me?token=hush', {});
    const events = await app.recorded();
    const event = events.find(({ data }) => data.detail === 'no session' && data.method === 'GET');
    expect(event).toMatchObject({
      type: 'AccessDenied',
      data: { code: 'not_authenticated', method: 'GET', path: '/internal/v1/me', detail: 'no session' },
      metadata: { actor: { id: 'anonymous' }, ip: '127.0.0.1' },
    });
    expect(JSON.stringify(events)).not.toContain('hush');
  });

  test('does not hold what stands in the path where no id can', async () => {
    await ask('GET', '/internal/v1/accounts/ada@example.com', {});
    await ask('GET', '/internal/v1/accounts/Ada%20Lovelace', {});
    const events = await app.recorded();
    expect(events.map(({ data }) => data.path)).toContain('/internal/v1/accounts/…');
    expect(JSON.stringify(events)).not.toMatch(/ada@|Lovelace/);
  });
});

describe('a path that holds a secret', () => {
  test.each([
    ['a customer’s key', 'sk_live_51HxTVb2eZvKYlo2C'],
    ['an access token of ours', `qda_${'a'.repeat(43)}`],
    ['a refresh token of ours', `qdr_${'b'.repeat(43)}`],
    ['a JSON Web Token', 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln'],
    ['a bearer token of anybody’s', 'Zm9vYmFyMTIzNDU2Nzg5MFphYmNkZWZnaGlqa2xtbm9w'],
  ])('%s is recorded without it', async (_what, secret) => {
    app.clock.now = new Date(app.clock.now.getTime() + 61_000);
    await ask('GET', `/internal/v1/accounts/${secret}`, {});
    const events = await app.recorded();
    expect(events.at(-1)?.data.path).toBe('/internal/v1/accounts/…');
    expect(JSON.stringify(events)).not.toContain(secret);
  });

  test('names and ids of ours are told', () => {
    for (const name of ['7590-VHVEG', 'account-7590-VHVEG', '0199c3f2-5d3e-7a1b-8c4d-0123456789ab', '$reads'])
      expect(toldPath(`/internal/v1/accounts/${name}?x=y`)).toBe(`/internal/v1/accounts/${name}`);
    expect(toldPath('/a/acme_live_1', [/^acme_/])).toBe('/a/…');
  });
});

describe('a cookie request that changes something', () => {
  const evil = 'https://evil.example';
  test.each([
    ['our own origin', {}, { origin: 'OWN' }, 200],
    ['our own origin, said twice', {}, { origin: 'OWN', 'sec-fetch-site': 'same-origin' }, 200],
    ['our own site without Origin', {}, { 'sec-fetch-site': 'same-origin' }, 200],
    ['nowhere it would say', {}, {}, 403],
    ['another origin', {}, { origin: evil }, 403],
    ['another origin that claims our site', {}, { origin: evil, 'sec-fetch-site': 'same-origin' }, 403],
    ['another port of this host', {}, { origin: 'http://127.0.0.1:1' }, 403],
    ['our origin by https', {}, { origin: 'OWN-HTTPS' }, 403],
    ['an opaque origin', {}, { origin: 'null' }, 403],
    ['a sub-domain', {}, { origin: 'OWN', 'sec-fetch-site': 'same-site' }, 403],
    ['another site', {}, { 'sec-fetch-site': 'cross-site' }, 403],
    ['an address typed in', {}, { 'sec-fetch-site': 'none' }, 403],
  ])('from %s: %#', async (_from, _, sent, status) => {
    const headers: Record<string, string> = { cookie: session, ...(sent as Record<string, string>) };
    if (headers.origin === 'OWN') headers.origin = app.url;
    if (headers.origin === 'OWN-HTTPS') headers.origin = app.url.replace('http:', 'https:');
    const answer = await ask('POST', '/internal/v1/echo', headers);
    expect([answer.status, answer.code]).toEqual([status, status === 200 ? undefined : 'not_permitted']);
  });

  test.each([
    ['another site', 'cross-site', 403],
    ['a sub-domain', 'same-site', 403],
    ['a page of ours', 'same-origin', 200],
    ['the address bar', 'none', 200],
  ])('may read where %s leads there: %s', async (_from, site, status) => {
    const headers = { cookie: session, 'sec-fetch-site': site, 'sec-fetch-mode': 'navigate' };
    for (const method of ['GET', 'HEAD'])
      for (const path of ['/internal/v1/me', '/internal/v1/me?x=y'])
        expect((await fetch(`${app.url}${path}`, { method, headers })).status).toBe(status);
  });

  test('may read where nothing says from where, as callers that are no browsers', async () => {
    expect((await ask('GET', '/internal/v1/me', { cookie: session })).status).toBe(200);
  });

  test('opening a socket is refused from a foreign page, though it is a GET', async () => {
    const incoming = (origin: string) => ({
      peer: '127.0.0.1',
      method: 'GET',
      url: '/',
      headers: { cookie: session, origin },
    });
    const open = (origin: string) =>
      app.access.gate.identify(incoming(origin), '127.0.0.1', { fromOwnOrigin: true });
    await expect(open('https://evil.example')).rejects.toMatchObject({ code: 'not_permitted' });
    await expect(open(app.url)).resolves.toMatchObject({ kind: 'person' });
  });
});

describe('a customer’s credential', () => {
  test.each([
    [
      'a bearer token with a secret key’s prefix',
      '/internal/v1/me',
      { authorization: 'Bearer sk_live_abc' },
      'header authorization',
    ],
    ['a test key', '/internal/v1/me', { authorization: 'bearer sk_test_abc' }, 'header authorization'],
    ['a publishable key', '/internal/v1/me', { authorization: 'Bearer pk_live_abc' }, 'header authorization'],
    ['a bare key', '/internal/v1/me', { authorization: 'sk_live_abc' }, 'header authorization'],
    [
      'basic authentication',
      '/internal/v1/me',
      { authorization: 'Basic c2tfbGl2ZV9hYmM6' },
      'header authorization',
    ],
    ['an API key header', '/internal/v1/me', { 'X-Api-Key': 'sk_live_abc' }, 'header x-api-key'],
    ['an API key in the query', '/internal/v1/me?api_key=sk_live_abc', {}, 'query'],
    ['an API key in the query, otherwise spelt', '/internal/v1/me?ApiKey=x', {}, 'query'],
    ['an access token in the query', '/internal/v1/me?a=1&access_token=sk_live_abc', {}, 'query'],
    ['an encoded parameter name', '/internal/v1/me?api%5Fkey=sk_live_abc', {}, 'query'],
    ['a secret key under any name', '/internal/v1/me?whatever=sk_live_abc', {}, 'query'],
    ['one within a filter', '/internal/v1/me?where={"accountId":"sk_live_abc"}', {}, 'query'],
    [
      'one under another scheme',
      '/internal/v1/me',
      { authorization: 'Token sk_live_abc' },
      'header authorization',
    ],
    [
      'one as a parameter of a scheme',
      '/internal/v1/me',
      { authorization: 'ApiKey id="7", key="sk_live_abc"' },
      'header authorization',
    ],
    ['one in a header of any name', '/internal/v1/me', { 'X-Acme-Key': 'sk_live_abc' }, 'header x-acme-key'],
    ['one behind a word', '/internal/v1/me', { 'X-Acme': 'key: sk_live_abc' }, 'header x-acme'],
    ['another API key header', '/internal/v1/me', { apikey: 'anything' }, 'header apikey'],
  ])(
    '%s is refused, also beside a session, and recorded without the secret',
    async (_what, path, sent, where) => {
      const headers: Record<string, string> = { ...(sent as Record<string, string>), cookie: session };
      expect(await codeOf('GET', path, headers)).toEqual([403, 'customer_credential_refused']);
      app.clock.now = new Date(app.clock.now.getTime() + 61_000);
      const events = await app.recorded();
      const event = events.findLast(
        ({ type, data }) => type === 'AccessDenied' && data.code === 'customer_credential_refused',
      );
      expect(event?.data.detail).toBe(where);
      expect(JSON.stringify(events)).not.toMatch(/sk_live_abc|sk_test_abc|pk_live_abc|c2tfbGl2ZV9hYmM6/);
    },
  );

  test('looks as the policy in force says, from the next request on', async () => {
    const acme = { authorization: 'Bearer acme_live_Zm9v', cookie: session };
    // No token of ours, so nobody is let in by it, but no customer's key either.
    expect(await codeOf('GET', '/internal/v1/me', acme)).toEqual([401, 'not_authenticated']);
    const own = `${samplePolicy}customerCredentials: { patterns: ['acme_(live|test)_', 'whsec_'] }\n`;
    await app.access.applyPolicy(own, 'test policy');
    expect(await codeOf('GET', '/internal/v1/me', acme)).toEqual([403, 'customer_credential_refused']);
    const query = '/internal/v1/me?x=acme_test_Zm9v';
    expect(await codeOf('GET', query, { cookie: session })).toEqual([403, 'customer_credential_refused']);
    expect(JSON.stringify(await app.recorded())).not.toContain('Zm9v');
    const usual = { authorization: 'Bearer sk_live_abc', cookie: session };
    expect(await codeOf('GET', '/internal/v1/me', usual)).toEqual([401, 'not_authenticated']);
    await app.access.applyPolicy(samplePolicy, 'test policy');
    expect(await codeOf('GET', '/internal/v1/me', usual)).toEqual([403, 'customer_credential_refused']);
    const broken = `${samplePolicy}customerCredentials: { patterns: ['^('] }\n`;
    await expect(app.access.applyPolicy(broken, 'p.yaml')).rejects.toThrow(
      /p.yaml line \d+: .*regular expression/,
    );
  });

  test.each(['/internal/v1/me?accountId=pk-12345678', '/internal/v1/me?status=active'])(
    '%s is none',
    async (path) => {
      expect((await ask('GET', path, { cookie: session })).status).toBe(200);
    },
  );
});

test('a permission that was missing elsewhere is recorded with its command, before the caller hears of it', async () => {
  const incoming = { peer: '127.0.0.1', method: 'GET', url: '/', headers: { cookie: session } };
  const principal = await app.access.gate.identify(incoming, '127.0.0.1');
  const origin = { principal, ip: '192.0.2.5', correlationId: 'trace-1' };
  await app.access.denied(origin, { command: 'issue-credit', permission: 'billing:credit' });
  // What the tests before this one were denied may be recorded behind it.
  const events = await app.log.readStreams(['$access']);
  const own = events.filter(({ metadata }) => metadata.correlationId === 'trace-1');
  expect(own).toHaveLength(1);
  expect(own[0]).toMatchObject({
    type: 'AccessDenied',
    data: { code: 'not_permitted', detail: 'billing:credit' },
    metadata: {
      actor: { id: principal.id, kind: 'person' },
      command: 'issue-credit',
      correlationId: 'trace-1',
      ip: '192.0.2.5',
      email: 'ops@dev.test',
    },
  });
});

describe('a foreign network', () => {
  test('is refused before anything else, with or without a session', async () => {
    const headers = {
      cookie: session,
      'x-forwarded-for': '203.0.113.9',
      authorization: 'Bearer sk_live_abc',
    };
    expect(await codeOf('GET', '/internal/v1/me', headers)).toEqual([403, 'network_refused']);
    expect(await codeOf('GET', '/auth/saml/metadata', headers)).toEqual([403, 'network_refused']);
  });

  test('behind a trusted proxy an allowed client is known by its own address', async () => {
    const headers = { cookie: session, origin: app.url, 'x-forwarded-for': '203.0.113.9, 192.0.2.44' };
    const { text } = await ask('POST', '/internal/v1/echo', headers);
    expect(JSON.parse(text).from).toBe('192.0.2.44');
  });
});
