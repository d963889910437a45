/** The keys of ID tokens: kept, shared by all processes, renewed in time, replaced at once when asked. */
import { randomBytes } from 'node:crypto';
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import { createSigningKeys } from '../../../src/access/oidc/signing-keys.ts';
import { createCodec } from '../../../src/events/codec.ts';
import { createKeyRing } from '../../../src/events/keys.ts';
import { type TestDatabase, testDatabase } from '../../setup/database.ts';
import { type Installation, install, signIn } from './installation.ts';

const day = 24 * 60 * 60_000;

describe('over time', () => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await testDatabase();
  });
  afterAll(() => db.drop());

  const masterKey = randomBytes(32);
  const at = (time: Date) =>
    createSigningKeys({
      pool: db.app,
      codec: createCodec(createKeyRing(db.app, masterKey)),
      clock: () => time,
    });
  const start = Date.parse('2030-01-01T00:00:00Z');
  const kids = async (days: number) =>
    (await at(new Date(start + days * day)).current()).map(({ kid }) => String(kid));

  test('many processes that start at once make one key', async () => {
    const all = await Promise.all(Array.from({ length: 5 }, () => kids(0)));
    expect(new Set(all.flat()).size).toBe(1);
    expect(all.every((found) => found.length === 1)).toBe(true);
  });

  test('a successor is published a day before it signs, and the old key a day after it did', async () => {
    const [old] = await kids(0);
    expect(await kids(88)).toEqual([old]);
    const [stillOld, next] = await kids(89.5);
    expect([stillOld, next === undefined, next === old]).toEqual([old, false, false]);
    expect(await kids(90)).toEqual([next, old]);
    expect(await kids(91.5)).toEqual([next]);
  });

  test('another master key opens none of them', async () => {
    const codec = createCodec(createKeyRing(db.app, randomBytes(32)));
    const time = new Date(start + 92 * day);
    await expect(createSigningKeys({ pool: db.app, codec, clock: () => time }).current()).rejects.toThrow();
  });
});

describe('in a running installation', () => {
  let first: Installation;
  let second: Installation;
  beforeAll(async () => {
    first = await install();
    second = await install(first);
  });
  afterAll(async () => {
    await second.stop();
    await first.stop();
  });

  const published = async ({ issuer }: Installation): Promise<readonly Record<string, string>[]> =>
    ((await (await fetch(`${issuer}/jwks`)).json()) as { keys: Record<string, string>[] }).keys;

  test('every process publishes the same key, and of it the public half alone', async () => {
    const [key, ...more] = await published(first);
    expect([await published(second), more]).toEqual([[key], []]);
    expect(Object.keys(key ?? {}).sort()).toEqual(['alg', 'e', 'kid', 'kty', 'n', 'use']);
  });

  test('after a rotation new ID tokens carry the new key, and old ones can still be checked', async () => {
    const [before] = await published(first);
    const old = String((await signIn(first)).tokens.id_token);
    const said = await first.run(['tools', 'rotate-key']);
    for (const one of [first, second]) {
      while ((await published(one)).length < 2) await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const fresh = String((await signIn(first)).tokens.id_token);
    const { kid } = decodeProtectedHeader(fresh);
    expect(said).toContain(kid);
    expect(kid).not.toBe(before?.kid);
    const keys = createRemoteJWKSet(new URL(`${second.issuer}/jwks`));
    for (const token of [old, fresh]) {
      expect((await jwtVerify(token, keys, { issuer: first.issuer })).payload.aud).toBe('page');
    }
  });
});
