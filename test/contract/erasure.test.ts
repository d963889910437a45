/** Two processes of one installation, each with a master key of its own in use, as in the middle of a change. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { account } from './bad-input.ts';
import { ask, type Running, startQuarterdeck, type Who } from './running.ts';

const [old, next] = [randomBytes(32).toString('base64'), randomBytes(32).toString('base64')];
let one: Running;
let other: Running;
beforeAll(async () => {
  one = await startQuarterdeck({
    QUARTERDECK_MASTER_KEY: old,
    QUARTERDECK_PREVIOUS_MASTER_KEYS: next,
  });
  other = await startQuarterdeck(
    { QUARTERDECK_MASTER_KEY: next, QUARTERDECK_PREVIOUS_MASTER_KEYS: old, QUARTERDECK_ROLE: 'api' },
    one,
  );
});
afterAll(async () => {
  await other.stop();
  await one.stop();
});

const by = async (
  running: Running,
  who: Who,
  path: string,
  body?: object,
  reason = 'Asked for in writing.',
) =>
  ask(running.base, await one.cookieOf(who), {
    path: `/internal/v1${path}`,
    ...(body === undefined ? {} : { body, headers: { 'quarterdeck-reason': encodeURIComponent(reason) } }),
  });
const opened = async (accountId: string) => {
  const { status } = await by(
    one,
    'admin',
    '/commands/open-account',
    account({ accountId, name: 'Zoe Quibble' }),
  );
  expect(status).toBe(200);
};
const replayed = async (running: Running, stream: string) =>
  (await by(running, 'compliance', `/audit/replay/${stream}`)).text;
const erase = (subject: string, running = one) =>
  by(running, 'compliance', '/commands/erase-subject', { subject, basis: 'gdpr-art-17-1-a' });

test('a subject is erased over HTTP, and another process that knew them has forgotten them', async () => {
  await opened('zoe');
  expect(await replayed(other, 'account-zoe')).toContain('Zoe Quibble');
  const { status, body } = await erase('account-zoe');
  expect([status, body.events]).toEqual([200, [expect.objectContaining({ type: 'SubjectErased' })]]);
  expect(await replayed(one, 'account-zoe')).not.toContain('Zoe Quibble');
  while ((await replayed(other, 'account-zoe')).includes('Zoe Quibble')) await sleep(1);
  for (;;) {
    const { body: row } = await by(other, 'compliance', '/erasures/account-zoe');
    const { state, erasedBy } = (row.data ?? {}) as Record<string, unknown>;
    if (state === 'scrubbed') {
      expect(erasedBy).toMatch(/^person:/);
      break;
    }
    await sleep(20);
  }
  const { body: row } = await by(other, 'admin', '/accounts/zoe');
  expect(row.data).toMatchObject({ name: '[erased]' });
  expect(await erase('account-zoe', other)).toMatchObject({ status: 200, body: { events: [] } });
});

describe('an export of the log, verified as an auditor does', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'quarterdeck-erased-'));
    await opened('still-there');
    await writeFile(path.join(folder, 'vkey'), (await by(one, 'compliance', '/audit/vkey')).text);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  const exported = async (body: object) =>
    (await by(one, 'compliance', '/audit/exports', { readable: true, ...body })).text;
  const verified = async (text: string) => {
    const file = path.join(folder, 'log.ndjson');
    await writeFile(file, text);
    return one.run(['verify', file, '--key', path.join(folder, 'vkey')]);
  };

  test('is intact with what was erased lawfully, and names the event that says why', async () => {
    const text = await exported({});
    expect(text).toContain('[erased]');
    expect(await verified(text)).toMatch(
      /^intact, with what was erased lawfully\nerased lawfully \(event \d+\): \d+ fields/,
    );
    expect(await verified(await exported({ filter: { stream: 'account-zoe' } }))).toMatch(
      /^intact\n(?:.*\n)*.*the event that says why is not among those of this export/,
    );
  });

  test('is altered where a field reads as erased and no event says why', async () => {
    const text = await exported({});
    const hidden = text.replace(
      /("event":\{"position":\d+,"id":"[^"]+","stream":"account-still-there".*?)"Zoe Quibble"/,
      '$1"[erased]"',
    );
    expect(hidden).not.toBe(text);
    await expect(verified(hidden)).rejects.toMatchObject({
      code: 1,
      stdout: expect.stringMatching(
        /^altered at \d+\n.*no event records that account-still-there was erased/,
      ),
    });
  });
});

test('an account’s id names whose data is erased or held, in place of the subject', async () => {
  for (const id of ['by-id', 'kept']) await opened(id);
  const to = (accountId: string, more: object = {}) =>
    by(one, 'compliance', '/commands/erase-subject', { accountId, basis: 'gdpr-art-17-1-a', ...more });
  const hold = { holdId: 'by-id', accountId: 'kept', matter: 'Quibble ./. Telco' };
  expect((await by(one, 'compliance', '/commands/place-legal-hold', hold)).status).toBe(200);
  expect(await to('kept')).toMatchObject({ status: 409, body: { rejection: 'legal_hold' } });
  expect((await to('by-id')).status).toBe(200);
  expect(await replayed(one, 'account-by-id')).not.toContain('Zoe Quibble');
  // Under either name it is the same erasure.
  expect(await erase('account-by-id')).toMatchObject({ status: 200, body: { events: [] } });
  const told = async (answer: ReturnType<typeof to>, path: string, message: string) =>
    expect(await answer).toMatchObject({
      status: 422,
      body: { errors: [{ path, message: expect.stringContaining(message) }] },
    });
  await told(to('nobody'), 'subject', 'Nothing personal is kept of account-nobody');
  await told(
    to('by-id', { subject: 'account-kept' }),
    'subject',
    'must be the only one of subject or accountId',
  );
  await told(to('no such id'), 'accountId', 'must be 1 to 64');
  const neither = by(one, 'compliance', '/commands/erase-subject', { basis: 'gdpr-art-17-1-a' });
  await told(neither, 'subject', 'is missing; give subject or accountId');
  const unknown = by(one, 'compliance', '/commands/erase-subject', { invoiceId: 'by-id', basis: 'other' });
  expect(await unknown).toMatchObject({ status: 422 });
});

test('what may not be erased is told by status, code and field', async () => {
  await opened('held');
  const hold = { holdId: 'case-1', subject: 'account-held', matter: 'Quibble ./. Telco' };
  expect((await by(one, 'compliance', '/commands/place-legal-hold', hold)).status).toBe(200);
  expect(await erase('account-held')).toMatchObject({
    status: 409,
    body: { code: 'rejected', rejection: 'legal_hold' },
  });
  expect(await erase('account-nobody')).toMatchObject({
    status: 422,
    body: { code: 'invalid_input', errors: [{ path: 'subject' }] },
  });
  const nobody = await by(one, 'compliance', '/commands/lift-legal-hold', { holdId: 'case-0' });
  expect(nobody).toMatchObject({ status: 404, body: { code: 'not_found' } });
  const admin = await by(one, 'admin', '/commands/erase-subject', {
    subject: 'account-held',
    basis: 'other',
  });
  expect(admin).toMatchObject({ status: 403, body: { permission: 'compliance:erase' } });
  expect((await by(one, 'compliance', '/commands/lift-legal-hold', { holdId: 'case-1' })).status).toBe(200);
  expect((await erase('account-held')).status).toBe(200);
});

test('keys are wrapped anew beside both processes, and each of them reads on', async () => {
  await opened('nell');
  expect(await other.run(['keys', 'rewrap'])).toMatch(/keys of personal data are wrapped by the master key/);
  expect(await other.run(['keys', 'rewrap'])).toMatch(/already/);
  for (const running of [one, other])
    expect(await replayed(running, 'account-nell')).toContain('Zoe Quibble');
  await expect(other.run(['keys', 'no-such'])).rejects.toThrow();
});

test('a master key that is another one stops the start with a sentence', async () => {
  const wrong = { QUARTERDECK_MASTER_KEY: randomBytes(32).toString('base64') };
  await expect(startQuarterdeck(wrong, one)).rejects.toThrow(
    /cannot go on: The master key does not open the keys.*QUARTERDECK_PREVIOUS_MASTER_KEYS/,
  );
});

test('production does not start without a mirror once anything personal is kept', async () => {
  const production = {
    NODE_ENV: 'production',
    QUARTERDECK_PUBLIC_URL: 'https://quarterdeck.example',
    QUARTERDECK_ALLOWED_NETWORKS: '127.0.0.0/8',
    QUARTERDECK_SAML_METADATA: 'okta=https://okta.example/metadata',
    QUARTERDECK_MASTER_KEY: next ?? '',
    QUARTERDECK_SIGNING_KEY: randomBytes(32).toString('base64'),
  };
  await expect(startQuarterdeck(production, one)).rejects.toThrow(
    /In production QUARTERDECK_LOG_MIRROR must name a place outside the database/,
  );
});
