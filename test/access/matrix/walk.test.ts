/**
 * Walks every route of the OpenAPI document on a running server: unauthenticated, unauthorised, authorised
 * and about rows out of reach. A route without its cases fails here, and so does one that answers otherwise
 * than the reviewed matrix says.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { account } from '../../contract/bad-input.ts';
import {
  type Answered,
  type Asked,
  ask,
  type Running,
  startQuarterdeck,
  type Who,
} from '../../contract/running.ts';
import { type Case, cases, commandNames, type Ids, idOf, type Place } from './cases.ts';
import {
  cellOfRoute,
  type Described,
  type Document,
  isClosed,
  operationsIn,
  samplePolicy,
} from './matrix.ts';
import { everythingRegional } from './regional.ts';

const roles = ['support', 'regional-support', 'billing', 'ops', 'admin', 'compliance'] satisfies Who[];
const places = ['emea', 'amer'] as const;

let running: Running;
let operations: readonly Described[];
beforeAll(async () => {
  running = await startQuarterdeck();
  const cookie = await running.cookieOf('support');
  const { body } = await ask(running.base, cookie, { path: '/internal/openapi.json' });
  operations = operationsIn(body as never as Document).filter(isClosed);
});
afterAll(() => running.stop());

const as = async (who: Who | undefined, asked: Asked): Promise<Answered> =>
  ask(running.base, who === undefined ? undefined : await running.cookieOf(who), asked);

const nameOf = ({ method, path }: Described): string => `${method.toUpperCase()} ${path}`;

/** Enough to get past the gate, and too little to do anything. */
const barely = ({ method, path }: Described): Asked => ({
  path: path.replaceAll(/\{\w+\}/g, 'none'),
  ...(method === 'post' ? { body: {} } : { method: method.toUpperCase() as 'GET' }),
});

test('every route has its cases, and every case its route', () => {
  expect([...cases.keys()].sort()).toEqual(operations.map(nameOf).sort());
});

test('unauthenticated, every route is 401', async () => {
  for (const operation of operations) {
    const { status, body } = await as(undefined, barely(operation));
    expect([nameOf(operation), status, body.code]).toEqual([nameOf(operation), 401, 'not_authenticated']);
  }
});

test('each role is let into the routes that the matrix gives it, and gets 403 from all others', async () => {
  const policy = samplePolicy();
  for (const role of roles) {
    for (const operation of operations) {
      const permission = operation['x-permission'];
      const cell = cellOfRoute(policy, role, operation);
      const { status, body } = await as(role, barely(operation));
      const told = [role, nameOf(operation), status === 403 ? body.permission : 'let in'];
      expect(told).toEqual([role, nameOf(operation), cell === '-' ? permission : 'let in']);
    }
  }
});

const applyPolicy = async (text: string): Promise<void> => {
  const file = join(running.dataDir, 'policy.yaml');
  writeFileSync(file, text);
  const applied = spawnSync(process.execPath, ['--import', 'tsx', 'src/main.ts', 'policy', 'apply', file], {
    encoding: 'utf8',
    env: {
      ...process.env,
      NODE_OPTIONS: '',
      DATABASE_URL: running.db.applicationUrl,
      QUARTERDECK_OWNER_DATABASE_URL: running.db.ownerUrl,
      QUARTERDECK_DATA_DIR: running.dataDir,
    },
  });
  expect([applied.stdout, applied.stderr]).toEqual([expect.stringContaining('is in force'), '']);
  const roleNow = async () => (await as(everything, { path: '/internal/v1/me' })).body.roles;
  while (!JSON.stringify(await roleNow()).includes('everything-regional')) await sleep(20);
};

/** How much an answer holds: items of a job, else simply its text. */
const amountIn = ({ body, text }: Answered): number =>
  typeof body.total === 'number' ? body.total : text.length;

const everything: Who = 'regional-support';

describe('about rows that are reached, and rows that are not', () => {
  let ids: Ids;

  const done = async (who: Who, path: string, body: object): Promise<Answered> => {
    const answer = await as(who, { path: `/internal/v1/commands/${path}`, body });
    expect([path, answer.text, answer.status]).toEqual([path, answer.text, 200]);
    return answer;
  };

  /** One account a command and place, and whatever the commands act on, under the account's own id. */
  const prepare = async (place: (typeof places)[number], command: string): Promise<void> => {
    const id = idOf(place, command);
    const money = { amount: '9.00' };
    await done('admin', 'open-account', account({ accountId: id, region: place.toUpperCase() }));
    await done('admin', 'raise-invoice', { invoiceId: id, accountId: id, ...money, dueOn: '2026-12-01' });
    if (command === 'refund-invoice')
      await done('admin', 'settle-invoice', { invoiceId: id, ...money, paidOn: '2026-11-01' });
    if (command === 'reactivate-account')
      await done('admin', 'suspend-account', { accountId: id, reason: 'Unpaid.' });
    await done('admin', 'issue-credit', { creditId: id, accountId: id, ...money, reason: 'Sorry.' });
    await done('admin', 'add-note', { noteId: id, accountId: id, text: 'Called.' });
    const until = '2100-01-01T00:00:00Z';
    await done('admin', 'grant-support-access', {
      grantId: id,
      accountId: id,
      grantee: 'Sam',
      until,
      reason: 'x',
    });
  };

  const jobOf = async (who: Who): Promise<string> => {
    const path = '/internal/v1/bulk-jobs';
    const targets = [idOf('emea', 'row')];
    const body = { command: 'set-account-flag', input: { flag: 'job', value: true }, targets };
    const { id } = (await as(who, { path, body })).body as { id: string };
    for (;;) {
      const { body: job } = await as(who, { path: `${path}/${id}` });
      if (job.finishedAt !== null) return id;
      await sleep(20);
    }
  };

  const exportOf = async (who: Who): Promise<string> => {
    const path = '/internal/v1/exports';
    const body = { query: 'accounts', format: 'ndjson', fields: ['accountId'] };
    const { id } = (await as(who, { path, body })).body as { id: string };
    for (;;) {
      const { body: made } = await as(who, { path: `${path}/${id}` });
      if (made.finishedAt !== null) return id;
      await sleep(20);
    }
  };

  beforeAll(async () => {
    await as(everything, { path: '/internal/v1/me' });
    await applyPolicy(everythingRegional());
    for (const place of places) for (const command of ['row', ...commandNames]) await prepare(place, command);
    const { position } = (
      await done('admin', 'change-plan', { accountId: idOf('amer', 'row'), plan: 'last' })
    ).body;
    for (const projection of ['accounts', 'invoices', 'credits', 'notes', 'access-grants']) {
      const headers = { 'quarterdeck-min-position': String(position) };
      expect((await as('admin', { path: `/internal/v1/${projection}?limit=1`, headers })).status).toBe(200);
    }
    const each = async (of: (who: Who) => Promise<string>) => ({
      emea: await of(everything),
      amer: await of('ops'),
      none: crypto.randomUUID(),
    });
    ids = { job: await each(jobOf), export: await each(exportOf), removable: await each(exportOf) };
  });

  /** Without what differs between any two answers, and the ids that were asked for. */
  const comparable = (answer: Answered, place: Place): object => {
    const { requestId: _, ...body } = answer.body;
    const names = [...answer.headers.keys()].filter(
      (name) => !['content-length', 'keep-alive'].includes(name),
    );
    const own = Object.values(ids).map((of) => of[place]);
    const text = own
      .reduce((told, id) => told.replaceAll(id, 'JOB'), JSON.stringify(body))
      .replaceAll(`${place}-`, 'ID-');
    return { status: answer.status, names, text };
  };

  const expectCase = async (name: string, { ask: asking, reached, outOfReach }: Case): Promise<void> => {
    const answered = (place: Place) => as(everything, asking(place, ids));
    if (outOfReach === 'as-missing') {
      const amer = await answered('amer');
      expect([name, comparable(amer, 'amer')]).toEqual([name, comparable(await answered('none'), 'none')]);
      expect([name, amer.status, amer.body.code]).toEqual([name, 404, 'not_found']);
    }
    if (outOfReach === 'refused') {
      const amer = await answered('amer');
      expect([name, amer.status, amer.body.code]).toEqual([name, 403, 'not_permitted']);
    }
    const emea = await answered('emea');
    expect([name, emea.status, emea.text]).toEqual([name, reached, emea.text]);
    if (outOfReach === 'left-out') {
      expect([name, emea.text.includes('amer-'), emea.text.includes(ids.job.amer)]).toEqual([
        name,
        false,
        false,
      ]);
      expect([name, emea.text.includes(ids.export.amer)]).toEqual([name, false]);
      const whole = await as('admin', asking('emea', ids));
      expect([name, whole.status, amountIn(whole) > amountIn(emea)]).toEqual([name, reached, true]);
    }
  };

  test('authorised and reached is answered, out of reach is as if it were not there', async () => {
    for (const operation of operations) {
      const name = nameOf(operation);
      const found = cases.get(name);
      if (found === undefined) throw new Error(`${name} has no case`);
      await expectCase(name, found);
    }
  });

  test('a dry run of a command out of reach is answered as one of what is not there', async () => {
    for (const command of commandNames) {
      const found = cases.get(`POST /internal/v1/commands/${command}`) as Case;
      const dry = async (place: Place) => {
        const asked = found.ask(place, ids);
        return comparable(await as(everything, { ...asked, path: `${asked.path}?dryRun=true` }), place);
      };
      expect([command, await dry('amer')]).toEqual([command, await dry('none')]);
    }
  });

  test('a bulk job over given targets tells those out of reach as missing ones', async () => {
    const target = (place: Place) => idOf(place, 'row');
    const targets = (['emea', 'amer', 'none'] as const).map(target);
    const body = { command: 'change-plan', input: { plan: 'bulk' }, targets };
    const { id } = (await as(everything, { path: '/internal/v1/bulk-jobs', body })).body as { id: string };
    const job = () => as(everything, { path: `/internal/v1/bulk-jobs/${id}` });
    while ((await job()).body.finishedAt === null) await sleep(20);
    const { body: page } = await as(everything, { path: `/internal/v1/bulk-jobs/${id}/results` });
    const told = (page.data as { target: string; outcome: string; code?: string; message?: string }[]).map(
      ({ target: asked, outcome, code, message }) => [outcome, code, message?.replaceAll(asked, 'ID')],
    );
    expect(told[0]?.[0]).toBe('succeeded');
    expect(told[1]).toEqual(['rejected', 'not_found', 'There is no account ID.']);
    expect(told[1]).toEqual(told[2]);
  });

  test('a bulk job over a filter counts the rows that are reached', async () => {
    const body = { command: 'change-plan', input: { plan: 'all' }, where: {}, dryRun: true };
    const counted = async (who: Who) =>
      (await as(who, { path: '/internal/v1/bulk-jobs', body })).body.total as number;
    const { body: page } = await as(everything, { path: '/internal/v1/accounts?limit=1000' });
    expect(await counted(everything)).toBe((page.data as unknown[]).length);
    expect(await counted('admin')).toBeGreaterThan(await counted(everything));
  });
});
