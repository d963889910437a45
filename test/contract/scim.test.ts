/**
 * A directory tells us by SCIM who works there: Okta's and Entra ID's ways of saying it, over HTTP, with two
 * processes of one installation. People sign in through the development provider, whose directory it is.
 */
import { createHash, randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SignJWT } from 'jose';
import * as oidc from 'openid-client';
import { Browser, formIn } from '../access/browser.ts';
import { callback, followTo, newPair, type Pair, signIn as signInTool } from '../access/oidc/installation.ts';
import { type Answered, ask, type Running, startQuarterdeck } from './running.ts';

const token = 'a-directory-s-own-token-of-this-test';
const hash = createHash('sha256').update(token).digest('hex');
const enterprise = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const userSchema = 'urn:ietf:params:scim:schemas:core:2.0:User';

let one: Running;
/** Of the tool `robot` and of the issuer whose tokens it exchanges. */
let pair: Pair;
let two: Running;
beforeAll(async () => {
  const sample = readFileSync(new URL('../../access-policy.yaml', import.meta.url), 'utf8');
  pair = await newPair();
  const keys = `keys: [${JSON.stringify(pair.publicJwk)}]`;
  const file = join(await mkdtemp(join(tmpdir(), 'quarterdeck-scim-')), 'policy.yaml');
  writeFileSync(
    file,
    sample
      .replace(
        '  development:\n',
        `  development:\n    scim: { nameId: externalId, attributes: { regions: '${enterprise}:department' } }\n`,
      )
      .replace(
        /^tools:\n/m,
        `tokenIssuers:
  partner: { issuer: 'https://partner.test/', audience: quarterdeck, ${keys}, tools: [robot], provider: development, nameIdClaim: upn }
tools:
  leaving: { kind: web, redirectUris: [${callback}], scope: ['accounts:*'] }
  portable: { kind: device, scope: ['accounts:*'] }
  robot: { kind: service, ${keys}, scope: ['accounts:*'] }
`,
      ),
  );
  const environment = {
    QUARTERDECK_ACCESS_POLICY: file,
    QUARTERDECK_SCIM_TOKENS: `development:${hash},stranger:${createHash('sha256').update(`${token}-2`).digest('hex')}`,
  };
  one = await startQuarterdeck(environment);
  two = await startQuarterdeck(environment, one);
});
afterAll(async () => {
  await two.stop();
  await one.stop();
});

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

const scim = (method: Method, path: string, body?: unknown, bearer = token): Promise<Answered> =>
  ask(one.base, undefined, {
    method,
    path: `/scim/v2${path}`,
    headers: {
      authorization: `Bearer ${bearer}`,
      ...(body === undefined ? {} : { 'content-type': 'application/scim+json' }),
    },
    ...(body === undefined ? {} : { body }),
  });

const bodyOf = ({ text }: Answered) => JSON.parse(text) as Record<string, unknown>;

const idOf = async (answer: Promise<Answered>): Promise<string> => {
  const answered = await answer;
  expect([answered.text, answered.status]).toEqual([answered.text, 201]);
  return bodyOf(answered).id as string;
};

/** As Okta creates one. */
const oktaUser = (role: string, more: object = {}) => ({
  schemas: [userSchema],
  userName: `${role}@dev.test`,
  externalId: `development-${role}`,
  name: { givenName: 'Some', familyName: 'Body' },
  emails: [{ primary: true, value: `${role}@dev.test`, type: 'work' }],
  displayName: 'Some Body',
  locale: 'en-US',
  groups: [],
  password: 'never-kept',
  active: true,
  ...more,
});

const patchOf = (...Operations: object[]) => ({
  schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
  Operations,
});

const group = (displayName: string, ...members: string[]) => ({
  schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'],
  displayName,
  members: members.map((value) => ({ value })),
});

const signIn = async (role: string) => {
  const browser = new Browser(one.base);
  const step = await browser.signIn(`${role}@dev.test`);
  return { step, cookie: browser.cookies() };
};

const me = (running: Running, cookie: string) => ask(running.base, cookie, { path: '/internal/v1/me' });

const untilStatus = async (status: number, asking: () => Promise<Answered>): Promise<void> => {
  while ((await asking()).status !== status) await sleep(5);
};

const recorded = async (type: string) => {
  const { body } = await ask(one.base, await one.cookieOf('admin'), {
    path: `/internal/v1/audit/events?type=${type}&limit=1000`,
  });
  return body.data as unknown as readonly {
    data: Record<string, unknown>;
    metadata: { actor: object; tool: string };
  }[];
};

const forget = (path: string) => scim('DELETE', path);

test('a leaver’s sessions end at once in every process, they cannot sign in, and it is on record', async () => {
  const { cookie } = await signIn('support');
  const person = ((await me(one, cookie)).body.principal as { id: string }).id;
  const id = await idOf(scim('POST', '/Users', oktaUser('support')));
  const ops = await idOf(scim('POST', '/Groups', group('support', id)));
  expect((await me(two, cookie)).status).toBe(200);

  const left = await scim('PATCH', `/Users/${id}`, patchOf({ op: 'replace', value: { active: false } }));
  expect([left.status, bodyOf(left).active]).toEqual([200, false]);
  await untilStatus(401, () => me(one, cookie));
  await untilStatus(401, () => me(two, cookie));
  expect((await signIn('support')).step.status).toBe(403);
  const [event] = (await recorded('PersonDeactivated')).filter(({ data }) => data.person === person);
  expect(event).toMatchObject({
    data: { sessions: 1 },
    metadata: { actor: { id: 'service:scim-development', kind: 'service' }, tool: 'scim' },
  });

  await scim('PATCH', `/Users/${id}`, patchOf({ op: 'Replace', path: 'active', value: 'True' }));
  expect((await me(one, cookie)).status).toBe(401);
  expect((await signIn('support')).step.status).toBe(303);
  await forget(`/Groups/${ops}`);
  await forget(`/Users/${id}`);
});

test('a leaver’s tokens end at once in every process, and cannot be refreshed', async () => {
  const client = (id: string) =>
    oidc.discovery(new URL(`${one.base}/auth/oidc`), id, undefined, oidc.None(), {
      execute: [oidc.allowInsecureRequests],
    });
  const { tokens, config } = await signInTool({ base: one.base, client }, { who: 'ops', tool: 'leaving' });
  const asTool = (running: Running, bearer = tokens.access_token) =>
    ask(running.base, undefined, {
      path: '/internal/v1/me',
      headers: { authorization: `Bearer ${bearer}` },
    });
  for (const running of [one, two]) expect((await asTool(running)).status).toBe(200);
  const id = await idOf(scim('POST', '/Users', oktaUser('ops')));
  const inGroup = await idOf(scim('POST', '/Groups', group('ops', id)));

  await scim('PATCH', `/Users/${id}`, patchOf({ op: 'replace', path: 'active', value: false }));
  for (const running of [one, two]) await untilStatus(401, () => asTool(running));
  await expect(oidc.refreshTokenGrant(config, tokens.refresh_token ?? '')).rejects.toMatchObject({
    error: 'invalid_grant',
  });
  await scim('PATCH', `/Users/${id}`, patchOf({ op: 'replace', path: 'active', value: true }));
  expect((await signIn('ops')).step.status).toBe(303);
  await expect(oidc.refreshTokenGrant(config, tokens.refresh_token ?? '')).rejects.toMatchObject({
    error: 'invalid_grant',
  });
  await forget(`/Groups/${inGroup}`);
  await forget(`/Users/${id}`);
});

const toolClient = (id: string, auth: oidc.ClientAuth = oidc.None()) =>
  oidc.discovery(new URL(`${one.base}/auth/oidc`), id, undefined, auth, {
    execute: [oidc.allowInsecureRequests],
  });

const deviceTokens = async (browser: Browser) => {
  const config = await toolClient('portable');
  const asked = await oidc.initiateDeviceAuthorization(config, {});
  const { action, fields } = formIn((await browser.get('/auth/oidc/device')).text);
  fields.set('user_code', asked.user_code);
  fields.set('confirm', 'yes');
  const onward = (await browser.go('POST', new URL(action, one.base).href, fields)).headers.get('location');
  await followTo(browser, new URL(onward ?? '', one.base).href, 'never');
  return { config, tokens: await oidc.pollDeviceAuthorizationGrant(config, { ...asked, interval: 0.1 }) };
};

const exchanged = async (upn: string) => {
  const subject = await new SignJWT({ upn, jti: randomUUID() })
    .setProtectedHeader({ alg: 'ES256', kid: 'first' })
    .setIssuer('https://partner.test/')
    .setAudience('quarterdeck')
    .setIssuedAt()
    .setExpirationTime('5m')
    .sign(pair.privateKey);
  return oidc.genericGrantRequest(
    await toolClient('robot', oidc.PrivateKeyJwt(pair.privateKey)),
    'urn:ietf:params:oauth:grant-type:token-exchange',
    { subject_token: subject, subject_token_type: 'urn:ietf:params:oauth:token-type:jwt' },
  );
};

test('a leaver who comes back has none of the tokens that they left with, exchanged ones and devices included', async () => {
  const id = await idOf(scim('POST', '/Users', oktaUser('ops')));
  const inGroup = await idOf(scim('POST', '/Groups', group('ops', id)));
  const browser = new Browser(one.base);
  await browser.signIn('ops@dev.test');
  const { config, tokens } = await deviceTokens(browser);
  const swapped = await exchanged('development-ops');
  const { user_code: waiting } = await oidc.initiateDeviceAuthorization(config, {});
  const status = async (bearer: string) =>
    (
      await ask(one.base, undefined, {
        path: '/internal/v1/me',
        headers: { authorization: `Bearer ${bearer}` },
      })
    ).status;
  expect([await status(tokens.access_token), await status(swapped.access_token), waiting.length]).toEqual([
    200, 200, 9,
  ]);

  await scim('PATCH', `/Users/${id}`, patchOf({ op: 'replace', path: 'active', value: false }));
  while ((await status(tokens.access_token)) !== 401) await sleep(5);
  await scim('PATCH', `/Users/${id}`, patchOf({ op: 'replace', path: 'active', value: true }));
  expect([await status(tokens.access_token), await status(swapped.access_token)]).toEqual([401, 401]);
  await expect(oidc.refreshTokenGrant(config, tokens.refresh_token ?? '')).rejects.toMatchObject({
    error: 'invalid_grant',
  });
  expect(await status((await exchanged('development-ops')).access_token)).toBe(200);
  await forget(`/Groups/${inGroup}`);
  await forget(`/Users/${id}`);
});

describe('a NameID that directory and provider spell in different capitals', () => {
  test('is refused to the directory where the person is known, unless it says that they left', async () => {
    const { cookie } = await signIn('billing');
    const other = { externalId: 'Development-BILLING' };
    const refused = await scim('POST', '/Users', oktaUser('billing', other));
    expect([refused.status, bodyOf(refused).scimType]).toEqual([409, 'uniqueness']);
    expect(bodyOf(refused).detail).toContain('in other capitals');
    expect((await me(one, cookie)).status).toBe(200);
    const left = await idOf(scim('POST', '/Users', oktaUser('billing', { ...other, active: false })));
    await untilStatus(401, () => me(one, cookie));
    await forget(`/Users/${left}`);
    const mended = await idOf(scim('POST', '/Users', oktaUser('billing')));
    const inGroup = await idOf(scim('POST', '/Groups', group('billing', mended)));
    expect((await signIn('billing')).step.status).toBe(303);
    await forget(`/Groups/${inGroup}`);
    await forget(`/Users/${mended}`);
  });

  test('signs nobody in whom the directory spells otherwise, until it spells them alike', async () => {
    const spelled = { externalId: 'DEVELOPMENT-regional-support' };
    const id = await idOf(scim('POST', '/Users', oktaUser('regional-support', spelled)));
    const { step } = await signIn('regional-support');
    expect([step.status, step.text.includes('name-case')]).toEqual([403, true]);
    await scim('PUT', `/Users/${id}`, oktaUser('regional-support'));
    const inGroup = await idOf(scim('POST', '/Groups', group('regional-support', id)));
    expect((await signIn('regional-support')).step.status).toBe(303);
    await forget(`/Groups/${inGroup}`);
    await forget(`/Users/${id}`);
  });
});

test('a group that changes changes the roles of whoever is signed in, in every process', async () => {
  const id = await idOf(scim('POST', '/Users', oktaUser('ops')));
  const ops = await idOf(scim('POST', '/Groups', group('ops', id)));
  const { cookie } = await signIn('ops');
  const rolesIn = async (running: Running) => (await me(running, cookie)).body.roles as string[];
  const until = async (roles: readonly string[]): Promise<void> => {
    for (const running of [one, two])
      while (JSON.stringify(await rolesIn(running)) !== JSON.stringify(roles)) await sleep(5);
  };
  await until(['ops']);
  const admins = await idOf(scim('POST', '/Groups', group('admin')));
  // As Entra ID adds and Okta removes.
  await scim('PATCH', `/Groups/${admins}`, patchOf({ op: 'Add', path: 'members', value: [{ value: id }] }));
  await until(['admin', 'ops']);
  await scim('PATCH', `/Groups/${ops}`, patchOf({ op: 'remove', path: `members[value eq "${id}"]` }));
  await until(['admin']);
  // As Entra ID removes.
  await scim(
    'PATCH',
    `/Groups/${admins}`,
    patchOf({ op: 'Remove', path: 'members', value: [{ value: id }] }),
  );
  await until([]);
  await scim('PUT', `/Groups/${ops}`, group('ops', id));
  await until(['ops']);
  await scim(
    'PATCH',
    `/Groups/${ops}`,
    patchOf({ op: 'replace', value: { id: ops, displayName: 'support' } }),
  );
  await until(['support']);
  await forget(`/Groups/${ops}`);
  await until([]);
  expect((await recorded('GroupsOfPersonChanged')).map(({ data }) => [data.added, data.removed])).toEqual(
    expect.arrayContaining([
      [['admin'], []],
      [[], ['ops']],
    ]),
  );
  await forget(`/Groups/${admins}`);
  await forget(`/Users/${id}`);
});

test('somebody who has not signed in yet has the directory’s groups, and may be locked out beforehand', async () => {
  const id = await idOf(scim('POST', '/Users', oktaUser('billing')));
  const support = await idOf(scim('POST', '/Groups', group('support', id)));
  const { cookie } = await signIn('billing');
  expect((await me(one, cookie)).body.roles).toEqual(['support']);
  await forget(`/Groups/${support}`);
  // No group of the directory gives them a role, whatever the assertion says.
  expect((await signIn('billing')).step.text).toContain('No role for you yet');
  await forget(`/Users/${id}`);
  await untilStatus(401, () => me(one, cookie));

  const never = await idOf(scim('POST', '/Users', oktaUser('regional-support', { active: false })));
  expect((await signIn('regional-support')).step.status).toBe(403);
  await forget(`/Users/${never}`);
});

test('a user whose NameID becomes another’s is another person; the one that it was is locked out', async () => {
  const { cookie } = await signIn('compliance');
  const id = await idOf(scim('POST', '/Users', oktaUser('compliance')));
  await untilStatus(200, () => me(one, cookie));
  await scim('PUT', `/Users/${id}`, oktaUser('compliance', { externalId: 'somebody-else' }));
  await untilStatus(401, () => me(one, cookie));
  await scim('PUT', `/Users/${id}`, oktaUser('compliance'));
  const group_ = await idOf(scim('POST', '/Groups', group('compliance', id)));
  expect((await signIn('compliance')).step.status).toBe(303);
  await forget(`/Groups/${group_}`);
  await forget(`/Users/${id}`);
});

test('users are found by userName in any case and by externalId, in pages', async () => {
  const made: string[] = [];
  for (const n of ['a', 'b', 'c'])
    made.push(await idOf(scim('POST', '/Users', oktaUser(`page-${n}`, { externalId: `X-${n}` }))));
  const found = async (query: string) => {
    const page = bodyOf(await scim('GET', `/Users?${query}`));
    return { page, ids: (page.Resources as { id: string }[]).map(({ id }) => id) };
  };
  const filter = (text: string) => `filter=${encodeURIComponent(text)}`;
  expect((await found(filter('userName eq "PAGE-B@dev.test"'))).ids).toEqual([made[1]]);
  expect((await found(filter('externalId eq "X-c"'))).ids).toEqual([made[2]]);
  expect((await found(filter('externalId eq "x-c"'))).ids).toEqual([]);
  expect((await found(filter('userName eq "page-a@dev.test" and externalId eq "X-a"'))).ids).toEqual([
    made[0],
  ]);
  const first = await found('startIndex=1&count=2');
  const second = await found('startIndex=3&count=2');
  expect([first.page.totalResults, first.page.itemsPerPage, second.page.startIndex]).toEqual([3, 2, 3]);
  expect([...first.ids, ...second.ids].sort()).toEqual([...made].sort());
  expect((await found('count=0')).ids).toEqual([]);
  for (const id of made) await forget(`/Users/${id}`);
});

test('what Entra ID sends is understood, and what we do not keep is passed over', async () => {
  const enterprise = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
  const id = await idOf(
    scim('POST', '/Users', {
      schemas: [userSchema, enterprise],
      externalId: 'E1',
      userName: 'entra@dev.test',
      active: 'True',
      roles: [],
      meta: { resourceType: 'User' },
      name: { formatted: 'En Tra', familyName: 'Tra', givenName: 'En' },
      [enterprise]: { department: 'Sales' },
    }),
  );
  const patched = await scim(
    'PATCH',
    `/Users/${id}`,
    patchOf(
      { op: 'Add', path: 'emails[type eq "work"].value', value: 'new@dev.test' },
      { op: 'Replace', path: 'name.familyName', value: 'Trakt' },
      { op: 'Add', path: `${enterprise}:department`, value: 'Support' },
      { op: 'Replace', value: { displayName: 'Entra Trakt', 'name.givenName': 'Entra' } },
      { op: 'Replace', path: 'active', value: 'False' },
    ),
  );
  expect(bodyOf(patched)).toMatchObject({
    userName: 'entra@dev.test',
    externalId: 'E1',
    displayName: 'Entra Trakt',
    name: { givenName: 'Entra', familyName: 'Trakt' },
    emails: [{ value: 'new@dev.test', type: 'work', primary: true }],
    active: false,
    meta: { resourceType: 'User', location: `${one.base}/scim/v2/Users/${id}` },
  });
  expect(patched.headers.get('content-type')).toBe('application/scim+json; charset=utf-8');
  await forget(`/Users/${id}`);
  expect((await scim('GET', `/Users/${id}`)).status).toBe(404);
});

test('groups are found by displayName and by a member, with and without their members', async () => {
  const id = await idOf(scim('POST', '/Users', oktaUser('grouped')));
  const staff = await idOf(scim('POST', '/Groups', { ...group('staff', id), externalId: 'G1' }));
  const page = async (query: string) => bodyOf(await scim('GET', `/Groups?${query}`)).Resources as object[];
  const filter = (text: string) => `filter=${encodeURIComponent(text)}`;
  expect(await page(filter('displayName eq "staff"'))).toMatchObject([
    { id: staff, members: [{ value: id }] },
  ]);
  expect(await page(filter(`id eq "${staff}" and members eq "${id}"`))).toHaveLength(1);
  expect(await page(filter(`id eq "${staff}" and members eq "nobody"`))).toHaveLength(0);
  const [bare] = await page(`${filter('externalId eq "G1"')}&excludedAttributes=members`);
  expect(bare).not.toHaveProperty('members');
  await forget(`/Groups/${staff}`);
  await forget(`/Users/${id}`);
});

test('a directory is told in SCIM’s words what it may not do', async () => {
  const id = await idOf(scim('POST', '/Users', oktaUser('told')));
  const staff = await idOf(scim('POST', '/Groups', group('told')));
  const refusals: readonly (readonly [string, Promise<Answered>, number, string | undefined])[] = [
    ['taken name', scim('POST', '/Users', oktaUser('TOLD', { externalId: 'other' })), 409, 'uniqueness'],
    [
      'taken NameID',
      scim('POST', '/Users', oktaUser('x', { externalId: 'development-told' })),
      409,
      'uniqueness',
    ],
    ['no name', scim('POST', '/Users', oktaUser('y', { userName: '' })), 400, 'invalidValue'],
    ['no NameID', scim('POST', '/Users', oktaUser('z', { externalId: undefined })), 400, 'invalidValue'],
    ['active of another kind', scim('POST', '/Users', oktaUser('w', { active: 'yes' })), 400, 'invalidValue'],
    [
      'name taken away',
      scim('PATCH', `/Users/${id}`, patchOf({ op: 'remove', path: 'userName' })),
      400,
      'mutability',
    ],
    [
      'a filter with a NUL',
      scim('GET', '/Groups?filter=displayName%20eq%20%22%5Cu0000%22'),
      400,
      'invalidFilter',
    ],
    ['no operation', scim('PATCH', `/Users/${id}`, patchOf()), 400, 'invalidSyntax'],
    [
      'unknown operation',
      scim('PATCH', `/Users/${id}`, patchOf({ op: 'move', path: 'a' })),
      400,
      'invalidSyntax',
    ],
    [
      'broken path',
      scim('PATCH', `/Users/${id}`, patchOf({ op: 'add', path: 'a b', value: 1 })),
      400,
      'invalidPath',
    ],
    ['filter', scim('GET', `/Users?filter=${encodeURIComponent('userName sw "a"')}`), 400, 'invalidFilter'],
    ['filter', scim('GET', `/Users?filter=${encodeURIComponent('password eq "a"')}`), 400, 'invalidFilter'],
    ['unknown member', scim('PUT', `/Groups/${staff}`, group('told', 'nobody')), 400, 'invalidValue'],
    ['taken group', scim('POST', '/Groups', group('told')), 409, 'uniqueness'],
    [
      'unknown user',
      scim('PATCH', '/Users/none', patchOf({ op: 'replace', value: { active: false } })),
      404,
      undefined,
    ],
    ['unknown group', scim('DELETE', '/Groups/none'), 404, undefined],
    ['nothing there', scim('GET', '/Me'), 404, undefined],
  ];
  for (const [name, answer, status, scimType] of refusals) {
    const answered = await answer;
    const { schemas, status: told, scimType: type } = bodyOf(answered);
    expect([name, answered.status, told, type]).toEqual([name, status, String(status), scimType]);
    expect(schemas).toEqual(['urn:ietf:params:scim:api:messages:2.0:Error']);
  }
  await forget(`/Groups/${staff}`);
  await forget(`/Users/${id}`);
});

test('without a directory’s token, with another one, or without the policy’s word nothing is told or changed', async () => {
  const cookie = await one.cookieOf('admin');
  for (const [asked, status] of [
    [ask(one.base, undefined, { path: '/scim/v2/Users' }), 401],
    [ask(one.base, cookie, { path: '/scim/v2/Users' }), 401],
    [ask(one.base, cookie, { path: '/scim/v2/Users', body: oktaUser('evil') }), 401],
    [scim('GET', '/Users', undefined, `${token}x`), 401],
    [scim('GET', '/ServiceProviderConfig', undefined, randomUUID()), 401],
    [scim('GET', '/Users', undefined, `${token}-2`), 403],
  ] as const)
    expect([(await asked).status]).toEqual([status]);
  const api = await ask(one.base, undefined, {
    path: '/internal/v1/me',
    headers: { authorization: `Bearer ${token}` },
  });
  expect(api.status).toBe(401);
});

test('every route of SCIM wants a directory’s token: no session opens one', async () => {
  const cookie = await one.cookieOf('admin');
  const { body } = await ask(one.base, cookie, { path: '/internal/openapi.json' });
  const paths = Object.entries(body.paths as Record<string, object>).filter(([path]) =>
    path.startsWith('/scim'),
  );
  expect(paths).toHaveLength(7);
  for (const [path, item] of paths)
    for (const method of Object.keys(item)) {
      const asked = { method: method.toUpperCase() as Method, path: path.replace('{id}', 'none') };
      const answer = await ask(one.base, cookie, asked);
      expect([method, path, answer.status]).toEqual([method, path, 401]);
    }
});

test('a directory reads what is understood of SCIM', async () => {
  const config = bodyOf(await scim('GET', '/ServiceProviderConfig'));
  expect(config).toMatchObject({ patch: { supported: true }, bulk: { supported: false } });
  expect(bodyOf(await scim('GET', '/ResourceTypes')).totalResults).toBe(2);
  expect(bodyOf(await scim('GET', '/Schemas')).totalResults).toBe(2);
});

test('attributes that row rules use are the directory’s, change at once, and win over an assertion', async () => {
  // Pushed without a department. The provider's assertion says EMEA at each sign-in.
  const id = await idOf(scim('POST', '/Users', oktaUser('regional-support')));
  const inGroup = await idOf(scim('POST', '/Groups', group('regional-support', id)));
  const { cookie } = await signIn('regional-support');
  const regionsIn = async (running: Running, by = cookie) =>
    ((await me(running, by)).body.attributes as { regions?: readonly string[] }).regions;
  const become = async (regions: readonly string[], by = cookie): Promise<void> => {
    for (const running of [one, two])
      while (JSON.stringify(await regionsIn(running, by)) !== JSON.stringify(regions)) await sleep(5);
  };
  await become([]);

  const user = oktaUser('regional-support', { [enterprise]: { department: 'APAC', costCenter: '4711' } });
  const replaced = bodyOf(await scim('PUT', `/Users/${id}`, user));
  expect([replaced[enterprise], replaced.schemas]).toEqual([
    { department: 'APAC' },
    [userSchema, enterprise],
  ]);
  await become(['APAC']);
  const again = await signIn('regional-support');
  await become(['APAC'], again.cookie);

  // Entra ID's way, Okta's way, several, and none.
  const department = `${enterprise}:department`;
  await scim('PATCH', `/Users/${id}`, patchOf({ op: 'Add', path: department, value: 'AMER' }));
  await become(['AMER']);
  await scim(
    'PATCH',
    `/Users/${id}`,
    patchOf({ op: 'replace', value: { [enterprise]: { department: ['EMEA', 'AMER'] } } }),
  );
  await become(['EMEA', 'AMER']);
  const filtered = patchOf({ op: 'remove', path: `${department}[value eq "EMEA"]` });
  expect((await scim('PATCH', `/Users/${id}`, filtered)).status).toBe(400);
  await scim('PATCH', `/Users/${id}`, patchOf({ op: 'remove', path: department }));
  await become([]);
  const events = await recorded('AttributesOfPersonChanged');
  expect(new Set(events.map(({ data }) => JSON.stringify(data.names)))).toEqual(new Set(['["regions"]']));
  expect(JSON.stringify(events)).not.toContain('APAC');
  await forget(`/Groups/${inGroup}`);
  await forget(`/Users/${id}`);
});
