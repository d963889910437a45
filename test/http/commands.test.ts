/** Commands over HTTP: headers and body in, status, headers and JSON out. */
import { randomUUID } from 'node:crypto';
import { type Office, openOffice } from './office.ts';

let office: Office;
let cookie: string;
beforeAll(async () => {
  office = await openOffice();
  cookie = await office.signIn('clerks');
});
afterAll(() => office.close());

const send = async (name: string, body: unknown, headers: Record<string, string> = {}) => {
  const answer = await fetch(`${office.base}/internal/v1/commands/${name}`, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers: { 'content-type': 'application/json', origin: office.base, cookie, ...headers },
  });
  return {
    status: answer.status,
    headers: answer.headers,
    body: (await answer.json()) as Record<string, unknown>,
  };
};
const parcel = (more: object = {}) => ({ parcelId: randomUUID(), to: 'Ada', weight: 2, ...more });

describe('a command', () => {
  test('answers what happened, with its position and version as headers', async () => {
    const { status, headers, body } = await send('post-parcel', parcel());
    expect(status).toBe(200);
    expect(body).toMatchObject({
      version: 1,
      events: [{ type: 'ParcelPosted', version: 1, position: body.position }],
    });
    expect(headers.get('etag')).toBe('"1"');
    expect(headers.get('quarterdeck-position')).toBe(String(body.position));
    expect(headers.get('idempotent-replayed')).toBeNull();
    expect(headers.get('cache-control')).toBe('no-store');
  });

  test('sent again with its key takes effect once and is replayed', async () => {
    const input = parcel();
    const key = { 'idempotency-key': randomUUID() };
    const first = await send('post-parcel', input, key);
    const second = await send('post-parcel', input, key);
    expect(second.body).toEqual(first.body);
    expect(second.headers.get('idempotent-replayed')).toBe('true');
    const other = await send('post-parcel', parcel(), key);
    expect([other.status, other.body.code]).toEqual([422, 'idempotency_key_reused']);
  });

  test('that a rule refuses is 409 with the rule’s own code', async () => {
    const input = parcel();
    await send('post-parcel', input);
    const { status, body } = await send('post-parcel', input);
    expect([status, body.code, body.rejection]).toEqual([409, 'rejected', 'parcel_exists']);
  });

  test('on another version than it was meant for is 412', async () => {
    const input = parcel();
    expect((await send('post-parcel', input, { 'if-match': '"7"' })).status).toBe(412);
    expect((await send('post-parcel', input, { 'if-match': '"0"' })).status).toBe(200);
  });

  test('tried out shows what would happen and stores nothing', async () => {
    const before = await office.log.head();
    const { status, body } = await send('post-parcel?dryRun=true', parcel());
    expect([status, body.dryRun, (body.events as { type: string }[])[0]?.type]).toEqual([
      200,
      true,
      'ParcelPosted',
    ]);
    expect(body.diff).toEqual([{ op: 'replace', path: '/status', value: 'posted' }]);
    expect(await office.log.head()).toEqual(before);
  });

  test.each([
    ['an unknown field', { ...parcel(), colour: 'red' }, 'colour'],
    ['a wrong type', { ...parcel(), weight: 'two' }, 'weight'],
    ['a missing field', { parcelId: 'a', weight: 1 }, 'to'],
    ['an id out of its alphabet', { ...parcel(), parcelId: 'a/b' }, 'parcelId'],
  ])('with %s is 422 with its path and what to do', async (_, input, path) => {
    const { status, body } = await send('post-parcel', input);
    expect([status, body.code]).toEqual([422, 'invalid_input']);
    const error = (body.errors as { path: string; message: string }[]).find((known) => known.path === path);
    expect(error?.message).toMatch(/\w+ \w+/);
  });

  test('without the permission is 403 and names it, whatever else is wrong', async () => {
    const { status, body } = await send('lose-parcel', { nonsense: true });
    expect([status, body.code, body.permission]).toEqual([403, 'not_permitted', 'parcels:lose']);
  });

  test('of no such name is 404', async () => {
    for (const name of ['no-such-command', 'POST-PARCEL', '%00', 'constructor', '__proto__']) {
      const { status, body } = await send(name, {});
      expect([name, status, body.code]).toEqual([name, 404, 'not_found']);
    }
  });

  test('from a page of another origin is refused', async () => {
    const { status, body } = await send('post-parcel', parcel(), { origin: 'https://evil.example' });
    expect([status, body.code]).toEqual([403, 'not_permitted']);
  });

  test('with a customer’s key is refused, also beside a session', async () => {
    const { status, body } = await send('post-parcel', parcel(), { authorization: 'Bearer sk_live_abc123' });
    expect([status, body.code]).toEqual([403, 'customer_credential_refused']);
  });
});

describe('the catalogue', () => {
  test('lists every command and whether one may give it', async () => {
    const answer = await fetch(`${office.base}/internal/v1/commands`, { headers: { cookie } });
    const { data } = (await answer.json()) as { data: { name: string; permitted: boolean }[] };
    expect(data.map(({ name, permitted }) => [name, permitted])).toEqual([
      ['post-parcel', true],
      ['lose-parcel', false],
    ]);
  });
});

describe('who one is', () => {
  test('is told with roles and permissions', async () => {
    const answer = await fetch(`${office.base}/internal/v1/me`, { headers: { cookie } });
    expect(await answer.json()).toMatchObject({
      roles: ['clerk'],
      permissions: ['parcels:post', 'parcels:read'],
      tool: 'console',
      principal: { kind: 'person' },
    });
  });
});
