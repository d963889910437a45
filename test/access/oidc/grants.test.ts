/** What a person gave tools is theirs to see and to end; what others gave is an admin's. */
import { ask } from '../../contract/running.ts';
import { type Installation, install, me, recorded, signIn } from './installation.ts';

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

interface Given {
  readonly id: string;
  readonly personId: string;
  readonly tool: string;
}

const list = async (cookie: string, query = '') => {
  const { status, body } = await ask(at.base, cookie, { path: `/internal/v1/tool-grants${query}` });
  return { status, code: body.code, data: (body.data ?? []) as readonly Given[] };
};

const revoke = (cookie: string, id: string) =>
  ask(at.base, cookie, { path: `/internal/v1/tool-grants/${id}/revoke`, method: 'POST' });

const onlyOf = (given: readonly Given[], personId: unknown): Given => {
  const found = given.filter((one) => one.personId === personId).at(-1);
  if (found === undefined) throw new Error('nothing was given');
  return found;
};

test('a person sees what they gave, ends it from afar, and its tokens end in every process', async () => {
  const { tokens, browser } = await signIn(at, { who: 'support', tool: 'page' });
  const cookie = browser.cookies();
  const given = onlyOf((await list(cookie)).data, tokens.claims()?.sub);
  expect(given).toMatchObject({ tool: 'page', sessionId: expect.any(String), expiresAt: expect.any(String) });
  expect((await me(beside.base, tokens.access_token)).status).toBe(200);
  expect((await revoke(cookie, given.id)).status).toBe(204);
  expect((await me(at.base, tokens.access_token)).status).toBe(401);
  while ((await me(beside.base, tokens.access_token)).status === 200) await new Promise(setImmediate);
  expect((await list(cookie)).data.map(({ id }) => id)).not.toContain(given.id);
  expect((await recorded(at, 'TokenRevoked')).at(-1)?.data).toEqual({
    by: 'person',
    what: 'Grant',
    tool: 'page',
    person: tokens.claims()?.sub,
  });
});

test('what others gave is for those who may see and end their sessions', async () => {
  const { tokens } = await signIn(at, { who: 'ops' });
  const sub = tokens.claims()?.sub;
  const support = await at.cookieOf('support');
  const admin = await at.cookieOf('admin');
  expect(await list(support, '?person=*')).toMatchObject({ status: 403, code: 'not_permitted' });
  const given = onlyOf((await list(admin, `?person=${sub}`)).data, sub);
  expect((await revoke(support, given.id)).status).toBe(404);
  expect((await me(at.base, tokens.access_token)).status).toBe(200);
  expect((await revoke(admin, given.id)).status).toBe(204);
  expect((await me(at.base, tokens.access_token)).status).toBe(401);
});

test('a tool that acts as somebody neither sees nor ends what they gave, or where they are signed in', async () => {
  const { tokens, browser } = await signIn(at, { who: 'ops' });
  const headers = { authorization: `Bearer ${tokens.access_token}` };
  const given = onlyOf((await list(browser.cookies())).data, tokens.claims()?.sub);
  const asTool = (path: string, method: 'GET' | 'POST') => ask(at.base, undefined, { path, method, headers });
  expect((await asTool('/internal/v1/tool-grants', 'GET')).status).toBe(403);
  expect((await asTool(`/internal/v1/tool-grants/${given.id}/revoke`, 'POST')).status).toBe(404);
  expect((await asTool('/internal/v1/sessions', 'GET')).status).toBe(403);
  const sessions = await ask(at.base, browser.cookies(), { path: '/internal/v1/sessions' });
  const [session] = sessions.body.data as readonly { id: string }[];
  expect((await asTool(`/internal/v1/sessions/${session?.id}/revoke`, 'POST')).status).toBe(404);
  expect((await me(at.base, tokens.access_token)).status).toBe(200);
});
