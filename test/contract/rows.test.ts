/**
 * Row scopes over the wire: what is watched live and who is told of whose bulk work, for somebody whose
 * roles reach the accounts of one region.
 */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { io, type Socket } from 'socket.io-client';
import { everythingRegional } from '../access/matrix/regional.ts';
import { until } from '../setup/until.ts';
import { account } from './bad-input.ts';
import { ask, type Running, startQuarterdeck, type Who } from './running.ts';

interface Update {
  readonly topic: string;
  readonly data: unknown;
}

let running: Running;
const sockets: Socket[] = [];
beforeAll(async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'quarterdeck-rows-')), 'policy.yaml');
  writeFileSync(file, everythingRegional());
  running = await startQuarterdeck({ QUARTERDECK_ACCESS_POLICY: file });
  for (const region of ['EMEA', 'AMER'])
    await command('admin', 'open-account', account({ accountId: region.toLowerCase(), region }));
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.disconnect();
});
afterAll(() => running.stop());

const as = async (who: Who, path: string, body?: unknown) =>
  ask(running.base, await running.cookieOf(who), { path, ...(body === undefined ? {} : { body }) });
const command = async (who: Who, name: string, body: object) => {
  const answer = await as(who, `/internal/v1/commands/${name}`, body);
  expect([name, answer.status, answer.text]).toEqual([name, 200, answer.text]);
};

const follow = async (who: Who) => {
  const cookie = await running.cookieOf(who);
  const socket = io(running.base, {
    path: '/internal/live',
    transports: ['websocket'],
    extraHeaders: { cookie, origin: running.base },
    forceNew: true,
  });
  sockets.push(socket);
  const updates: Update[] = [];
  socket.on('update', (update: Update) => updates.push(update));
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', () => resolve());
    socket.once('connect_error', reject);
  });
  return {
    updates,
    subscribe: (
      topic: string,
    ): Promise<{ ok: boolean; snapshot?: unknown; code?: string; detail?: string }> =>
      socket.emitWithAck('subscribe', { topic }),
  };
};

describe('live', () => {
  test('a row out of reach cannot be watched, to the letter as one that is not there', async () => {
    const { subscribe } = await follow('regional-support');
    expect(await subscribe('accounts/emea')).toMatchObject({ ok: true, snapshot: { accountId: 'emea' } });
    expect(await subscribe('accounts/amer')).toEqual(await subscribe('accounts/nowhere'));
    expect(await subscribe('accounts/amer')).toMatchObject({ ok: false, code: 'not_found' });
  });

  test('the newest events are told of rows that are reached, and of no other', async () => {
    const narrowed = await follow('regional-support');
    const whole = await follow('admin');
    const shown = (snapshot: unknown) => (snapshot as { stream: string }[]).map(({ stream }) => stream);
    const { snapshot } = await narrowed.subscribe('log');
    expect(shown(snapshot)).toContain('account-emea');
    expect(shown(snapshot)).not.toContain('account-amer');
    await whole.subscribe('log');
    for (const accountId of ['amer', 'emea'])
      await command('admin', 'change-plan', { accountId, plan: 'live' });
    const told = ({ updates }: typeof whole) =>
      updates.filter(({ topic }) => topic === 'log').flatMap(({ data }) => shown(data));
    await until(() => told(narrowed).includes('account-emea') && told(whole).includes('account-emea'));
    expect(told(whole)).toContain('account-amer');
    expect(told(narrowed)).not.toContain('account-amer');
  });

  test('bulk jobs are shown to whoever asked for them, and to those who reach every row', async () => {
    const narrowed = await follow('regional-support');
    const whole = await follow('admin');
    await narrowed.subscribe('bulk-jobs');
    await whole.subscribe('bulk-jobs');
    const start = async (who: Who) => {
      const body = { command: 'set-account-flag', input: { flag: 'f', value: true }, targets: ['emea'] };
      return (await as(who, '/internal/v1/bulk-jobs', body)).body.id as string;
    };
    const others = await start('ops');
    const own = await start('regional-support');
    const told = ({ updates }: typeof whole) =>
      updates.flatMap(({ data }) => (data as { id: string }[]).map(({ id }) => id));
    await until(
      () => told(narrowed).includes(own) && told(whole).includes(own) && told(whole).includes(others),
    );
    expect(told(narrowed)).not.toContain(others);
    expect(await narrowed.subscribe(`bulk-jobs/${own}`)).toMatchObject({ ok: true });
    const asMissing = async (id: string) =>
      JSON.stringify(await narrowed.subscribe(`bulk-jobs/${id}`)).replace(id, 'ID');
    expect(await asMissing(others)).toBe(await asMissing('0193'));
  });
});

describe('a dry run by somebody who reaches some rows', () => {
  const recorded = async (type: string) => {
    const { body } = await as('admin', `/internal/v1/audit/events?type=${type}&limit=1000`);
    return (body.data as { data: Record<string, unknown>; metadata: { actor: { id: string } } }[]).map(
      ({ data }) => data,
    );
  };
  const dryRun = (who: Who, name: string, body: object) =>
    as(who, `/internal/v1/commands/${name}?dryRun=true`, body);

  test('answers as the command itself would, and is recorded, whether there is something or not', async () => {
    const taken = account({ accountId: 'amer', region: 'EMEA' });
    const real = await as('regional-support', '/internal/v1/commands/open-account', taken);
    const dry = await dryRun('regional-support', 'open-account', taken);
    expect([dry.status, dry.body.detail]).toEqual([404, real.body.detail]);
    await dryRun('regional-support', 'change-plan', { accountId: 'nowhere', plan: 'x' });
    expect((await recorded('CommandRefused')).filter((data) => data.dryRun === true)).toEqual([
      expect.objectContaining({ command: 'open-account', code: 'not_found', stream: 'account-amer' }),
      expect.objectContaining({ command: 'change-plan', code: 'not_found', stream: 'account-nowhere' }),
    ]);
  });

  test('is not recorded where it is a success, or of those who reach every row', async () => {
    const before = await recorded('CommandRefused');
    expect((await dryRun('regional-support', 'change-plan', { accountId: 'emea', plan: 'x' })).status).toBe(
      200,
    );
    expect((await dryRun('admin', 'change-plan', { accountId: 'nowhere', plan: 'x' })).status).toBe(404);
    expect(await recorded('CommandRefused')).toEqual(before);
  });

  test('in bulk names the targets that it called missing', async () => {
    const start = async (who: Who) => {
      const targets = ['amer', 'emea', 'nowhere'];
      const body = { command: 'change-plan', input: { plan: 'y' }, targets, dryRun: true };
      return (await as(who, '/internal/v1/bulk-jobs', body)).body.id as string;
    };
    const ended = async (id: string) => {
      while ((await as('admin', `/internal/v1/bulk-jobs/${id}`)).body.state !== 'completed') await sleep(50);
    };
    const regional = await start('regional-support');
    const whole = await start('admin');
    await ended(regional);
    await ended(whole);
    expect(await recorded('BulkTargetsNotReached')).toEqual([
      { jobId: regional, chunk: expect.any(Number), prefix: 'account', targets: ['amer', 'nowhere'] },
    ]);
  });
});

describe('the policy', () => {
  test('tells who put it in force, at any position or time', async () => {
    const { status, body } = await as('compliance', '/internal/v1/policy');
    expect([status, body]).toMatchObject([
      200,
      { version: 1, appliedBy: { id: 'system', kind: 'system' }, diff: expect.any(Array) },
    ]);
    expect((body.policy as { roles: object }).roles).toHaveProperty('everything-regional');
    const at = (moment: unknown) =>
      as('compliance', `/internal/v1/policy?at=${encodeURIComponent(String(moment))}`);
    expect((await at(body.position)).body).toEqual(body);
    expect((await at(body.appliedAt)).body).toEqual(body);
    expect((await at(0)).status).toBe(404);
    expect((await at('yesterday')).body).toMatchObject({ code: 'invalid_input', errors: [{ path: 'at' }] });
    expect((await at('2100-01-01T00:00:00Z')).status).toBe(422);
    expect((await as('support', '/internal/v1/policy')).body).toMatchObject({ permission: 'policy:read' });
  });

  test('says which rows a person reaches by which attribute', async () => {
    const { body } = await as('regional-support', '/internal/v1/me');
    expect(body).toMatchObject({ roles: ['everything-regional'], attributes: { regions: ['EMEA'] } });
  });
});
