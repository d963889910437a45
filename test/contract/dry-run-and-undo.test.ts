/** The telco customer list, as a person works with it: imported, looked at, changed, and taken back. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describeWhere, telcoCustomers, telcoFile } from '../setup/needs.ts';
import { type Answered, ask, type Running, startQuarterdeck } from './running.ts';

type Job = Readonly<Record<string, unknown>> & { readonly id: string };

const map = {
  accountId: 'customerID',
  plan: 'InternetService',
  contract: 'Contract',
  paymentMethod: 'PaymentMethod',
  tenureMonths: 'tenure',
  monthlyCharges: 'MonthlyCharges',
  totalCharges: 'TotalCharges',
};

describeWhere(telcoCustomers, 'The telco customer list', () => {
  let running: Running;
  let cookie: string;
  const jobs = '/internal/v1/bulk-jobs';

  const as = async (path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answered> =>
    ask(running.base, cookie, { path, headers, ...(body === undefined ? {} : { body }) });

  const ended = async ({ status, body, text }: Answered): Promise<Job> => {
    expect([status, text]).toEqual([202, text]);
    for (;;) {
      const job = (await as(`${jobs}/${body.id}`)).body as Job;
      if (job.finishedAt !== null) return job;
      await sleep(50);
    }
  };

  const plansAt = async (position: unknown): Promise<Record<string, string>> => {
    const { text } = await as(`/internal/v1/accounts.ndjson?fields=accountId,plan,status`, undefined, {
      'quarterdeck-min-position': String(position),
    });
    const rows = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, string>);
    return Object.fromEntries(rows.map(({ accountId, plan, status }) => [accountId, `${plan} ${status}`]));
  };

  beforeAll(async () => {
    running = await startQuarterdeck();
    cookie = await running.cookieOf('ops');
  });
  afterAll(() => running.stop());

  test('is imported, a change of plan looked at and run, with others at work in between, and taken back', async () => {
    const upload = `${jobs}?command=open-account&map=${encodeURIComponent(JSON.stringify(map))}`;
    const file = readFileSync(telcoFile() ?? '');
    const imported = await ended(await as(upload, file, { 'content-type': 'text/csv' }));
    expect(imported).toMatchObject({ total: 7_043, succeeded: 7_032, rejected: 11 });
    const before = await plansAt(imported.position);

    const body = { command: 'change-plan', input: { plan: 'Fiber 2' }, where: { plan: 'Fiber optic' } };
    const dry = await ended(await as(jobs, { ...body, dryRun: true, label: 'Fiber 2' }));
    const onFiber = Object.keys(before).filter((id) => before[id]?.startsWith('Fiber optic '));
    expect(dry).toMatchObject({ total: onFiber.length, succeeded: onFiber.length, dryRun: true });
    const { body: preview } = await as(`${jobs}/${dry.id}/preview`);
    expect(preview).toMatchObject({
      inverse: 'change-plan',
      irreversible: null,
      wouldAppend: [{ type: 'PlanChanged', count: onFiber.length }],
      codes: [],
    });
    expect((preview.sample as object[])[0]).toMatchObject({
      diff: [{ op: 'replace', path: '/plan', value: 'Fiber 2' }],
      before: { '/plan': 'Fiber optic' },
    });
    expect(await plansAt(dry.position)).toEqual(before);

    // Meanwhile somebody suspends two of them, and another is moved by hand.
    const [first = '', second = '', third = '', fourth = ''] = onFiber;
    const commands = '/internal/v1/commands';
    await as(`${commands}/suspend-account`, { accountId: first, reason: 'Unpaid.' });
    await as(`${commands}/suspend-account`, { accountId: second, reason: 'Unpaid.' });
    await as(`${commands}/change-plan`, { accountId: third, plan: 'Fiber 3' });
    const real = await ended(await as(jobs, { from: dry.id }));
    expect(real).toMatchObject({
      total: onFiber.length,
      succeeded: onFiber.length - 3,
      skipped: 3,
      label: 'Fiber 2',
      from: dry.id,
    });
    const skipped = (await as(`${jobs}/${real.id}/results?outcome=skipped`)).body.data as { code: string }[];
    expect(skipped.map(({ code }) => code)).toEqual(Array(3).fill('changed_since_preview'));

    // One of those that were moved is touched again before all is taken back.
    await as(`${commands}/set-account-flag`, { accountId: fourth, flag: 'vip', value: true });
    const undo = await ended(await as(`${jobs}/${real.id}/undo`, {}));
    expect(undo).toMatchObject({ succeeded: onFiber.length - 4, skipped: 1, undoOf: real.id });
    const [kept] = (await as(`${jobs}/${undo.id}/results?outcome=skipped`)).body.data as object[];
    expect(kept).toMatchObject({ target: fourth, code: 'changed_since' });
    expect(await plansAt(undo.position)).toEqual({
      ...before,
      [first]: 'Fiber optic suspended',
      [second]: 'Fiber optic suspended',
      [third]: 'Fiber 3 active',
      [fourth]: 'Fiber 2 active',
    });
    const again = await as(`${jobs}/${real.id}/undo`, {});
    expect([again.status, again.body.rejection]).toEqual([409, 'already_undone']);
  });

  test('is for good: what opened the accounts is refused to be undone, and says why', async () => {
    const { body } = await as(`${jobs}?command=open-account&state=completed`);
    const [imported] = body.data as Job[];
    const asked = await ask(running.base, cookie, { path: `${jobs}/${imported?.id}/undo`, method: 'POST' });
    expect(asked.body).toMatchObject({ code: 'rejected', rejection: 'irreversible' });
    expect(asked.body.detail).toMatch(/opened once/);
    const { data } = (await as('/internal/v1/commands')).body as { data: Record<string, unknown>[] };
    const told = Object.fromEntries(
      data.map(({ name, inverse, irreversible }) => [name, inverse ?? irreversible]),
    );
    expect(told).toMatchObject({
      'suspend-account': 'reactivate-account',
      'close-account': expect.stringContaining('for good'),
    });
    for (const { inverse, irreversible } of data) expect(inverse === null).toBe(irreversible !== null);
  });

  test('reasons that come back are sealed: suspending again what an undo of a reactivation brings back', async () => {
    const targets = (await as('/internal/v1/accounts?status=active&limit=3')).body.data as Job[];
    const ids = targets.map(({ accountId }) => accountId as string);
    await ended(
      await as(jobs, { command: 'suspend-account', input: { reason: 'Moved to Elm Street' }, targets: ids }),
    );
    const real = await ended(await as(jobs, { command: 'reactivate-account', targets: ids }));
    const dry = await ended(await as(`${jobs}/${real.id}/undo`, { dryRun: true }));
    const { body: preview, text } = await as(`${jobs}/${dry.id}/preview`);
    expect((preview.sample as object[])[0]).toMatchObject({
      diff: [{ op: 'replace', path: '/status', value: 'suspended' }],
      before: { '/status': 'active' },
      withheld: ['/reason'],
    });
    expect(text).not.toContain('Elm Street');
    const undo = await ended(await as(`${jobs}/${real.id}/undo`, {}));
    expect(undo).toMatchObject({ command: 'suspend-account', succeeded: 3 });
    const { rows } = await running.db.owner.query<{ text: string }>(
      `SELECT (SELECT string_agg(c::text, '') FROM bulk_chunks c) || (SELECT string_agg(e::text, '') FROM events e)
        || (SELECT string_agg(p::text, '') FROM bulk_previews p) AS text`,
    );
    expect(rows[0]?.text).toContain(ids[0]);
    expect(rows[0]?.text).not.toContain('Elm Street');
    const { states } = (
      await ask(running.base, await running.cookieOf('compliance'), {
        path: `/internal/v1/audit/replay/account-${ids[0]}`,
      })
    ).body as { states: { type: string; reason: string | null; after: { reason?: string } }[] };
    expect(states.at(-1)).toMatchObject({
      type: 'AccountSuspended',
      after: { reason: 'Moved to Elm Street' },
    });
  });
});
