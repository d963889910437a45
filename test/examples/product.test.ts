/** The example of a product with a database of its own: kept in step both ways, and what differs is listed. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Installation, openInstallation } from '../../examples/product/installation.ts';
import { systemPrincipal } from '../../src/access/principal.ts';
import { type TestDatabase, testDatabase } from '../setup/database.ts';
import { until } from '../setup/until.ts';
import { account } from '../webhooks/office.ts';

let db: TestDatabase;
let dataDir: string;
let installation: Installation;
const productDatabase = `product_${process.pid}_${Date.now()}`;
beforeAll(async () => {
  db = await testDatabase();
  dataDir = await mkdtemp(join(tmpdir(), 'quarterdeck-product-'));
  installation = await openInstallation({
    servers: db,
    dataDir,
    port: 0,
    say: () => undefined,
    settleSeconds: 1,
    productDatabase,
  });
});
afterAll(async () => {
  await installation.close();
  await db.drop();
  await rm(dataDir, { recursive: true, force: true });
});

const run = (name: string, input: object) =>
  installation.engine.commands.execute({ name, input, principal: systemPrincipal, reason: 'Asked for.' });

const theirs = async (id: string): Promise<Record<string, unknown> | undefined> => {
  const { rows } = await installation.productPool.query('SELECT status, plan FROM accounts WHERE id = $1', [
    id,
  ]);
  return rows[0];
};

const ours = async (id: string): Promise<string> => {
  const { readSide } = installation.engine;
  const asked = { principal: systemPrincipal, projection: 'accounts', key: id, query: new URLSearchParams() };
  return String((await readSide.queries.get(asked)).data.status);
};

const inTheProduct = (path: string) => fetch(`${installation.product.url}${path}`, { method: 'POST' });

const openBoth = async (id: string): Promise<void> => {
  await run('open-account', account(id));
  await until(async () => (await theirs(id)) !== undefined);
};

test('what is decided here is done there', async () => {
  await openBoth('here-1');
  await run('suspend-account', { accountId: 'here-1', reason: 'Unpaid.' });
  await until(async () => (await theirs('here-1'))?.status === 'suspended');
  await run('change-plan', { accountId: 'here-1', plan: 'fibre' });
  await until(async () => (await theirs('here-1'))?.plan === 'fibre');
});

test('what is done there is observed here, as the product’s own act, and not told to it again', async () => {
  await openBoth('there-1');
  expect((await inTheProduct('/accounts/there-1/suspend')).status).toBe(200);
  await until(async () => (await ours('there-1')) === 'suspended');
  const { log } = installation.engine;
  const events = await log.readStreams(['account-there-1']);
  expect(events.at(-1)).toMatchObject({
    type: 'AccountSuspended',
    metadata: { actor: { id: 'service:product', kind: 'service' }, tool: 'product' },
  });
  const settled = await log.read({ after: 0, limit: 1_000, types: ['EffectApplied', 'EffectNotApplied'] });
  expect(settled.events.filter(({ data }) => data.eventId === events.at(-1)?.id)).toEqual([]);
});

test('an observation that is reported twice takes effect once', async () => {
  await openBoth('twice-1');
  await inTheProduct('/accounts/twice-1/suspend');
  await until(async () => (await ours('twice-1')) === 'suspended');
  await run('reactivate-account', { accountId: 'twice-1' });
  await until(async () => (await theirs('twice-1'))?.status === 'active');
  await installation.productPool.query('UPDATE outbox SET reported_at = NULL');
  await until(async () => {
    const { rows } = await installation.productPool.query('SELECT FROM outbox WHERE reported_at IS NULL');
    return rows.length === 0;
  });
  expect(await ours('twice-1')).toBe('active');
});

test('a bulk job is complete when the product has done it', async () => {
  const targets = Array.from({ length: 30 }, (_, n) => `bulk-${n}`);
  for (const id of targets) await openBoth(id);
  const { bulk } = installation.engine;
  const body = { command: 'suspend-account', input: { reason: 'Unpaid.' }, targets };
  const { job } = await bulk.accept.fromBody({ principal: systemPrincipal, body });
  const now = () => bulk.jobs.get({ principal: systemPrincipal, id: job.id });
  await until(async () => (await now()).finishedAt !== null);
  expect(await now()).toMatchObject({ succeeded: 30, effects: { pending: 0, applied: 30, notApplied: 0 } });
  expect((await Promise.all(targets.map(theirs))).every((row) => row?.status === 'suspended')).toBe(true);
});

test('what arrives by webhook is signed', async () => {
  await openBoth('hooked-1');
  const heard = async () =>
    (await installation.productPool.query(`SELECT type FROM heard WHERE subject = 'account-hooked-1'`)).rows;
  await until(async () => (await heard()).length === 1);
  expect((await inTheProduct('/hooks')).status).toBe(401);
});

test('what differs all the same is listed, and nothing that was only under way', async () => {
  for (const id of ['same-1', 'plan-1', 'gone-1']) await openBoth(id);
  await installation.productPool.query(`UPDATE accounts SET plan = 'Lost' WHERE id = 'plan-1'`);
  await installation.productPool.query(`DELETE FROM accounts WHERE id = 'gone-1'`);
  await installation.productPool.query(`INSERT INTO accounts VALUES ('alien-1', 'active', 'Team')`);
  const { desk } = installation.engine.reconciliations;
  const asked = { principal: systemPrincipal, name: 'product-accounts' };
  const begun = async (): Promise<string | undefined> =>
    desk.run(asked).then(
      ({ id }) => id,
      () => undefined,
    );
  let run: string | undefined;
  await until(async () => {
    run ??= await begun();
    return run !== undefined;
  });
  await until(async () => (await desk.differences(asked)).run?.id === run);
  const { data } = await desk.differences(asked);
  expect(data).toEqual([
    { key: 'alien-1', missing: 'here', fields: {} },
    { key: 'gone-1', missing: 'product', fields: {} },
    { key: 'plan-1', missing: null, fields: { plan: { ours: 'DSL', theirs: 'Lost' } } },
  ]);
  const { events } = await installation.engine.log.read({
    after: 0,
    limit: 1_000,
    types: ['ReconciliationFinished'],
  });
  expect(events.at(-1)).toMatchObject({
    data: { name: 'product-accounts', run, differing: 3, failed: false },
  });
});
