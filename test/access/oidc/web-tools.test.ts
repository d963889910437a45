/** Web tools: authorization code with PKCE, refresh, revocation, introspection, as openid-client does them. */
import * as oidc from 'openid-client';
import { ask } from '../../contract/running.ts';
import { Browser } from '../browser.ts';
import {
  callback,
  followTo,
  type Installation,
  install,
  me,
  passSignIn,
  recorded,
  type SignedIn,
  secret,
  serviceToken,
  signIn,
} from './installation.ts';

let at: Installation;
beforeAll(async () => {
  at = await install();
});
afterAll(() => at.stop());

/** The error that openid-client threw, as the token endpoint said it. */
const refusalOf = (attempt: Promise<unknown>): Promise<string> =>
  attempt.then(
    () => 'accepted',
    (error: { error?: string; cause?: { error?: string }; code?: string }) =>
      error.error ?? error.cause?.error ?? error.code ?? String(error),
  );

const authorize = async (browser: Browser, parameters: Record<string, string>) =>
  followTo(browser, await addressOf(parameters), callback);

const addressOf = async (parameters: Record<string, string>): Promise<string> => {
  const address = new URL(`${at.issuer}/auth`);
  address.search = new URLSearchParams({
    client_id: 'page',
    response_type: 'code',
    redirect_uri: callback,
    scope: 'openid',
    code_challenge: await oidc.calculatePKCECodeChallenge('v'.repeat(43)),
    code_challenge_method: 'S256',
    state: 'the-state',
    ...parameters,
  }).toString();
  return address.href;
};

describe('a person signs in to a web tool', () => {
  test('and its token names the person and the tool, with the person’s roles within the tool’s scope', async () => {
    const { tokens } = await signIn(at);
    const { status, body } = await me(at.base, tokens.access_token);
    expect([status, body]).toEqual([
      200,
      {
        principal: {
          id: tokens.claims()?.sub,
          kind: 'person',
          email: 'ops@dev.test',
          name: 'Oona Operations',
        },
        roles: ['ops'],
        permissions: ['accounts:*'],
        tool: 'page',
        attributes: {},
      },
    ]);
    expect(tokens.claims()).toMatchObject({ aud: 'page', iss: at.issuer, email: 'ops@dev.test' });
  });

  test('without a page that asks for consent, and without signing in twice', async () => {
    const { browser } = await signIn(at);
    const again = await authorize(browser, {});
    expect([again.status, again.headers.get('location')?.startsWith(`${callback}?code=`)]).toEqual([
      303,
      true,
    ]);
  });

  test('a tool that asks for less gets less, and for more is refused', async () => {
    const { tokens } = await signIn(at, { scope: 'openid accounts:read' });
    expect((await me(at.base, tokens.access_token)).body.permissions).toEqual(['accounts:read']);
    const back = await passSignIn(
      at,
      new Browser(at.base),
      (await authorizationAddress({ scope: 'openid billing:refund' })).href,
      'admin',
    );
    expect(back.searchParams.get('error')).toBe('invalid_scope');
  });

  test('a right that the person lacks is not theirs through a tool that reaches further', async () => {
    const auth = oidc.ClientSecretBasic(secret);
    const { tokens } = await signIn(at, { tool: 'server', auth, who: 'support' });
    expect((await me(at.base, tokens.access_token)).body.permissions).toEqual(['accounts:read', 'support:*']);
    const refused = await ask(at.base, undefined, {
      path: '/internal/v1/commands/suspend-account',
      body: { accountId: 'a-1', reason: 'late' },
      headers: { authorization: `Bearer ${tokens.access_token}` },
    });
    expect([refused.status, refused.body.code, refused.body.permission]).toEqual([
      403,
      'not_permitted',
      'accounts:suspend',
    ]);
  });

  test('as another person than before in the same browser, and nothing of the first is carried over', async () => {
    const { browser, tokens: first } = await signIn(at, { who: 'ops' });
    await browser.go('POST', '/auth/logout');
    const { tokens: second } = await signIn(at, { who: 'admin', browser });
    expect(second.claims()?.email).toBe('admin@dev.test');
    expect(second.claims()?.sub).not.toBe(first.claims()?.sub);
  });

  test('anew where the tool asks for a fresh sign-in', async () => {
    const { browser } = await signIn(at);
    const step = await authorize(browser, { prompt: 'login' });
    expect([step.status, step.text.includes('name="user"')]).toEqual([200, true]);
    const { tokens } = await signIn(at, { browser, parameters: { prompt: 'login' } });
    expect(tokens.claims()?.sub).toMatch(/^person:/);
  });

  test.each<[string, Record<string, string>]>([
    ['prompt=login', { prompt: 'login' }],
    ['max_age', { max_age: '60' }],
  ])('anew for %s by proving it, not by a new session on an old proof', async (_asked, parameters) => {
    const proofIsOld = () =>
      at.db.owner.query(`UPDATE sessions SET authenticated_at = authenticated_at - interval '3 hours'
        WHERE created_at = (SELECT max(created_at) FROM sessions)`);
    const browser = new Browser(at.base);
    await browser.signIn('ops@dev.test');
    await proofIsOld();
    const begun = await followTo(browser, await addressOf(parameters), '/auth/saml/login');
    expect(begun.headers.get('location')).toContain('force=true');
    // Instead of following that, signed in plainly, where the provider knows them since three hours.
    await browser.signIn('ops@dev.test');
    await proofIsOld();
    const again = await browser.get(begun.url.href);
    expect(again.headers.get('location')).toContain('/auth/saml/login?force=true');
    await browser.signIn('ops@dev.test');
    const done = await followTo(browser, begun.url.href, callback);
    expect(new URL(done.headers.get('location') ?? '').searchParams.get('code')).toMatch(/./);
  });

  test('and is not asked at all where the tool may not ask and nobody is signed in', async () => {
    const step = await authorize(new Browser(at.base), { prompt: 'none' });
    expect(new URL(step.headers.get('location') ?? '').searchParams.get('error')).toBe('login_required');
  });
});

const authorizationAddress = async (parameters: Record<string, string>) =>
  oidc.buildAuthorizationUrl(await at.client('page'), {
    redirect_uri: callback,
    code_challenge: await oidc.calculatePKCECodeChallenge('v'.repeat(43)),
    code_challenge_method: 'S256',
    state: 's',
    ...parameters,
  });

describe('what a web tool is refused', () => {
  test.each([
    ['no PKCE', { code_challenge: '', code_challenge_method: '' }],
    ['PKCE in the clear', { code_challenge_method: 'plain' }],
    ['tokens in the address', { response_type: 'token' }],
    ['answers in another form', { response_mode: 'form_post' }],
  ])('%s', async (_, parameters) => {
    const step = await authorize(new Browser(at.base), parameters);
    const location = step.headers.get('location');
    const code = location === null ? null : new URL(location).searchParams.get('code');
    expect([code, step.status === 400 || location?.includes('error=')]).toEqual([null, true]);
  });

  test.each([
    ['an address that only begins like one of its own', { redirect_uri: `${callback}/more` }],
    ['its own in capitals', { redirect_uri: callback.replace('https', 'HTTPS') }],
    ['its own with a port that is meant anyway', { redirect_uri: callback.replace('.test/', '.test:443/') }],
    ['another host', { redirect_uri: 'https://evil.test/callback' }],
    ['a tool that the policy does not know', { client_id: 'unknown' }],
    ['the console, which is no client', { client_id: 'console' }],
  ])('%s is a page of ours, and nobody is sent anywhere', async (_, parameters) => {
    const browser = new Browser(at.base);
    const address = new URL(`${at.issuer}/auth`);
    address.search = new URLSearchParams({
      client_id: 'page',
      response_type: 'code',
      redirect_uri: callback,
      scope: 'openid',
      code_challenge: 'c'.repeat(43),
      code_challenge_method: 'S256',
      ...parameters,
    }).toString();
    const step = await browser.get(address.href, { accept: 'text/html' });
    expect([step.status, step.headers.get('location')]).toEqual([400, null]);
    expect(step.text).toContain('The tool cannot be signed in');
    expect(step.headers.get('content-security-policy')).toContain("default-src 'none'");
  });

  test('a code with the verifier of somebody else', async () => {
    const config = await at.client('page');
    const back = await passSignIn(
      at,
      new Browser(at.base),
      (await authorizationAddress({ scope: 'openid' })).href,
      'ops',
    );
    const checks = { pkceCodeVerifier: 'w'.repeat(43), expectedState: 's' };
    expect(await refusalOf(oidc.authorizationCodeGrant(config, back, checks))).toBe('invalid_grant');
  });

  test('a code a second time, which ends what the first time gave', async () => {
    const config = await at.client('page');
    const address = await authorizationAddress({ scope: 'openid' });
    const back = await passSignIn(at, new Browser(at.base), address.href, 'ops');
    const checks = { pkceCodeVerifier: 'v'.repeat(43), expectedState: 's' };
    const first = await oidc.authorizationCodeGrant(config, back, checks);
    expect((await me(at.base, first.access_token)).status).toBe(200);
    expect(await refusalOf(oidc.authorizationCodeGrant(config, back, checks))).toBe('invalid_grant');
    expect((await me(at.base, first.access_token)).status).toBe(401);
  });

  test('a wrong secret, and none where one is due', async () => {
    const wrong = oidc.ClientSecretBasic('not-the-secret');
    expect(await refusalOf(signIn(at, { tool: 'server', auth: wrong }))).toBe(
      'OAUTH_WWW_AUTHENTICATE_CHALLENGE',
    );
    expect(await refusalOf(signIn(at, { tool: 'server', auth: oidc.None() }))).toBe('invalid_client');
    const inBody = oidc.ClientSecretPost(secret);
    expect((await signIn(at, { tool: 'server', auth: inBody })).tokens.access_token).toMatch(/^qda_/);
  });
});

test('a tool with a secret may do without PKCE where the policy says so, and only there', async () => {
  const asks = { code_challenge: '', code_challenge_method: '' };
  const { browser } = await signIn(at);
  for (const [client_id, answer] of [
    ['legacy', 'code'],
    ['server', 'error'],
  ] as const) {
    const step = await authorize(browser, { ...asks, client_id });
    expect(new URL(step.headers.get('location') ?? '').searchParams.has(answer)).toBe(true);
  }
});

describe('refreshing', () => {
  const refresh = ({ config }: SignedIn, token: string | undefined) =>
    oidc.refreshTokenGrant(config, token ?? '');

  test('gives a new refresh token each time, and the first right stays', async () => {
    const signedIn = await signIn(at, { scope: 'openid accounts:read' });
    const next = await refresh(signedIn, signedIn.tokens.refresh_token);
    expect(next.refresh_token).not.toBe(signedIn.tokens.refresh_token);
    expect((await me(at.base, next.access_token)).body.permissions).toEqual(['accounts:read']);
  });

  test('with one that was used before ends the whole grant, whoever used it', async () => {
    const signedIn = await signIn(at);
    const next = await refresh(signedIn, signedIn.tokens.refresh_token);
    expect(await refusalOf(refresh(signedIn, signedIn.tokens.refresh_token))).toBe('invalid_grant');
    expect(await refusalOf(refresh(signedIn, next.refresh_token))).toBe('invalid_grant');
    expect((await me(at.base, next.access_token)).status).toBe(401);
    expect((await me(at.base, signedIn.tokens.access_token)).status).toBe(401);
  });

  test('with the same one many times at once gives at most one answer', async () => {
    const signedIn = await signIn(at);
    const all = await Promise.all(
      Array.from({ length: 8 }, () => refusalOf(refresh(signedIn, signedIn.tokens.refresh_token))),
    );
    expect(all.filter((one) => one === 'accepted').length).toBeLessThanOrEqual(1);
    expect((await me(at.base, signedIn.tokens.access_token)).status).toBe(401);
  });

  test('by another tool is refused', async () => {
    const { tokens } = await signIn(at);
    const other = await at.client('server', oidc.ClientSecretBasic(secret));
    expect(await refusalOf(oidc.refreshTokenGrant(other, tokens.refresh_token ?? ''))).toBe('invalid_grant');
  });
});

describe('ending', () => {
  test('a revoked access token is refused from the next request on, and the revocation is recorded', async () => {
    const { config, tokens } = await signIn(at);
    expect((await me(at.base, tokens.access_token)).status).toBe(200);
    await oidc.tokenRevocation(config, tokens.access_token);
    const { status, body, headers } = await me(at.base, tokens.access_token);
    expect([status, body.code]).toEqual([401, 'not_authenticated']);
    expect(headers.get('www-authenticate')).toBe('Bearer realm="quarterdeck", error="invalid_token"');
    expect((await recorded(at, 'TokenRevoked')).at(-1)?.data).toEqual({ by: 'tool', what: 'AccessToken' });
  });

  test('a revoked refresh token takes the access tokens of its grant along', async () => {
    const { config, tokens } = await signIn(at);
    await oidc.tokenRevocation(config, tokens.refresh_token ?? '');
    expect((await me(at.base, tokens.access_token)).status).toBe(401);
  });

  test('a tool cannot revoke what is another’s', async () => {
    const { tokens } = await signIn(at);
    const other = await at.client('server', oidc.ClientSecretBasic(secret));
    await refusalOf(oidc.tokenRevocation(other, tokens.access_token));
    expect((await me(at.base, tokens.access_token)).status).toBe(200);
  });

  test('signing out ends what web tools were given in that session', async () => {
    const { config, tokens, browser } = await signIn(at);
    expect((await me(at.base, tokens.access_token)).status).toBe(200);
    await browser.go('POST', '/auth/logout');
    expect((await me(at.base, tokens.access_token)).status).toBe(401);
    expect(await refusalOf(oidc.refreshTokenGrant(config, tokens.refresh_token ?? ''))).toBe('invalid_grant');
  });
});

describe('introspection', () => {
  test('tells a tool of its own tokens, and no other’s', async () => {
    const { config, tokens } = await signIn(at);
    expect(await oidc.tokenIntrospection(config, tokens.access_token)).toMatchObject({
      active: true,
      client_id: 'page',
      sub: tokens.claims()?.sub,
    });
    const auth = oidc.ClientSecretBasic(secret);
    const { tokens: ofServer } = await signIn(at, { tool: 'server', auth });
    expect(await oidc.tokenIntrospection(config, ofServer.access_token)).toEqual({ active: false });
  });

  test('tells whoever was granted tokens:introspect of all, and that an ended one is not active', async () => {
    const watcher = await at.client('watcher', oidc.PrivateKeyJwt(at.service.privateKey));
    const { config, tokens } = await signIn(at);
    expect(await oidc.tokenIntrospection(watcher, tokens.access_token)).toMatchObject({ active: true });
    await oidc.tokenRevocation(config, tokens.refresh_token ?? '');
    expect(await oidc.tokenIntrospection(watcher, tokens.access_token)).toEqual({ active: false });
    const { access_token } = await serviceToken(at);
    expect(await oidc.tokenIntrospection(watcher, access_token)).toMatchObject({ client_id: 'nightly' });
  });
});

describe('the log', () => {
  test('says of each token who got it through which tool, and how far it reaches', async () => {
    const { tokens } = await signIn(at, { scope: 'openid accounts:read' });
    const last = (await recorded(at, 'TokenIssued')).at(-1);
    expect(last?.data).toEqual({
      grant: 'authorization_code',
      scope: ['accounts:read'],
      refreshable: true,
    });
    expect(last?.metadata).toMatchObject({
      actor: { id: tokens.claims()?.sub, kind: 'person' },
      tool: 'page',
      sessionId: expect.stringMatching(/^grant:[0-9a-f]{32}$/),
    });
  });

  test('says of a refusal why, and that a second use ended a grant', async () => {
    const signedIn = await signIn(at);
    await oidc.refreshTokenGrant(signedIn.config, signedIn.tokens.refresh_token ?? '');
    await refusalOf(oidc.refreshTokenGrant(signedIn.config, signedIn.tokens.refresh_token ?? ''));
    const told = async () => (await recorded(at, 'TokenRefused')).map(({ data }) => data.why);
    while (!(await told()).includes('refresh token already used')) await new Promise(setImmediate);
    const revoked = await recorded(at, 'TokenRevoked');
    expect(revoked.map(({ data }) => data)).toContainEqual({ by: 'second-use', what: 'Grant' });
  });

  test('and no table hold a token, a code, a secret or an address of a person in the clear', async () => {
    const { tokens } = await signIn(at);
    const tables = ['oidc_records', 'oidc_signing_keys', 'sessions', 'people', 'events'];
    const rows = await Promise.all(
      tables.map((table) => at.db.owner.query(`SELECT t::text FROM ${table} t`)),
    );
    const everything = JSON.stringify(rows.map((result) => result.rows));
    expect(everything).toContain('authorization_code');
    const secrets = [tokens.access_token, tokens.refresh_token ?? '', secret, 'ops@dev.test', '"d":'];
    for (const one of secrets) expect(everything).not.toContain(one);
    expect(everything).not.toMatch(/qd[ar]_[A-Za-z0-9_-]{43}/);
  });
});
