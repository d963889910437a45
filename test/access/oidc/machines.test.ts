/** Service accounts: client credentials with a key of their own, and tokens of a trusted issuer exchanged for ours. */
import { randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import * as oidc from 'openid-client';
import { ask } from '../../contract/running.ts';
import {
  type Installation,
  install,
  me,
  newPair,
  type Pair,
  recorded,
  secret,
  serviceToken,
  signIn,
} from './installation.ts';

let at: Installation;
beforeAll(async () => {
  at = await install();
});
afterAll(() => at.stop());

const tokenRequest = (fields: Record<string, string>) =>
  fetch(`${at.issuer}/token`, { method: 'POST', body: new URLSearchParams(fields) }).then(async (answer) => ({
    status: answer.status,
    body: (await answer.json()) as Record<string, unknown>,
  }));

interface Assertion {
  readonly pair?: Pair;
  readonly sub?: string;
  readonly aud?: string;
  readonly life?: string;
  readonly jti?: string;
}

const assertionOf = ({ pair = at.service, sub = 'nightly', aud, life = '1m', jti }: Assertion = {}) =>
  new SignJWT({})
    .setProtectedHeader({ alg: 'ES256', kid: 'first' })
    .setIssuer(sub)
    .setSubject(sub)
    .setAudience(aud ?? at.issuer)
    .setJti(jti ?? randomUUID())
    .setIssuedAt()
    .setExpirationTime(life)
    .sign(pair.privateKey);

const withAssertion = async (assertion: Assertion = {}) =>
  tokenRequest({
    grant_type: 'client_credentials',
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: await assertionOf(assertion),
  });

describe('a service', () => {
  test.each(['nightly', 'server', 'page'])(
    'whose name %s somebody only wrote is not said to have asked',
    async (name) => {
      const before = (await recorded(at, 'TokenRefused')).length;
      const answer = await fetch(`${at.issuer}/token`, {
        method: 'POST',
        body: new URLSearchParams({ grant_type: 'client_credentials', client_id: name }),
      });
      expect(answer.ok).toBe(false);
      let refused = await recorded(at, 'TokenRefused');
      while (refused.length === before) refused = await recorded(at, 'TokenRefused');
      expect(refused.at(-1)?.metadata).toMatchObject({ actor: { id: 'anonymous' }, tool: 'none' });
    },
  );

  test('signs in with its key and is itself, with its tool’s grants', async () => {
    const { access_token: token, refresh_token: none } = await serviceToken(at);
    const { body } = await me(at.base, token);
    expect([none, body]).toEqual([
      undefined,
      {
        principal: { id: 'service:nightly', kind: 'service' },
        roles: [],
        permissions: ['accounts:*', 'bulk:*'],
        tool: 'nightly',
        attributes: {},
      },
    ]);
  });

  test('never becomes a person by what a header says', async () => {
    const { access_token: token } = await serviceToken(at);
    const { tokens } = await signIn(at, { who: 'admin' });
    const person = String(tokens.claims()?.sub);
    const named = [
      'X-On-Behalf-Of',
      'X-User',
      'X-Forwarded-User',
      'Quarterdeck-Actor',
      'X-Remote-User',
      'From',
    ];
    const { body } = await me(at.base, token, Object.fromEntries(named.map((name) => [name, person])));
    expect((body.principal as { id: string }).id).toBe('service:nightly');
  });

  test('acts under its own name in the log', async () => {
    const { access_token: token } = await serviceToken(at);
    const answer = await ask(at.base, undefined, {
      path: '/internal/v1/commands/open-account',
      body: {
        accountId: 'by-a-service',
        plan: 'DSL',
        contract: 'one-year',
        tenureMonths: 1,
        monthlyCharges: '10.00',
        totalCharges: '10.00',
      },
      headers: { authorization: `Bearer ${token}` },
    });
    expect(answer.status).toBe(200);
    const { rows } = await at.db.owner.query<{ metadata: Record<string, unknown> }>(
      "SELECT metadata::jsonb AS metadata FROM events WHERE stream = 'account-by-a-service'",
    );
    expect(rows[0]?.metadata).toMatchObject({
      actor: { id: 'service:nightly', kind: 'service' },
      tool: 'nightly',
    });
  });

  test('runs bulk work to its end', async () => {
    const { access_token: token } = await serviceToken(at);
    const headers = { authorization: `Bearer ${token}` };
    const body = {
      command: 'set-account-flag',
      input: { flag: 'seen', value: true },
      targets: ['by-a-service'],
    };
    const accepted = await ask(at.base, undefined, { path: '/internal/v1/bulk-jobs', body, headers });
    expect(accepted.status).toBe(202);
    const job = async () =>
      (await ask(at.base, undefined, { path: `/internal/v1/bulk-jobs/${accepted.body.id}`, headers })).body;
    while (!String((await job()).state).startsWith('completed')) await new Promise(setImmediate);
    expect(await job()).toMatchObject({ state: 'completed', succeeded: 1 });
  });

  test('asks for less and gets less', async () => {
    const { access_token: token } = await serviceToken(at, 'nightly', 'accounts:read');
    expect((await me(at.base, token)).body.permissions).toEqual(['accounts:read']);
    await expect(serviceToken(at, 'nightly', 'billing:refund')).rejects.toMatchObject({
      error: 'invalid_scope',
    });
  });

  test('proves itself anew each time: an assertion counts once, also when it comes twice at once', async () => {
    const jti = randomUUID();
    const answers = await Promise.all([1, 2, 3, 4].map(() => withAssertion({ jti })));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect((await withAssertion({ jti })).body.error).toBe('invalid_client');
  });

  test.each<[string, () => Promise<Assertion> | Assertion]>([
    ['signed with another key', async () => ({ pair: await newPair() })],
    ['of another audience', () => ({ aud: 'https://other.test' })],
    ['that has expired', () => ({ life: '-1m' })],
    ['that is valid for an hour', () => ({ life: '1h' })],
    ['of a tool that is no service', () => ({ sub: 'page' })],
    ['of a tool that nobody knows', () => ({ sub: 'nobody' })],
  ])('is refused with an assertion %s', async (_, wanted) => {
    const { status, body } = await withAssertion(await wanted());
    expect([status, body.error]).toEqual([401, 'invalid_client']);
  });

  test('a web tool gets no token for itself', async () => {
    const config = await at.client('server', oidc.ClientSecretBasic(secret));
    await expect(oidc.clientCredentialsGrant(config, {})).rejects.toMatchObject({
      error: 'invalid_request',
    });
  });
});

interface Claims {
  readonly iss?: string;
  readonly aud?: string;
  readonly upn?: string;
  readonly life?: string;
  readonly pair?: Pair;
  readonly typ?: string;
  /** How long ago it was issued, in seconds. */
  readonly ago?: number;
}

const foreignToken = ({
  iss,
  aud,
  upn = 'development-ops',
  life = '5m',
  pair = at.foreign,
  typ,
  ago = 120,
}: Claims = {}) =>
  new SignJWT({ upn, sub: 'somebody-else' })
    .setProtectedHeader({ alg: 'ES256', kid: 'first', ...(typ === undefined ? {} : { typ }) })
    .setIssuer(iss ?? 'https://login.partner.test/')
    .setAudience(aud ?? 'quarterdeck')
    .setIssuedAt(Math.floor(Date.now() / 1_000) - ago)
    .setExpirationTime(life)
    .sign(pair.privateKey);

const exchange = async (token: string, tool: 'server' | 'nightly' | 'watcher' = 'nightly') => {
  const auth = tool === 'server' ? oidc.ClientSecretBasic(secret) : oidc.PrivateKeyJwt(at.service.privateKey);
  return oidc.genericGrantRequest(
    await at.client(tool, auth),
    'urn:ietf:params:oauth:grant-type:token-exchange',
    { subject_token: token, subject_token_type: 'urn:ietf:params:oauth:token-type:jwt' },
  );
};

describe('exchanging a trusted issuer’s token', () => {
  beforeAll(async () => {
    await signIn(at, { who: 'ops' });
  });

  test('gives one that acts as the person through the tool, and is recorded', async () => {
    const tokens = await exchange(await foreignToken());
    expect(tokens.issued_token_type).toBe('urn:ietf:params:oauth:token-type:access_token');
    const { body } = await me(at.base, tokens.access_token);
    expect(body).toMatchObject({
      principal: { kind: 'person', email: 'ops@dev.test' },
      roles: ['ops'],
      permissions: ['accounts:*', 'bulk:*'],
      tool: 'nightly',
    });
    const last = (await recorded(at, 'TokenIssued')).at(-1);
    expect(last).toMatchObject({
      data: { grant: 'token-exchange', issuer: 'partner', refreshable: false },
      metadata: { tool: 'nightly', actor: { id: (body.principal as { id: string }).id } },
    });
    expect((await exchange(await foreignToken(), 'server')).access_token).toMatch(/^qda_/);
  });

  test.each(['JWT', 'at+jwt', 'application/at+jwt', 'AT+JWT'])('takes one whose type is %s', async (typ) => {
    expect((await exchange(await foreignToken({ typ }))).access_token).toMatch(/^qda_/);
  });

  test('gives one that ends no later than the one it was given for', async () => {
    const { expires_in: seconds } = await exchange(await foreignToken({ life: '1m' }));
    expect(seconds).toBeLessThanOrEqual(60);
  });

  test.each<[string, () => Promise<Claims> | Claims]>([
    ['signed by somebody else', async () => ({ pair: await newPair() })],
    ['of an issuer that is not trusted', () => ({ iss: 'https://evil.test/' })],
    ['for another audience', () => ({ aud: 'something-else' })],
    ['that has expired', () => ({ life: '-1m' })],
    ['that was issued in an hour', () => ({ ago: -3_600, life: '2h' })],
    ['that is a message of logout', () => ({ typ: 'logout+jwt' })],
    ['that proves a key', () => ({ typ: 'dpop+jwt' })],
    ['of somebody who never signed in here', () => ({ upn: 'development-nobody' })],
  ])('is refused with one %s', async (_, claims) => {
    await expect(exchange(await foreignToken(await claims()))).rejects.toMatchObject({
      error: 'invalid_grant',
    });
  });

  test('is refused with one that nobody signed, or that is signed with a shared secret', async () => {
    const [, payload] = (await foreignToken()).split('.');
    const none = Buffer.from('{"alg":"none"}').toString('base64url');
    const hmac = await new SignJWT({ upn: 'development-ops' })
      .setProtectedHeader({ alg: 'HS256' })
      .setIssuer('https://login.partner.test/')
      .setAudience('quarterdeck')
      .setIssuedAt()
      .setExpirationTime('5m')
      .sign(new TextEncoder().encode(JSON.stringify(at.foreign.publicJwk)));
    for (const token of [`${none}.${payload}.`, hmac]) {
      await expect(exchange(token)).rejects.toMatchObject({ error: 'invalid_grant' });
    }
  });

  test('is refused to a tool that the policy does not name for it, and the refusal says why in the log', async () => {
    await expect(exchange(await foreignToken(), 'watcher')).rejects.toMatchObject({
      error: 'invalid_request',
    });
    const refused = await recorded(at, 'TokenRefused');
    expect(refused.map(({ data }) => data)).toContainEqual({
      grant: 'token-exchange',
      error: 'invalid_grant',
      why: 'the token was refused: unexpected "aud" claim value',
    });
  });
});
