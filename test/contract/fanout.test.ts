/** Fan-out as a tool sees it, over HTTP alone: the feed, webhooks, reactors, and a restored copy. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { until } from '../setup/until.ts';
import { account } from './bad-input.ts';
import { type Answered, type Asked, ask, type Running, startQuarterdeck } from './running.ts';

let running: Running;
let admin: string;
beforeAll(async () => {
  running = await startQuarterdeck();
  admin = await running.cookieOf('admin');
});
afterAll(() => running.stop());

const asked = (request: Asked, cookie: string | undefined = admin): Promise<Answered> =>
  ask(running.base, cookie, request);

const command = (name: string, body: object): Promise<Answered> =>
  asked({ path: `/internal/v1/commands/${name}`, body });

const lines = ({ text }: Answered): Record<string, unknown>[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));

test('the feed is lines of CloudEvents, and the next answer goes on where one ended', async () => {
  await command('open-account', account({ accountId: 'feed-1' }));
  const first = await asked({ path: '/internal/v1/feed?limit=1' });
  expect(first.headers.get('content-type')).toContain('application/x-ndjson');
  expect(lines(first)).toMatchObject([
    { specversion: '1.0', type: 'AccountOpened', subject: 'account-feed-1' },
  ]);
  const after = first.headers.get('quarterdeck-position');
  const waiting = asked({ path: `/internal/v1/feed?after=${after}&wait=30` });
  await command('suspend-account', { accountId: 'feed-1', reason: 'Unpaid.' });
  expect(lines(await waiting)).toMatchObject([{ type: 'AccountSuspended' }]);
  expect(await asked({ path: '/internal/v1/feed' }, await running.cookieOf('support'))).toMatchObject({
    status: 403,
    body: { code: 'not_permitted', permission: 'feed:read' },
  });
});

test('however many wait for the feed, the process does not take them for a leak', async () => {
  const { headers } = await asked({ path: '/internal/v1/feed' });
  const path = `/internal/v1/feed?after=${headers.get('quarterdeck-position')}&wait=3`;
  const waiting = Array.from({ length: 20 }, () => asked({ path }));
  for (const one of await Promise.all(waiting)) expect(lines(one)).toEqual([]);
  expect(running.output()).not.toContain('MaxListenersExceededWarning');
});

test('an endpoint is registered, told of an event, and its deliveries are listed', async () => {
  const got: string[] = [];
  const server = createServer((request, response) => {
    request.on('data', (chunk: Buffer) => got.push(chunk.toString()));
    request.on('end', () => response.writeHead(204).end());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  expect(
    await command('register-webhook', { webhookId: 'billing-sync', url, events: ['AccountOpened'] }),
  ).toMatchObject({ status: 200, body: { stream: 'webhook-billing-sync', version: 1 } });
  const secret = await asked({ path: '/internal/v1/webhooks/billing-sync/secret', method: 'POST' });
  expect(secret).toMatchObject({
    status: 200,
    body: { secret: expect.stringMatching(/^whsec_/), generation: 1 },
  });
  expect(await asked({ path: '/internal/v1/webhooks/billing-sync/secret', method: 'POST' })).toMatchObject({
    status: 409,
    body: { rejection: 'secret_shown' },
  });
  await command('open-account', account({ accountId: 'hooked-1' }));
  await until(() => got.length === 1);
  expect(JSON.parse(got[0] ?? '')).toMatchObject({ subject: 'account-hooked-1' });
  const deliveries = () => asked({ path: '/internal/v1/webhooks/billing-sync/deliveries' });
  await until(async () => ((await deliveries()).body.data as unknown[]).length === 1);
  expect((await deliveries()).body).toMatchObject({
    data: [{ outcome: 'delivered', status: 204 }],
    nextCursor: null,
  });
  const endpoint = () => asked({ path: '/internal/v1/webhook-endpoints/billing-sync' });
  // Its projection may still be built beside the first commands of a new process.
  await until(async () => (await endpoint()).status !== 503);
  const { body: row } = await endpoint();
  expect(row).toMatchObject({ data: { url, state: 'enabled', secretShown: true } });
  const seen = await asked(
    { path: '/internal/v1/webhook-endpoints/billing-sync' },
    await running.cookieOf('compliance'),
  );
  expect(seen.body.data).not.toHaveProperty('url');
  server.closeAllConnections();
  server.close();
});

test('operators see how reactors stand', async () => {
  const { status, body } = await asked({ path: '/internal/v1/reactors' });
  expect(status).toBe(200);
  expect(body.data).toMatchObject([{ name: 'webhook-billing-sync', dead: 0, paused: null }]);
  const paused = await asked({ path: '/internal/v1/reactors/webhook-billing-sync/pause', method: 'POST' });
  expect(paused.body).toMatchObject({ paused: { reason: null } });
  const resumed = await asked({ path: '/internal/v1/reactors/webhook-billing-sync/resume', method: 'POST' });
  expect(resumed.body).toMatchObject({ paused: null });
});

test('a restored copy says so, reaches nothing outside, and can be adopted', async () => {
  const copy = await startQuarterdeck({ QUARTERDECK_ENVIRONMENT: 'staging' }, running);
  const warnings = async () => (await ask(copy.base, undefined, { path: '/readyz' })).body.warnings;
  expect(copy.output()).toContain('belongs to the environment development');
  expect(await warnings()).toMatchObject([
    { name: 'environment', warning: expect.stringContaining('adopt-environment') },
  ]);
  expect((await ask(running.base, undefined, { path: '/readyz' })).body.warnings).toEqual([]);
  expect(await copy.run(['adopt-environment'])).toContain('belongs to staging from now on');
  expect(await warnings()).toEqual([]);
  expect(await copy.run(['adopt-environment'])).toContain('belongs to staging already');
  const { body } = await asked({ path: '/internal/v1/reactors' });
  expect(body.data).toMatchObject([{ paused: { reason: 'environment_adopted' } }]);
  await copy.stop();
});
