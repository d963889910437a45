/**
 * Token exchange with an issuer that publishes its keys at an address: a server of the test's own, which changes its
 * keys, publishes nonsense, and goes away.
 */
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { until } from '../../setup/until.ts';
import { type Installation, install, me, recorded, secret, signIn } from './installation.ts';

let at: Installation;
let server: Server;
let port: number;
let asked = 0;
let answer: (response: ServerResponse) => void;

beforeAll(async () => {
  at = await install();
  server = createServer((_request, response) => {
    asked++;
    answer(response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  ({ port } = server.address() as AddressInfo);
  await signIn(at, { who: 'ops' });
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await at.stop();
});

/** An address of its own for each test, because a set of keys is remembered by its address. */
const publishedAt = async (name: string): Promise<void> => {
  const uri = `http://127.0.0.1:${port}/${name}`;
  await at.applyPolicy((policy) =>
    policy.replace(/(issuer: https:.*\n.*\n) {4}keys: .*\n/, `$1    jwksUri: ${uri}\n`),
  );
  asked = 0;
};

const newKey = async (kid: string) => {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  return { kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: 'ES256' } };
};
type Key = Awaited<ReturnType<typeof newKey>>;

const publish = (...keys: readonly Key[]): void => {
  answer = (response) =>
    response
      .setHeader('content-type', 'application/json')
      .end(JSON.stringify({ keys: keys.map(({ jwk }) => jwk) }));
};

const exchange = async ({ kid, privateKey }: Key) => {
  const token = await new SignJWT({ upn: 'development-ops' })
    .setProtectedHeader({ alg: 'ES256', kid })
    .setIssuer('https://login.partner.test/')
    .setAudience('quarterdeck')
    .setIssuedAt()
    .setExpirationTime('5m')
    .sign(privateKey);
  const response = await fetch(`${at.issuer}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`server:${secret}`).toString('base64')}` },
    body: new URLSearchParams({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: token,
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    }),
  });
  return { status: response.status, ...((await response.json()) as Record<string, string>) } as Answer;
};

interface Answer {
  readonly status: number;
  readonly access_token?: string;
  readonly error?: string;
  readonly error_description?: string;
}

const ofOps = async (exchanged: Promise<Answer>) =>
  ((await me(at.base, (await exchanged).access_token ?? '')).body.principal as { email: string }).email;

test('keys that are published at an address are fetched once and used again', async () => {
  await publishedAt('once');
  const key = await newKey('a');
  publish(key);
  expect([await ofOps(exchange(key)), await ofOps(exchange(key))]).toEqual(['ops@dev.test', 'ops@dev.test']);
  expect(asked).toBe(1);
});

test('an issuer that changes its key is asked again for the one that is not known, and the old one goes', async () => {
  await publishedAt('rotating');
  const [first, second] = [await newKey('first'), await newKey('second')];
  publish(first);
  expect(await ofOps(exchange(first))).toBe('ops@dev.test');
  publish(second);
  // Not asked again within ten seconds of the last time.
  expect(await exchange(second)).toMatchObject({ status: 400, error: 'invalid_grant' });
  await until(async () => (await exchange(second)).status === 200);
  expect(asked).toBe(2);
  expect(await exchange(first)).toMatchObject({ error: 'invalid_grant' });
});

test('a flood of unknown keys asks the issuer no more often than every ten seconds', async () => {
  await publishedAt('flood');
  const key = await newKey('known');
  publish(key);
  await exchange(key);
  for (let n = 0; n < 5; n++)
    expect(await exchange(await newKey(`unknown-${n}`))).toMatchObject({ error: 'invalid_grant' });
  expect(asked).toBeLessThanOrEqual(2);
});

test.each<[string, (response: ServerResponse) => void]>([
  ['fails', (response) => response.writeHead(500).end()],
  ['breaks off', (response) => response.destroy()],
  ['answers no keys', (response) => response.end('<html>')],
  ['leads elsewhere', (response) => response.writeHead(302, { location: 'https://evil.test/keys' }).end()],
])(
  'an address that %s is told as what it is: ours cannot check, and it is no fault of the token',
  async (name, bad) => {
    await publishedAt(name.replaceAll(' ', '-'));
    answer = bad;
    const key = await newKey('a');
    const told = await exchange(key);
    expect([told.status, told.error]).toEqual([503, 'temporarily_unavailable']);
    expect(told.error_description).toContain('the keys of the issuer "partner" cannot be read');
    const why = (await recorded(at, 'TokenRefused')).at(-1)?.data;
    expect(why).toMatchObject({ grant: 'token-exchange', error: 'temporarily_unavailable' });
    publish(key);
    expect(await ofOps(exchange(key))).toBe('ops@dev.test');
  },
);
