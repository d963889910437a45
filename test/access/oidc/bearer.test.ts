/** Bearer tokens at the gate: for requests and sockets, beside cookies, from other origins, in every process. */
import { io } from 'socket.io-client';
import { customerCredentialIn } from '../../../src/access/customer-credentials.ts';
import { tokenPrefixes } from '../../../src/access/oidc/token-format.ts';
import { ask } from '../../contract/running.ts';
import { Browser } from '../browser.ts';
import { type Installation, install, me, recorded, serviceToken, signIn, webOrigin } from './installation.ts';

let at: Installation;
let beside: Installation;
beforeAll(async () => {
  at = await install();
  beside = await install(at);
});
afterAll(async () => {
  await beside.stop();
  await at.stop();
});

const idIn = (body: Record<string, unknown>) => (body.principal as { email?: string } | undefined)?.email;

describe('a token beside a cookie', () => {
  test('wins: the request is who the token says', async () => {
    const cookie = await at.cookieOf('admin');
    const { tokens } = await signIn(at, { who: 'support' });
    expect(idIn((await me(at.base, tokens.access_token, { cookie })).body)).toBe('support@dev.test');
  });

  test('that is not valid is refused, however good the cookie', async () => {
    const cookie = await at.cookieOf('admin');
    for (const token of [`qda_${'x'.repeat(43)}`, 'nonsense', '']) {
      const { status, body } = await me(at.base, token, { cookie });
      expect([token, status, body.code]).toEqual([token, 401, 'not_authenticated']);
    }
  });

  test('needs no page of our own to change something, unlike the cookie', async () => {
    const { access_token: token } = await serviceToken(at);
    const asked = { path: '/internal/v1/commands/close-account', body: { accountId: 'none', reason: 'x' } };
    const bearer = { authorization: `Bearer ${token}` };
    expect((await ask(at.base, undefined, { ...asked, headers: bearer })).status).toBe(404);
    const foreign = { origin: 'https://evil.test' };
    const byCookie = await ask(at.base, await at.cookieOf('ops'), { ...asked, headers: foreign });
    expect([byCookie.status, byCookie.body.code]).toEqual([403, 'not_permitted']);
  });

  test('a refresh token and an ID token are no access tokens', async () => {
    const { tokens } = await signIn(at);
    for (const token of [tokens.refresh_token, tokens.id_token]) {
      expect((await me(at.base, String(token))).status).toBe(401);
    }
  });
});

describe('customers’ credentials', () => {
  test('do not look like our tokens, whatever the random part is', () => {
    for (const prefix of Object.values(tokenPrefixes)) {
      for (const start of ['sk_live_', 'pk-abcdefgh', 'whsec_', 'api_key_', 'rk_1']) {
        const authorization = `Bearer ${prefix}${start.padEnd(43, 'x')}`;
        expect(customerCredentialIn({ authorization, headers: {}, url: '/' })).toBeUndefined();
      }
    }
  });

  test('are refused as a bearer token, and a pattern that took in ours would not refuse ours', async () => {
    const { status, body } = await me(at.base, 'sk_live_abcdef');
    expect([status, body.code]).toEqual([403, 'customer_credential_refused']);
    const authorization = `Bearer qda_${'x'.repeat(43)}`;
    const patterns = [/^[a-z]{2,4}_/];
    expect(
      customerCredentialIn({ authorization, headers: {}, url: '/' }, { patterns, anywherePatterns: [] }),
    ).toBeUndefined();
  });
});

describe('other origins', () => {
  const preflight = (origin: string) =>
    fetch(`${at.base}/internal/v1/me`, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'GET',
        'access-control-request-headers': 'authorization',
      },
    });

  test('of a tool of the policy are answered, without credentials', async () => {
    const { status, headers } = await preflight(webOrigin);
    expect([
      status,
      headers.get('access-control-allow-origin'),
      headers.get('access-control-allow-credentials'),
      headers.get('access-control-allow-headers')?.includes('Authorization'),
    ]).toEqual([204, webOrigin, null, true]);
    const { tokens } = await signIn(at);
    const answer = await me(at.base, tokens.access_token, { origin: webOrigin });
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([200, webOrigin]);
  });

  test.each([
    'https://evil.test',
    `${webOrigin}.evil.test`,
    `${webOrigin}:8443`,
    'null',
    'http://web.tools.test',
  ])('such as %s are not', async (origin) => {
    const { status, headers } = await preflight(origin);
    expect([status === 204, headers.get('access-control-allow-origin')]).toEqual([false, null]);
    const { tokens } = await signIn(at);
    const { status: refused, body } = await me(at.base, tokens.access_token, { origin });
    expect([refused, body.code]).toEqual([403, 'not_permitted']);
  });

  test('of one tool are of no use to another tool’s token', async () => {
    const { access_token: token } = await serviceToken(at);
    expect((await me(at.base, token, { origin: webOrigin })).status).toBe(403);
  });

  test('may ask for tokens only as the tool that they are of', async () => {
    const ask = (origin: string) =>
      fetch(`${at.issuer}/token`, {
        method: 'POST',
        headers: { origin },
        body: new URLSearchParams({ client_id: 'page', grant_type: 'refresh_token', refresh_token: 'none' }),
      });
    expect((await ask(webOrigin)).headers.get('access-control-allow-origin')).toBe(webOrigin);
    const foreign = await ask('https://evil.test');
    expect([foreign.status, foreign.headers.get('access-control-allow-origin')]).toEqual([400, null]);
  });

  test('cannot use the cookie: the answer is not theirs to read', async () => {
    const cookie = await at.cookieOf('admin');
    const answer = await ask(at.base, cookie, {
      path: '/internal/v1/commands/close-account',
      body: { accountId: 'a', reason: 'x' },
      headers: { origin: webOrigin },
    });
    expect([answer.status, answer.headers.get('access-control-allow-credentials')]).toEqual([403, null]);
  });
});

/** A socket that has been let in. */
const socketWith = (base: string, token: string, headers: Record<string, string> = {}) => {
  const socket = io(base, {
    path: '/internal/live',
    transports: ['websocket'],
    auth: { token },
    extraHeaders: headers,
    reconnection: false,
    forceNew: true,
  });
  const opened = new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('connect_error', reject);
  });
  const closed = new Promise<void>((resolve) => socket.once('disconnect', () => resolve()));
  return { socket, opened, closed };
};

const ended = async (base: string, token: string): Promise<number> => {
  const began = performance.now();
  while ((await me(base, token)).status === 200) await new Promise(setImmediate);
  return performance.now() - began;
};

describe('sockets', () => {
  test('are let in by a token, and see what the token may see', async () => {
    const { tokens } = await signIn(at, { who: 'ops' });
    const { socket, opened } = socketWith(at.base, tokens.access_token, { origin: webOrigin });
    await opened;
    const answer = (topic: string) => socket.timeout(10_000).emitWithAck('subscribe', { topic });
    expect(await answer('accounts/none')).toMatchObject({ ok: false, code: 'not_found' });
    expect(await answer('system')).toMatchObject({ ok: true });
    expect(await answer('bulk-jobs')).toMatchObject({ ok: false, code: 'not_permitted' });
    socket.close();
  });

  test('are refused with no valid token, with a customer’s key, and from another origin', async () => {
    const { tokens } = await signIn(at);
    const refused = (token: string, headers = {}) =>
      socketWith(at.base, token, headers).opened.then(
        () => 'opened',
        (error: { data?: { code?: string } }) => error.data?.code,
      );
    expect(await refused(`qda_${'x'.repeat(43)}`)).toBe('not_authenticated');
    expect(await refused('sk_live_abcdef')).toBe('customer_credential_refused');
    expect(await refused(tokens.access_token, { origin: 'https://evil.test' })).toBe('not_permitted');
  });

  test('are closed when their token is revoked, in a second process too', async () => {
    const { tokens, config } = await signIn(at);
    const sockets = [at.base, beside.base].map((base) => socketWith(base, tokens.access_token));
    await Promise.all(sockets.map(({ opened }) => opened));
    await import('openid-client').then((oidc) => oidc.tokenRevocation(config, tokens.access_token));
    await Promise.all(sockets.map(({ closed }) => closed));
    expect(sockets.every(({ socket }) => !socket.connected)).toBe(true);
  });
});

describe('in every process', () => {
  test('a token is taken, and once revoked refused within a notification’s time', async () => {
    const { tokens, config } = await signIn(at);
    expect((await me(beside.base, tokens.access_token)).status).toBe(200);
    await (await import('openid-client')).tokenRevocation(config, tokens.access_token);
    const took = await ended(beside.base, tokens.access_token);
    expect((await me(at.base, tokens.access_token)).status).toBe(401);
    expect(took).toBeLessThan(1_000);
  });

  test('a person who is deactivated has no token any more, and no refresh', async () => {
    const oidc = await import('openid-client');
    const { tokens, config } = await signIn(at, { who: 'support' });
    expect((await me(beside.base, tokens.access_token)).status).toBe(200);
    const id = tokens.claims()?.sub;
    const setActive = (active: boolean) =>
      at.db.owner.query(
        `WITH changed AS (UPDATE people SET active = $2 WHERE id = $1) SELECT pg_notify('quarterdeck_sessions', '*')`,
        [id, active],
      );
    await setActive(false);
    await ended(beside.base, tokens.access_token);
    await ended(at.base, tokens.access_token);
    await expect(oidc.refreshTokenGrant(config, tokens.refresh_token ?? '')).rejects.toMatchObject({
      error: 'invalid_grant',
    });
    await setActive(true);
  });

  test('signing out at one ends at the other what web tools were given', async () => {
    const { tokens, browser } = await signIn(at);
    expect((await me(beside.base, tokens.access_token)).status).toBe(200);
    await browser.go('POST', '/auth/logout');
    await ended(beside.base, tokens.access_token);
  });

  test('a tool that leaves the policy, or reaches less far, is bound by that from then on', async () => {
    const { tokens } = await signIn(at);
    const { access_token: service } = await serviceToken(at);
    await at.applyPolicy((policy) =>
      policy
        .replace('scope: [accounts:*, audit:read]', 'scope: [accounts:read]')
        .replace(/ {2}nightly:\n(?: {4}.*\n)+/, '')
        .replace('tools: [server, nightly]', 'tools: [server]'),
    );
    const permissions = async (base: string) => (await me(base, tokens.access_token)).body.permissions;
    for (const { base } of [at, beside]) {
      while (JSON.stringify(await permissions(base)) !== '["accounts:read"]') await new Promise(setImmediate);
      await ended(base, service);
    }
    await at.applyPolicy((policy) => policy);
    while (JSON.stringify(await permissions(beside.base)) !== '["accounts:*"]')
      await new Promise(setImmediate);
  });
});

test('what was refused at the gate is in the log without the token', async () => {
  await me(at.base, `qda_${'y'.repeat(43)}`);
  const found = async () =>
    (await recorded(at, 'AccessDenied')).some(({ data }) => data.detail === 'token invalid');
  while (!(await found())) await new Promise(setImmediate);
  expect(JSON.stringify(await recorded(at, 'AccessDenied'))).not.toContain('yyyy');
});

test('a browser that nobody is signed in with is shown where to sign in, not a token’s refusal', async () => {
  const step = await new Browser(at.base).get('/internal/docs', { accept: 'text/html' });
  expect(step.headers.get('location')).toMatch(/^\/auth\/saml\/login/);
});
