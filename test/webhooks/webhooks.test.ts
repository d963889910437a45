/** What webhooks promise to whoever receives them. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Webhook as Receiver } from 'standardwebhooks';
import { createPool } from '../../src/db/pool.ts';
import { until } from '../setup/until.ts';
import { account, ann, type Office, openOffice, openReceiver, person } from './office.ts';

let office: Office;
beforeAll(async () => {
  office = await openOffice();
  await office.engine.start({ project: true, work: true });
});
afterAll(() => office.close());

const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});

const listen = async (...answer: Parameters<typeof openReceiver>) => {
  const receiver = await openReceiver(...answer);
  opened.push(receiver);
  return receiver;
};

const register = async (webhookId: string, url: string, more: object = {}): Promise<string> => {
  await office.run('register-webhook', {
    webhookId,
    url,
    events: ['AccountOpened', 'AccountSuspended'],
    ...more,
  });
  const { desk } = webhooksOf();
  return (await desk.secret({ principal: ann, id: webhookId })).secret;
};

const webhooksOf = () => {
  const { webhooks } = office.engine;
  if (webhooks === undefined) throw new Error('the engine was not asked for webhooks');
  return webhooks;
};

const standing = async (id: string) => {
  const { data } = await office.engine.reactors.desk.list({ principal: ann });
  return data.find(({ name }) => name === `webhook-${id}`);
};

const deliveries = async (id: string, more: object = {}) =>
  (await webhooksOf().desk.deliveries({ principal: ann, id, ...more })).data;

test('an event arrives as a CloudEvent, signed as Standard Webhooks says', async () => {
  const receiver = await listen();
  const secret = await register('signed', receiver.url);
  const position = await office.run('open-account', account('signed-1', { name: 'Ada Lovelace' }));
  await until(() => receiver.received.length === 1);
  const [{ headers, body }] = receiver.received as [{ headers: Record<string, string>; body: string }];
  const event = new Receiver(secret).verify(body, headers) as Record<string, unknown>;
  const [stored] = await office.engine.log.readAt([position]);
  expect(event).toMatchObject({
    specversion: '1.0',
    id: stored?.id,
    source: 'https://quarterdeck.example',
    type: 'AccountOpened',
    subject: 'account-signed-1',
    time: stored?.recordedAt,
    datacontenttype: 'application/json',
    position,
    streamversion: 1,
    actor: 'person:ann',
    command: 'open-account',
    data: { accountId: 'signed-1', plan: 'DSL' },
  });
  expect(headers['webhook-id']).toBe(stored?.id);
  expect(headers['content-type']).toContain('application/cloudevents+json');
  for (const name of Object.keys(event)) expect([name, /^[a-z0-9]+$/.test(name)]).toEqual([name, true]);
  const forged = new Receiver(`whsec_${Buffer.alloc(32).toString('base64')}`);
  expect(() => forged.verify(body, headers)).toThrow();
  expect(await deliveries('signed')).toMatchObject([
    { position, attempt: 1, status: 204, outcome: 'delivered', failure: null, type: 'AccountOpened' },
  ]);
});

test('only the types that it asked for are sent, and none from before it was registered', async () => {
  await office.run('open-account', account('choosy-before'));
  const receiver = await listen();
  await register('choosy', receiver.url, { events: ['AccountSuspended'] });
  await office.run('open-account', account('choosy-1'));
  await office.run('suspend-account', { accountId: 'choosy-1', reason: 'Unpaid.' });
  await until(() => receiver.received.length === 1);
  await sleep(300);
  expect(receiver.received.map(({ body }) => JSON.parse(body).type)).toEqual(['AccountSuspended']);
});

test('personal fields are left out, unless it is configured for them by somebody who may', async () => {
  const [without, with_] = [await listen(), await listen()];
  await register('discreet', without.url);
  await register('entrusted', with_.url, { personal: true });
  const owner = { name: 'Grace Hopper', ownerEmail: 'grace@example.test' };
  await office.run('open-account', account('personal-1', owner));
  await until(() => without.received.length === 1 && with_.received.length === 1);
  expect(without.received[0]?.body).not.toMatch(/Grace|grace@/);
  expect(JSON.parse(with_.received[0]?.body ?? '{}').data).toMatchObject(owner);
  const manager = person(['webhooks:manage', 'webhooks:read']);
  const asked = { webhookId: 'greedy', url: without.url, events: ['*'], personal: true };
  await expect(office.run('register-webhook', asked, manager)).rejects.toMatchObject({
    code: 'not_permitted',
  });
  const moved = { webhookId: 'entrusted', url: 'https://elsewhere.example/' };
  await expect(office.run('change-webhook', moved, manager)).rejects.toMatchObject({
    rejection: 'webhook_sends_personal_data',
  });
  await office.run('change-webhook', { ...moved, personal: false }, manager);
});

test('what is not taken is sent again under the same id, and Retry-After is heeded', async () => {
  const receiver = await listen((n) => (n === 0 ? { status: 429, headers: { 'retry-after': '2' } } : 200));
  await register('again', receiver.url);
  const begun = Date.now();
  await office.run('open-account', account('again-1'));
  await until(() => receiver.received.length === 2);
  // Its own pause would have been five seconds, give or take a fifth.
  expect(Date.now() - begun).toBeGreaterThanOrEqual(2_000);
  expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
  expect((await deliveries('again')).map(({ attempt, status }) => [attempt, status])).toEqual([
    [2, 200],
    [1, 429],
  ]);
});

test('410 Gone is given up at once, kept as a dead letter, and can be sent again by hand', async () => {
  let gone = true;
  const receiver = await listen(() => (gone ? 410 : 200));
  await register('gone', receiver.url);
  const position = await office.run('open-account', account('gone-1'));
  await until(async () => (await standing('gone'))?.dead === 1);
  gone = false;
  const { desk } = webhooksOf();
  await desk.redeliver({ principal: ann, id: 'gone', position });
  await until(async () => (await deliveries('gone', { outcome: 'delivered' })).length === 1);
  expect((await standing('gone'))?.dead).toBe(0);
  await desk.redeliver({ principal: ann, id: 'gone', position });
  await until(() => receiver.received.length === 3);
  await expect(desk.redeliver({ principal: ann, id: 'gone', position: 10_000_000 })).rejects.toMatchObject({
    code: 'not_found',
  });
});

test('the secret is shown once; a new one overlaps with the old, unless it was to end at once', async () => {
  const receiver = await listen();
  const first = await register('rotated', receiver.url);
  const { desk } = webhooksOf();
  const show = () => desk.secret({ principal: ann, id: 'rotated' });
  await expect(show()).rejects.toMatchObject({ code: 'rejected', rejection: 'secret_shown' });
  await office.run('rotate-webhook-secret', { webhookId: 'rotated' });
  const second = (await show()).secret;
  expect(second).not.toBe(first);
  const verified = (secret: string, n: number): boolean => {
    const { headers, body } = receiver.received[n] as { headers: Record<string, string>; body: string };
    try {
      new Receiver(secret).verify(body, headers);
      return true;
    } catch {
      return false;
    }
  };
  await sleep(1_500);
  await office.run('open-account', account('rotated-1'));
  await until(() => receiver.received.length === 1);
  expect([verified(first, 0), verified(second, 0)]).toEqual([true, true]);
  await office.run('rotate-webhook-secret', { webhookId: 'rotated', overlapHours: 0 });
  const third = (await show()).secret;
  await sleep(1_500);
  await office.run('open-account', account('rotated-2'));
  await until(() => receiver.received.length === 2);
  expect([first, second, third].map((secret) => verified(secret, 1))).toEqual([false, false, true]);
});

test('no secret stands in the log, in a table or in the queue', async () => {
  const secret = await register('hidden', 'http://127.0.0.1:9/');
  const bare = secret.slice('whsec_'.length);
  const superuser = createPool({ url: office.db.superuserUrl, max: 1, onError: () => undefined });
  opened.push({ close: () => superuser.end() });
  const { rows: tables } = await superuser.query<{ name: string }>(
    `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
     WHERE schemaname IN ('public', 'read_models', 'bullmq')`,
  );
  expect(tables.length).toBeGreaterThan(10);
  for (const { name } of tables) {
    const { rows } = await superuser.query<{ n: number }>(
      `SELECT count(*)::int AS n FROM ${name} t WHERE t::text LIKE '%' || $1 || '%'`,
      [bare],
    );
    expect([name, rows[0]?.n]).toEqual([name, 0]);
  }
});

test('a disabled endpoint is sent nothing, and enabled again what comes from then on', async () => {
  const receiver = await listen();
  await register('disabled', receiver.url);
  await office.run('disable-webhook', { webhookId: 'disabled' });
  await sleep(1_500);
  await office.run('open-account', account('disabled-1'));
  await sleep(500);
  await office.run('enable-webhook', { webhookId: 'disabled' });
  await office.run('open-account', account('disabled-2'));
  await until(() => receiver.received.length > 0);
  await sleep(500);
  expect(receiver.received.map(({ body }) => JSON.parse(body).subject)).toEqual(['account-disabled-2']);
});

test('one endpoint that does not answer holds up no other', async () => {
  const [stuck, well] = [await listen(() => 503), await listen()];
  await register('stuck', stuck.url, { ordered: true });
  await register('well', well.url, { ordered: true });
  for (let n = 0; n < 10; n++) await office.run('open-account', account(`beside-${n}`));
  await until(() => well.received.length === 10);
  expect(await standing('well')).toMatchObject({ failures: 0 });
  const ill = await standing('stuck');
  expect((ill?.pending ?? 0) + (ill?.held ?? 0)).toBe(10);
});

describe('Where a webhook may go', () => {
  const outcomeAt = async (id: string, url: string): Promise<unknown> => {
    await register(id, url);
    await office.run('open-account', account(`${id}-1`));
    await until(async () => (await deliveries(id)).length > 0);
    return (await deliveries(id))[0];
  };

  test.each([
    ['private-address', 'http://10.1.2.3/'],
    ['metadata', 'http://169.254.169.254/latest/meta-data/'],
    ['mapped', 'http://[::ffff:10.0.0.1]/'],
    ['compatible', 'http://[::10.0.0.1]/'],
    ['own-network', 'http://[fd00::1]/'],
    ['any', 'http://0.0.0.0/'],
    ['decimal', 'http://167837953/'],
  ])('an address that is not public is refused before anything is sent: %s', async (id, url) => {
    expect(await outcomeAt(id, url)).toMatchObject({ outcome: 'refused', status: null });
    await until(async () => (await standing(id))?.dead === 1);
  });

  test('so is a name that stands for one', async () => {
    expect(await outcomeAt('by-name', 'http://ip6-localhost.localdomain.invalid/')).toMatchObject({
      status: null,
      failure: 'No answer: ENOTFOUND.',
    });
  });

  test('a redirection is not followed', async () => {
    const target = await listen();
    const receiver = await listen(() => ({ status: 307, headers: { location: target.url } }));
    expect(await outcomeAt('redirected', receiver.url)).toMatchObject({ outcome: 'failed', status: 307 });
    expect(target.received).toEqual([]);
  });

  test.each([
    ['ftp://receiver.example/'],
    ['https://user:secret@receiver.example/'],
    ['receiver.example'],
    ['https://receiver.example/#part'],
  ])('no address at all: %s', async (url) => {
    const asked = { webhookId: 'odd', url, events: ['*'] };
    await expect(office.run('register-webhook', asked)).rejects.toMatchObject({ code: 'invalid_input' });
  });

  test('an event type that there is not is refused by name', async () => {
    const asked = { webhookId: 'odd', url: 'https://receiver.example/', events: ['AccountVanished'] };
    await expect(office.run('register-webhook', asked)).rejects.toMatchObject({
      code: 'invalid_input',
      errors: [{ path: 'events' }],
    });
  });
});
