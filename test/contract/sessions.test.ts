/** Sessions seen and ended over HTTP, by their owner and by an admin, over two processes. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Browser } from '../access/browser.ts';
import { ask, type Running, startQuarterdeck } from './running.ts';

interface Listed {
  readonly id: string;
  readonly personId: string;
  readonly email?: string;
  readonly current: boolean;
  readonly ip?: string;
  readonly browser?: string;
}

let one: Running;
let two: Running;
beforeAll(async () => {
  one = await startQuarterdeck();
  two = await startQuarterdeck({}, one);
});
afterAll(async () => {
  await two.stop();
  await one.stop();
});

/** Another sign-in of the same person, in a browser of its own. */
const signedIn = async (who: string): Promise<string> => {
  const browser = new Browser(one.base);
  await browser.signIn(`${who}@dev.test`);
  return browser.cookies();
};

const sessionsOf = async (cookie: string, query = ''): Promise<readonly Listed[]> => {
  const { status, body } = await ask(one.base, cookie, { path: `/internal/v1/sessions${query}` });
  expect(status).toBe(200);
  return body.data as unknown as readonly Listed[];
};

const own = async (cookie: string): Promise<Listed> => {
  const found = (await sessionsOf(cookie)).find(({ current }) => current);
  if (found === undefined) throw new Error('one’s own session is not listed');
  return found;
};

const revoke = (running: Running, cookie: string, id: string) =>
  ask(running.base, cookie, { path: `/internal/v1/sessions/${id}/revoke`, method: 'POST' });

const me = (running: Running, cookie: string) => ask(running.base, cookie, { path: '/internal/v1/me' });

const recorded = async (type: string) => {
  const { body } = await ask(one.base, await one.cookieOf('admin'), {
    path: `/internal/v1/audit/events?type=${type}&limit=1000`,
  });
  return body.data as unknown as readonly {
    data: Record<string, string>;
    metadata: { actor: { id: string } };
  }[];
};

test('a session says from where and by what, which the database holds sealed', async () => {
  const mine = await own(await signedIn('billing'));
  expect(mine).toMatchObject({ ip: '127.0.0.1', browser: expect.stringMatching(/./) });
  const { rows } = await one.db.owner.query('SELECT begun_sealed FROM sessions WHERE id = $1', [mine.id]);
  const sealed = Buffer.from(String(rows[0]?.begun_sealed), 'base64').toString('latin1');
  expect(sealed).not.toContain('127.0.0.1');
});

test('a person sees where they are signed in, and nobody else’s sessions', async () => {
  const [here, there] = [await signedIn('support'), await signedIn('support')];
  const listed = await sessionsOf(here);
  const [mine, other] = [await own(here), await own(there)];
  expect(listed.map(({ id }) => id)).toEqual(expect.arrayContaining([mine.id, other.id]));
  expect(new Set(listed.map(({ personId }) => personId))).toEqual(new Set([mine.personId]));
  for (const person of ['*', (await own(await one.cookieOf('admin'))).personId]) {
    const { status, body } = await ask(one.base, here, {
      path: `/internal/v1/sessions?person=${encodeURIComponent(person)}`,
    });
    expect([status, body.code, body.permission]).toEqual([403, 'not_permitted', 'sessions:read']);
  }
});

test('a session that its owner ends is refused by the next request in another process, and on record', async () => {
  const [here, there] = [await signedIn('support'), await signedIn('support')];
  const { id, personId } = await own(there);
  expect((await me(two, there)).status).toBe(200);
  expect((await revoke(one, here, id)).status).toBe(204);
  expect((await me(one, there)).status).toBe(401);
  // A notification's time: until it arrives the other process may still know the session.
  while ((await me(two, there)).status !== 401) await sleep(5);
  expect((await me(one, here)).status).toBe(200);
  const [event] = (await recorded('SessionRevoked')).filter(({ data }) => data.session === id);
  expect(event).toMatchObject({
    data: { session: id, person: personId },
    metadata: { actor: { id: personId } },
  });
});

test('an admin sees everybody’s sessions and ends one; for others it is as if it were not there', async () => {
  const admin = await one.cookieOf('admin');
  const cookie = await signedIn('billing');
  const { id, personId } = await own(cookie);
  const refused = await revoke(one, await one.cookieOf('support'), id);
  const missing = await revoke(one, await one.cookieOf('support'), 'none');
  expect([refused.status, refused.body.code]).toEqual([404, 'not_found']);
  expect([missing.status, missing.body.code]).toEqual([404, 'not_found']);
  expect((await me(one, cookie)).status).toBe(200);

  const everybody = await sessionsOf(admin, '?person=*&limit=500');
  expect(everybody.find((one) => one.id === id)).toMatchObject({ personId, email: 'billing@dev.test' });
  expect((await revoke(two, admin, id)).status).toBe(204);
  expect((await me(two, cookie)).status).toBe(401);
  expect((await revoke(two, admin, id)).status).toBe(404);
});

test('the list comes in pages, the newest first, and its words are checked', async () => {
  const admin = await one.cookieOf('admin');
  for (let n = 0; n < 3; n++) await signedIn('ops');
  const whole = await sessionsOf(admin, '?person=*&limit=500');
  const ids: string[] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const after: string = cursor === '' ? '' : `&cursor=${cursor}`;
    const { body } = await ask(one.base, admin, { path: `/internal/v1/sessions?person=*&limit=2${after}` });
    ids.push(...(body.data as unknown as Listed[]).map(({ id }) => id));
    cursor = body.nextCursor as string | null;
  }
  expect(ids).toEqual(whole.map(({ id }) => id));
  for (const query of ['limit=0', 'limit=x', 'who=me', 'person=a&person=b']) {
    const { status, body } = await ask(one.base, admin, { path: `/internal/v1/sessions?${query}` });
    expect([query, status, body.code]).toEqual([query, 422, 'invalid_input']);
  }
});
