/** Sessions over two processes that share one database. */
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import pg from 'pg';
import type { Identity } from '../../src/access/people.ts';
import { createSessions, defaultSessionLimits } from '../../src/access/sessions.ts';
import { createPool } from '../../src/db/pool.ts';
import { createCodec } from '../../src/events/codec.ts';
import { createKeyRing } from '../../src/events/keys.ts';
import { type TestDatabase, testDatabase } from '../setup/database.ts';
import { until } from '../setup/until.ts';
import { dropKeys, type Keys, newKeys, type Part, samplePolicy, startPart } from './serving.ts';

const hour = 60 * 60_000;

let db: TestDatabase;
let keys: Keys;
let one: Part;
let two: Part;

beforeAll(async () => {
  db = await testDatabase();
  keys = await newKeys();
  // A cache that would keep what it knows for the whole test: only notifications can empty it.
  [one, two] = await Promise.all([
    startPart(db, keys, { sessionLimits: { cacheMs: 3_600_000 } }),
    startPart(db, keys, { sessionLimits: { cacheMs: 3_600_000 } }),
  ]);
  await one.access.applyPolicy(samplePolicy, 'p.yaml');
  await until(() => two.access.policy.current().version === 1);
});
afterAll(async () => {
  await Promise.all([one.stop(), two.stop()]);
  await dropKeys(keys);
  await db.drop();
});
beforeEach(() => {
  one.clock.now = new Date();
  two.clock.now = new Date();
});

let count = 0;

const someone = async (groups: readonly string[] = ['support']): Promise<Identity> => {
  count++;
  const identity = {
    provider: 'development',
    entityId: 'urn:test',
    nameId: `person-${count}`,
    email: `p${count}@x.test`,
    name: `P ${count}`,
    groups,
  };
  await one.access.people.signedIn(db.app, await one.access.people.seal(identity));
  return identity;
};

const idOf = ({ entityId, nameId }: Identity) => one.access.people.idOf(entityId, nameId);

const begin = (identity: Identity, more: { sessionIndex?: string; notAfter?: Date } = {}) =>
  one.access.sessions.begin(db.app, { personId: idOf(identity), tool: 'console', ...more });

const lives = async (part: Part, token: string) =>
  (await part.access.sessions.authenticate(token)) !== undefined;

describe('a session', () => {
  test('is known by every process, with the person behind it', async () => {
    const identity = await someone();
    const { token, id } = await begin(identity);
    for (const part of [one, two]) {
      expect(await part.access.sessions.authenticate(token)).toMatchObject({
        id,
        personId: idOf(identity),
        email: identity.email,
        name: identity.name,
        groups: ['support'],
      });
    }
  });

  test('has a token of 256 random bits, of which only the hash is stored', async () => {
    const { token } = await begin(await someone());
    expect(Buffer.from(token, 'base64url')).toHaveLength(32);
    const hash = createHash('sha256').update(token).digest();
    const { rows } = await db.owner.query('SELECT token_hash FROM sessions WHERE token_hash = $1', [hash]);
    expect(rows).toHaveLength(1);
  });

  test('ends when it was not used for eight hours', async () => {
    const { token } = await begin(await someone());
    const hash = createHash('sha256').update(token).digest();
    // The use is written beside the answer, so that it is waited for before time goes on.
    const usedNow = () =>
      until(async () => {
        const use = 'SELECT FROM sessions WHERE token_hash = $1 AND last_used_at = $2';
        return (await db.owner.query(use, [hash, one.clock.now])).rowCount === 1;
      });
    const start = one.clock.now.getTime();
    one.clock.now = new Date(start + 8 * hour - 1);
    expect(await lives(one, token)).toBe(true);
    await usedNow();
    one.clock.now = new Date(start + 16 * hour - 2);
    expect(await lives(one, token)).toBe(true);
    await usedNow();
    one.clock.now = new Date(start + 24 * hour - 3 + 1);
    expect(await lives(one, token)).toBe(false);
  });

  test('ends after a day however much it is used', async () => {
    const { token, expiresAt } = await begin(await someone());
    const start = one.clock.now.getTime();
    expect(expiresAt.getTime()).toBe(start + 24 * hour);
    for (let h = 1; h < 24; h++) {
      one.clock.now = new Date(start + h * hour);
      expect(await lives(one, token)).toBe(true);
    }
    one.clock.now = new Date(start + 24 * hour);
    expect(await lives(one, token)).toBe(false);
  });

  test('ends no later than the provider wants', async () => {
    const notAfter = new Date(one.clock.now.getTime() + hour);
    const { token } = await begin(await someone(), { notAfter });
    one.clock.now = notAfter;
    expect(await lives(one, token)).toBe(false);
  });

  test('is found by nothing but its token', async () => {
    const { token, id } = await begin(await someone());
    const hash = createHash('sha256').update(token).digest();
    for (const guess of [
      '',
      id,
      hash.toString('base64url'),
      `${token}x`,
      token.slice(0, -1),
      'x'.repeat(43),
    ]) {
      expect(await lives(one, guess)).toBe(false);
    }
  });

  test('that cannot be looked up is no reason to sign in again', async () => {
    const pool = createPool({ url: 'postgres://nobody@127.0.0.1:1/nothing', onError: () => undefined });
    const deps = { pool, people: one.access.people, limits: defaultSessionLimits, heard: () => true };
    const sources = { clock: () => new Date(), newId: randomUUID, onError: () => undefined };
    const codec = createCodec(createKeyRing(pool, randomBytes(32)));
    const sessions = createSessions({ ...deps, ...sources, codec });
    await expect(sessions.authenticate('a'.repeat(43))).rejects.toMatchObject({ code: 'unavailable' });
    await pool.end();
  });

  test('writes its last use at most once a minute', async () => {
    const { token, id } = await begin(await someone());
    const lastUse = async () =>
      (await db.owner.query('SELECT last_used_at FROM sessions WHERE id = $1', [id])).rows[0].last_used_at;
    const start = one.clock.now.getTime();
    const first = await lastUse();
    one.clock.now = new Date(start + 59_000);
    await lives(one, token);
    expect(await lastUse()).toEqual(first);
    one.clock.now = new Date(start + 60_000);
    await lives(one, token);
    await until(async () => String(await lastUse()) !== String(first));
  });

  test('is swept away once it has ended, and not before', async () => {
    const identity = await someone();
    const alive = await begin(identity);
    const over = await begin(identity, { notAfter: new Date(one.clock.now.getTime() - 1) });
    await one.access.sessions.sweep();
    const { rows } = await db.owner.query('SELECT id FROM sessions WHERE id = ANY ($1)', [
      [alive.id, over.id],
    ]);
    expect(rows).toEqual([{ id: alive.id }]);
  });
});

describe('revoking', () => {
  const knownToBoth = async (identity: Identity, more = {}) => {
    const { token } = await begin(identity, more);
    expect([await lives(one, token), await lives(two, token)]).toEqual([true, true]);
    return token;
  };

  test('takes effect at once here and by notification in another process', async () => {
    const token = await knownToBoth(await someone());
    await one.access.sessions.revoke(token);
    expect(await lives(one, token)).toBe(false);
    await until(async () => !(await lives(two, token)));
  });

  test('of a person ends all their sessions and nobody else’s', async () => {
    const [identity, other] = [await someone(), await someone()];
    const tokens = [await knownToBoth(identity), await knownToBoth(identity)];
    const untouched = await knownToBoth(other);
    expect(await one.access.sessions.revokeOf(idOf(identity))).toHaveLength(2);
    await until(async () => !(await lives(two, tokens[0] ?? '')) && !(await lives(two, tokens[1] ?? '')));
    expect([await lives(one, untouched), await lives(two, untouched)]).toEqual([true, true]);
  });

  test('by the provider’s session index ends that one session', async () => {
    const identity = await someone();
    const named = await knownToBoth(identity, { sessionIndex: 'a' });
    const other = await knownToBoth(identity, { sessionIndex: 'b' });
    await one.access.sessions.revokeOf(idOf(identity), 'a');
    expect([await lives(one, named), await lives(one, other)]).toEqual([false, true]);
  });

  test('is seen by a process that had the session in memory when its connection was cut', async () => {
    const token = await knownToBoth(await someone());
    const { rows } = await db.owner.query(
      `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'quarterdeck-listener'`,
    );
    expect(rows[0].n).toBeGreaterThanOrEqual(2);
    const superuser = new pg.Client(db.superuserUrl);
    await superuser.connect();
    await superuser.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND application_name = 'quarterdeck-listener'`,
      [db.name],
    );
    await superuser.end();
    await one.access.sessions.revoke(token);
    await until(async () => !(await lives(two, token)));
  });

  test('tells whoever wants to look again', async () => {
    const token = await knownToBoth(await someone());
    let told = 0;
    const off = two.access.onSessionsEnded(() => {
      told++;
    });
    await one.access.sessions.revoke(token);
    await until(() => told > 0);
    off();
  });
});

describe('a person', () => {
  test('has other roles from the next request on when the policy changes', async () => {
    const { token } = await begin(await someone(['ops']));
    const cookie = `quarterdeck=${token}`;
    const incoming = { peer: '127.0.0.1', method: 'GET', url: '/', headers: { cookie } };
    const may = async (part: Part, permission: string) =>
      (await part.access.gate.identify(incoming, '127.0.0.1')).permissions.has(permission);
    expect([await may(one, 'accounts:suspend'), await may(two, 'accounts:suspend')]).toEqual([true, true]);
    await one.access.applyPolicy(samplePolicy.replace('[accounts:*]', '[accounts:read]'), 'p.yaml');
    expect(await may(one, 'accounts:suspend')).toBe(false);
    await until(async () => !(await may(two, 'accounts:suspend')));
    await one.access.applyPolicy(samplePolicy, 'p.yaml');
    await until(async () => may(two, 'accounts:suspend'));
  });

  test('whose groups changed at a new sign-in has them in older sessions too', async () => {
    const identity = await someone(['support']);
    const { token } = await begin(identity);
    const groups = async (part: Part) => (await part.access.sessions.authenticate(token))?.groups;
    expect([await groups(one), await groups(two)]).toEqual([['support'], ['support']]);
    await one.access.people.signedIn(db.app, await one.access.people.seal({ ...identity, groups: ['ops'] }));
    await until(async () => (await groups(one))?.[0] === 'ops' && (await groups(two))?.[0] === 'ops');
  });

  test('who is deactivated has no session any more, and no permission for work that goes on', async () => {
    const identity = await someone(['ops']);
    const { token } = await begin(identity);
    expect(await lives(two, token)).toBe(true);
    expect(
      (await two.access.principalOf(idOf(identity), 'console'))?.permissions.has('accounts:suspend'),
    ).toBe(true);
    await one.access.people.setActive(idOf(identity), false);
    await until(async () => !(await lives(one, token)) && !(await lives(two, token)));
    expect(await two.access.principalOf(idOf(identity), 'console')).toBeUndefined();
    expect(await two.access.principalOf('person:unknown', 'console')).toBeUndefined();
  });

  test('through a tool may do no more than the tool’s scope', async () => {
    const id = idOf(await someone(['admin']));
    const through = async (tool: string) => (await one.access.principalOf(id, tool))?.permissions;
    expect((await through('console'))?.has('accounts:close')).toBe(true);
    expect((await through('narrow'))?.has('accounts:close')).toBe(false);
    expect((await through('narrow'))?.has('accounts:read')).toBe(true);
    expect((await through('unknown'))?.has('accounts:read')).toBe(false);
  });

  test('of another provider with the same name is somebody else', () => {
    const { idOf: id } = one.access.people;
    expect(id('urn:a', 'b')).not.toBe(id('urn:b', 'b'));
    expect(id('urn:a', 'b')).toBe(id('urn:a', 'b'));
    expect(id('urn:a","b', 'c')).not.toBe(id('urn:a', 'b","c'));
  });
});
