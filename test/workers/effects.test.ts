/** Effects on the product's own data: with the append or not at all, or delivered and settled. */

import { systemPrincipal } from '../../src/access/principal.ts';
import { type Applied, defineEffect, refuse } from '../../src/workers/effects/definition.ts';
import type { BulkJob } from '../../src/workers/index.ts';
import { until } from '../setup/until.ts';
import { account, ann, type Office, openOffice } from '../webhooks/office.ts';

const ids = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, n) => `${prefix}-${n}`);

const openAll = async (office: Office, all: readonly string[]): Promise<void> => {
  await Promise.all(all.map((id) => office.run('open-account', account(id))));
};

const startJob = async (office: Office, body: object): Promise<BulkJob> =>
  (await office.engine.bulk.accept.fromBody({ principal: systemPrincipal, reason: 'Asked for.', body })).job;

const jobOf = (office: Office, id: string): Promise<BulkJob> =>
  office.engine.bulk.jobs.get({ principal: systemPrincipal, id });

const ended = async (office: Office, { id }: BulkJob): Promise<BulkJob> => {
  await until(async () => (await jobOf(office, id)).finishedAt !== null);
  return jobOf(office, id);
};

const eventsOf = async (office: Office, ...types: string[]) =>
  (await office.engine.log.read({ after: 0, limit: 10_000, types })).events;

describe('In the transaction of the append', () => {
  let office: Office;
  let calls = 0;

  /** The product's own table, in the same database. */
  const suspending = defineEffect({
    name: 'product-status',
    summary: 'Sets the status in the product’s own table.',
    commands: ['suspend-account'],
    events: ['AccountSuspended'],
    async inTransaction(tx, events) {
      calls++;
      const wanted = events.map(({ data }) => String(data.accountId));
      const { rows } = await tx.query<{ id: string }>({
        text: 'UPDATE product_accounts SET active = false WHERE id = ANY ($1::text[]) AND NOT on_hold RETURNING id',
        values: [wanted],
      });
      if (rows.length < wanted.length) throw refuse('on_hold', 'The product has the account on hold.');
    },
  });

  beforeAll(async () => {
    office = await openOffice({ effects: [suspending] });
    await office.db.owner.query(
      'CREATE TABLE product_accounts (id text PRIMARY KEY, active boolean, on_hold boolean)',
    );
    await office.db.owner.query(`GRANT ALL ON product_accounts TO ${office.db.applicationRole}`);
    await office.engine.start({ project: true, work: true });
  });
  afterAll(() => office.close());

  const inProduct = async (all: readonly string[], onHold: readonly string[] = []): Promise<void> => {
    await openAll(office, all);
    await office.pool.query({
      text: 'INSERT INTO product_accounts SELECT id, true, id = ANY ($2::text[]) FROM unnest($1::text[]) AS id',
      values: [all, onHold],
    });
  };

  const suspendedInProduct = async (prefix: string): Promise<string[]> => {
    const { rows } = await office.pool.query<{ id: string }>({
      text: `SELECT id FROM product_accounts WHERE NOT active AND id LIKE $1 || '%' ORDER BY id`,
      values: [prefix],
    });
    return rows.map(({ id }) => id);
  };

  const suspendedInLog = async (prefix: string): Promise<string[]> =>
    (await eventsOf(office, 'AccountSuspended'))
      .map(({ data }) => String(data.accountId))
      .filter((id) => id.startsWith(prefix))
      .sort();

  test('a command takes effect in both or in neither', async () => {
    await inProduct(['one-ok', 'one-held'], ['one-held']);
    await office.run('suspend-account', { accountId: 'one-ok', reason: 'Unpaid.' });
    await expect(
      office.run('suspend-account', { accountId: 'one-held', reason: 'Unpaid.' }),
    ).rejects.toMatchObject({
      code: 'rejected',
      rejection: 'on_hold',
    });
    expect(await suspendedInProduct('one-')).toEqual(['one-ok']);
    expect(await suspendedInLog('one-')).toEqual(['one-ok']);
    expect((await eventsOf(office, 'CommandRefused')).at(-1)?.data).toMatchObject({ rejection: 'on_hold' });
  });

  test('a bulk job does it a round at a time, and one that the product refuses is rejected alone', async () => {
    const all = ids('many', 150);
    const held = ['many-7', 'many-120'];
    await inProduct(all, held);
    calls = 0;
    const job = await ended(
      office,
      await startJob(office, { command: 'suspend-account', input: { reason: 'Unpaid.' }, targets: all }),
    );
    expect(job).toMatchObject({ state: 'completed', succeeded: 148, rejected: 2, failed: 0 });
    expect(job.effects).toBeUndefined();
    expect(calls).toBeLessThan(150);
    const well = all.filter((id) => !held.includes(id)).sort();
    expect(await suspendedInProduct('many-')).toEqual(well);
    expect(await suspendedInLog('many-')).toEqual(well);
    const { data } = await office.engine.bulk.jobs.results({
      principal: ann,
      id: job.id,
      outcome: 'rejected',
    });
    expect(data.map(({ target, code }) => [target, code])).toEqual(held.map((id) => [id, 'on_hold']));
  });

  test('a dry run touches nothing of the product', async () => {
    await inProduct(['dry-1']);
    const body = { command: 'suspend-account', input: { reason: 'x' }, targets: ['dry-1'], dryRun: true };
    await ended(office, await startJob(office, body));
    expect(await suspendedInProduct('dry-')).toEqual([]);
  });

  test('commands without an effect never see it', async () => {
    calls = 0;
    await office.run('change-plan', { accountId: 'one-ok', plan: 'fibre' });
    expect(calls).toBe(0);
  });
});

describe('Delivered', () => {
  let office: Office;
  let answer: (accountId: string, attempt: number) => Applied = () => 'applied';
  const delivered: string[] = [];

  const delivering = defineEffect({
    name: 'product-status',
    summary: 'Tells the product over HTTP.',
    commands: ['suspend-account', 'reactivate-account'],
    events: ['AccountSuspended', 'AccountReactivated'],
    retrying: { attemptsMax: 3, firstSeconds: 0.05 },
    deliver: async ({ data, type }, { attempt }) => {
      const answered = answer(String(data.accountId), attempt);
      delivered.push(`${type} ${String(data.accountId)}`);
      return answered;
    },
  });

  beforeAll(async () => {
    office = await openOffice({ effects: [delivering] });
    await office.engine.start({ project: true, work: true });
  });
  afterAll(() => office.close());

  const suspendAll = (targets: readonly string[]): Promise<BulkJob> =>
    startJob(office, { command: 'suspend-account', input: { reason: 'Unpaid.' }, targets });

  test('what became of each event is an event of its own, about the same stream, once', async () => {
    answer = (_id, attempt) => {
      if (attempt < 2) throw new Error('not yet');
      return 'applied';
    };
    await openAll(office, ['single']);
    const position = await office.run('suspend-account', { accountId: 'single', reason: 'Unpaid.' });
    await until(async () => (await eventsOf(office, 'EffectApplied')).length === 1);
    const [event] = await office.engine.log.readAt([position]);
    expect(await eventsOf(office, 'EffectApplied', 'EffectNotApplied')).toMatchObject([
      {
        type: 'EffectApplied',
        stream: '$effects',
        data: { effect: 'product-status', position, stream: 'account-single', eventId: event?.id },
        metadata: { causationId: event?.id, correlationId: event?.metadata.correlationId },
      },
    ]);
    await office.engine.reactors.repeat({ principal: ann }, 'effect-product-status', position);
    await until(() => delivered.filter((one) => one.endsWith(' single')).length === 2);
    await until(async () => {
      const { data } = await office.engine.reactors.desk.list({ principal: ann });
      return data.every(({ pending }) => pending === 0);
    });
    expect(await eventsOf(office, 'EffectApplied')).toHaveLength(1);
  });

  test('a job completes when every effect is settled, and counts them', async () => {
    const all = ids('job', 60);
    await openAll(office, all);
    let open = false;
    answer = (id) => {
      if (id === 'job-5') return { notApplied: 'The product does not know it.' };
      if (!open && id !== 'job-6') throw new Error('the product is away');
      return 'applied';
    };
    const { id } = await suspendAll(all);
    await until(async () => (await jobOf(office, id)).succeeded === 60);
    await until(async () => (await jobOf(office, id)).effects?.notApplied === 1);
    expect(await jobOf(office, id)).toMatchObject({ state: 'running', finishedAt: null });
    open = true;
    const { desk } = office.engine.reactors;
    await until(async () => {
      await desk.retry({ principal: ann, name: 'effect-product-status' });
      return (await jobOf(office, id)).finishedAt !== null;
    });
    expect(await jobOf(office, id)).toMatchObject({
      state: 'completed',
      effects: { pending: 0, applied: 59, notApplied: 1 },
    });
    const not = (await eventsOf(office, 'EffectNotApplied')).at(-1);
    expect(not?.data).toMatchObject({ stream: 'account-job-5', reason: 'The product does not know it.' });
  });

  test('one that an operator discards has settled as not applied, and no longer holds the job', async () => {
    await openAll(office, ['lost-1', 'lost-2']);
    answer = (id) => {
      if (id === 'lost-1') throw new Error('never');
      return 'applied';
    };
    const job = await suspendAll(['lost-1', 'lost-2']);
    const { desk } = office.engine.reactors;
    await until(async () => (await desk.list({ principal: ann })).data.some(({ dead }) => dead === 1));
    expect((await jobOf(office, job.id)).state).toBe('running');
    await desk.discard({ principal: ann, name: 'effect-product-status' });
    expect(await ended(office, job)).toMatchObject({ effects: { pending: 0, applied: 1, notApplied: 1 } });
    expect((await eventsOf(office, 'EffectNotApplied')).at(-1)?.data).toMatchObject({ reason: 'discarded' });
  });

  test('of one account the product hears in order', async () => {
    await openAll(office, ['order-1']);
    answer = (_id, attempt) => {
      if (attempt === 1) throw new Error('by the way');
      return 'applied';
    };
    delivered.length = 0;
    for (let n = 0; n < 3; n++) {
      await office.run('suspend-account', { accountId: 'order-1', reason: 'Unpaid.' });
      await office.run('reactivate-account', { accountId: 'order-1' });
    }
    await until(() => delivered.length === 6);
    expect(delivered).toEqual(
      [1, 2, 3].flatMap(() => ['AccountSuspended order-1', 'AccountReactivated order-1']),
    );
  });
});

test('an effect that contradicts itself is refused', async () => {
  const wanted = { name: 'odd', summary: '', commands: ['suspend-account'], events: ['AccountSuspended'] };
  expect(() => defineEffect(wanted)).toThrow('either');
  const effect = defineEffect({ ...wanted, commands: ['vanish'], deliver: async () => 'applied' as const });
  await expect(openOffice({ effects: [effect] })).rejects.toThrow('no command');
});
