/**
 * Commands that want a fresh sign-in, asked for with tokens: what the tool is told, and that what it then does
 * (an authorization request, or a device flow, with `max_age`) gives a token that satisfies.
 */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SignJWT } from 'jose';
import * as oidc from 'openid-client';
import { areas } from '../../../src/domain/index.ts';
import { createPool, createQuarterdeck, type Quarterdeck } from '../../../src/index.ts';
import { ask } from '../../contract/running.ts';
import { type TestDatabase, testDatabase } from '../../setup/database.ts';
import { Browser, formIn, type Step } from '../browser.ts';
import { callback, followTo, newPair, signIn } from './installation.ts';

const strictAreas = areas.map((area) => ({
  ...area,
  commands: area.commands.map((command) =>
    command.name === 'suspend-account' ? { ...command, needs: { freshSignInMinutes: 5 } } : command,
  ),
}));

let db: TestDatabase;
let pool: ReturnType<typeof createPool>;
let dataDir: string;
let server: Server;
let quarterdeck: Quarterdeck;
let base: string;
let keys: Awaited<ReturnType<typeof newPair>>;

beforeAll(async () => {
  db = await testDatabase();
  dataDir = await mkdtemp(join(tmpdir(), 'quarterdeck-step-up-'));
  pool = createPool({ url: db.applicationUrl, onError: () => undefined });
  server = createServer((request, response) => quarterdeck.app(request, response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  keys = await newPair();
  const issuer = (id: string, more: string) => `  ${id}:
    issuer: https://${id}.test/
    audience: quarterdeck
    keys: [${JSON.stringify(keys.publicJwk)}]
    tools: [robot]
    provider: development
${more}`;
  const policy = `
roles: { ops: { permissions: ['accounts:*'] } }
providers: { development: { groups: { ops: ops } } }
tools:
  console: { scope: ['*'] }
  page: { kind: web, redirectUris: [${callback}], scope: ['accounts:*'] }
  cli: { kind: device, scope: ['accounts:*'] }
  robot: { kind: service, keys: [${JSON.stringify(keys.publicJwk)}], scope: ['accounts:*'] }
tokenIssuers:
${issuer('knowing', '    trustAuthTime: true\n')}${issuer('plain', '')}`;
  quarterdeck = await createQuarterdeck({ areas: strictAreas, policy, pool, dataDir, publicUrl: base });
  await quarterdeck.start();
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await quarterdeck.stop();
  await pool.end();
  await db.drop();
  await rm(dataDir, { recursive: true, force: true });
});

const client = (id: string, auth?: oidc.ClientAuth) =>
  oidc.discovery(new URL(`${base}/auth/oidc`), id, undefined, auth ?? oidc.None(), {
    execute: [oidc.allowInsecureRequests],
  });

/** The account is not there, so whoever is let through is told that. */
const suspend = (token: string) =>
  ask(base, undefined, {
    path: '/internal/v1/commands/suspend-account',
    body: { accountId: 'none', reason: 'x' },
    headers: { authorization: `Bearer ${token}` },
  });

const codeOf = async (token: string) => (await suspend(token)).body.code;

/** As if everybody had signed in an hour earlier. */
const anHourPasses = async (): Promise<void> => {
  await db.owner.query(`UPDATE sessions SET authenticated_at = authenticated_at - interval '1 hour'`);
  await db.owner.query(`UPDATE oidc_records SET authenticated_at = authenticated_at - interval '1 hour'`);
  await db.owner.query(`SELECT pg_notify('quarterdeck_sessions', '*')`);
  quarterdeck.engine.access.sessions.forgetAll();
};

/** What the tool adds to its request, by what it was told. */
const told = (problem: Record<string, unknown>) =>
  problem.reauthorize as {
    authorizationEndpoint: string;
    deviceAuthorizationEndpoint: string;
    parameters: Record<string, string>;
  };

describe('a web tool', () => {
  test('is let through while the sign-in is fresh, and is told where to go once it is not', async () => {
    const { tokens } = await signIn({ base, client });
    expect(await codeOf(tokens.access_token)).toBe('not_found');
    await anHourPasses();
    const { status, body, headers } = await suspend(tokens.access_token);
    expect([status, body.code, body.maxAgeSeconds]).toEqual([401, 'reauthentication_required', 300]);
    expect(body.signIn).toBeUndefined();
    expect(told(body)).toEqual({
      authorizationEndpoint: '/auth/oidc/auth',
      deviceAuthorizationEndpoint: '/auth/oidc/device/auth',
      parameters: { max_age: '300' },
    });
    expect(headers.get('www-authenticate')).toBe(
      'Bearer error="insufficient_user_authentication", max_age="300"',
    );
  });

  test('is not helped by refreshing, but by the request that it is told to make, and by refreshing after that', async () => {
    const first = await signIn({ base, client });
    await anHourPasses();
    const refreshed = await oidc.refreshTokenGrant(first.config, first.tokens.refresh_token ?? '');
    const refused = await suspend(refreshed.access_token);
    expect(refused.body.code).toBe('reauthentication_required');
    const { parameters } = told(refused.body);
    const second = await signIn({ base, client }, { browser: first.browser, parameters });
    expect(await codeOf(second.tokens.access_token)).toBe('not_found');
    expect(Number(second.tokens.claims()?.auth_time)).toBeGreaterThan(Date.now() / 1_000 - 300);
    const again = await oidc.refreshTokenGrant(second.config, second.tokens.refresh_token ?? '');
    expect(await codeOf(again.access_token)).toBe('not_found');
  });

  test('sends nobody to the provider whose sign-in is young enough for max_age', async () => {
    const { browser, config } = await signIn({ base, client });
    const address = oidc.buildAuthorizationUrl(config, {
      redirect_uri: callback,
      scope: 'openid',
      max_age: '300',
      code_challenge: await oidc.calculatePKCECodeChallenge('v'.repeat(43)),
      code_challenge_method: 'S256',
    });
    const back = await followTo(browser, address.href, callback);
    expect(back.headers.get('location')).toContain('code=');
    await anHourPasses();
    const choice = await followTo(browser, address.href, callback);
    expect([choice.status, choice.text.includes('name="user"')]).toEqual([200, true]);
  });
});

const submit = (browser: Browser, page: Step, fields: Record<string, string>) => {
  const form = formIn(page.text);
  for (const [name, value] of Object.entries(fields)) form.fields.set(name, value);
  return browser.go('POST', new URL(form.action, page.url).href, form.fields);
};

/** Lets a device in; signs in at the provider where the person is led there. */
const device = async (browser: Browser, parameters: Record<string, string> = {}): Promise<string> => {
  const config = await client('cli');
  const asked = await oidc.initiateDeviceAuthorization(config, { scope: 'openid', ...parameters });
  const typed = await submit(browser, await browser.get('/auth/oidc/device'), { user_code: asked.user_code });
  const confirmed = await submit(browser, typed, { confirm: 'yes' });
  const onward = (step: Step) => {
    const location = step.headers.get('location');
    return location === null ? step : followTo(browser, new URL(location, base).href, 'never');
  };
  let page = await onward(confirmed);
  if (page.text.includes('name="user"')) {
    const answer = await submit(browser, page, { user: 'ops@dev.test' });
    page = await onward(await browser.submit(formIn(answer.text)));
  }
  expect(page.text).toContain('The device is signed in');
  const tokens = await oidc.pollDeviceAuthorizationGrant(config, { ...asked, interval: 0.1 });
  return tokens.access_token;
};

describe('a device, whose token outlives its session', () => {
  test('counts as fresh while the sign-in in which it was confirmed is', async () => {
    const browser = new Browser(base);
    await browser.signIn('ops@dev.test');
    const token = await device(browser);
    await browser.go('POST', '/auth/logout');
    expect(await codeOf(token)).toBe('not_found');
  });

  test('begins anew with what it is told, and that leads the person to the provider', async () => {
    const browser = new Browser(base);
    await browser.signIn('ops@dev.test');
    const token = await device(browser);
    await anHourPasses();
    const refused = await suspend(token);
    expect(refused.body.code).toBe('reauthentication_required');
    expect(await codeOf(await device(browser))).toBe('reauthentication_required');
    expect(await codeOf(await device(browser, told(refused.body).parameters))).toBe('not_found');
  });
});

describe('who has no sign-in here', () => {
  const robot = () => client('robot', oidc.PrivateKeyJwt(keys.privateKey));

  test('a service is told that it is for people', async () => {
    const { access_token } = await oidc.clientCredentialsGrant(await robot());
    const { status, body } = await suspend(access_token);
    expect([status, body.code, body.reauthorize, body.signIn]).toEqual([
      401,
      'reauthentication_required',
      undefined,
      undefined,
    ]);
    expect(body.detail).toContain('it is for a person to do');
  });

  const exchanged = async (issuer: string, secondsAgo: number): Promise<string> => {
    await new Browser(base).signIn('ops@dev.test');
    const now = Math.floor(Date.now() / 1_000);
    const brought = await new SignJWT({ auth_time: now - secondsAgo })
      .setProtectedHeader({ alg: 'ES256', kid: 'first' })
      .setIssuer(`https://${issuer}.test/`)
      .setAudience('quarterdeck')
      .setSubject('development-ops')
      .setIssuedAt()
      .setExpirationTime('5m')
      .sign(keys.privateKey);
    const answer = await oidc.genericGrantRequest(
      await robot(),
      'urn:ietf:params:oauth:grant-type:token-exchange',
      { subject_token: brought, subject_token_type: 'urn:ietf:params:oauth:token-type:jwt' },
    );
    return answer.access_token;
  };

  test('an exchanged token is as fresh as its issuer says, where the policy trusts it with that', async () => {
    expect(await codeOf(await exchanged('knowing', 60))).toBe('not_found');
    expect(await codeOf(await exchanged('knowing', 3_600))).toBe('reauthentication_required');
    expect(await codeOf(await exchanged('plain', 60))).toBe('reauthentication_required');
  });
});
