/** An auditor's questions over HTTP: each filter finds what was done, right after it was done. */
import { account } from './bad-input.ts';
import { type Answered, type Asked, ask, type Running, startQuarterdeck, type Who } from './running.ts';

let running: Running;
beforeAll(async () => {
  running = await startQuarterdeck();
});
afterAll(() => running.stop());

interface Found {
  readonly position: number;
  readonly stream: string;
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly metadata: Readonly<Record<string, unknown>> & { readonly actor: { readonly id: string } };
}

const asking = async (who: Who, asked: Asked): Promise<Answered> =>
  ask(running.base, await running.cookieOf(who), asked);

const run = async (who: Who, name: string, body: object, reason?: string): Promise<Answered> =>
  asking(who, {
    path: `/internal/v1/commands/${name}`,
    body,
    ...(reason === undefined ? {} : { headers: { 'quarterdeck-reason': encodeURIComponent(reason) } }),
  });

const find = async (filter: Record<string, string>, who: Who = 'compliance'): Promise<readonly Found[]> => {
  const { status, body, text } = await asking(who, {
    path: `/internal/v1/audit/events?${new URLSearchParams(filter)}`,
  });
  expect([filter, status, status === 200 ? '' : text]).toEqual([filter, 200, '']);
  return body.data as readonly Found[];
};

const typesOf = (events: readonly Found[]): readonly string[] => events.map(({ type }) => type);

test('everything about an account: its own events, those of all that belongs to it, refusals and reads', async () => {
  await run(
    'admin',
    'open-account',
    account({ accountId: 'q-1', region: 'EMEA', name: 'Ada', ownerEmail: 'a@b.test' }),
  );
  await run('admin', 'raise-invoice', {
    invoiceId: 'q-i',
    accountId: 'q-1',
    amount: '9.00',
    dueOn: '2026-12-01',
  });
  await run('admin', 'settle-invoice', { invoiceId: 'q-i', amount: '9.00', paidOn: '2026-11-01' });
  await run('admin', 'issue-credit', {
    creditId: 'q-c',
    accountId: 'q-1',
    amount: '5.00',
    reason: 'Goodwill',
  });
  await run('admin', 'add-note', { noteId: 'q-n', accountId: 'q-1', text: 'Called.' });
  const grant = {
    grantId: 'q-g',
    accountId: 'q-1',
    grantee: 'Sam',
    until: '2100-01-01T00:00:00Z',
    reason: 'Fault',
  };
  await run('admin', 'grant-support-access', grant);
  await run('admin', 'change-plan', { accountId: 'q-1', plan: 'dsl' });
  await run('admin', 'open-account', account({ accountId: 'q-1' }));
  expect((await asking('admin', { path: '/internal/v1/accounts/q-1' })).status).toBe(200);
  const about = await find({ about: 'account-q-1' });
  expect(typesOf(about)).toEqual([
    'AccountOpened',
    'InvoiceRaised',
    'InvoiceSettled',
    'CreditIssued',
    'NoteAdded',
    'SupportAccessGranted',
    'CommandUnchanged',
    'CommandRefused',
    'FieldsRead',
  ]);
  expect(typesOf(await find({ about: 'account-q-1', order: 'newest' }))).toEqual(
    [...typesOf(about)].reverse(),
  );
  expect(typesOf(await find({ about: 'account-q-1', outcome: 'rejected' }))).toEqual(['CommandRefused']);
  expect(typesOf(await find({ about: 'account-q-1', outcome: 'unchanged' }))).toEqual(['CommandUnchanged']);
  expect(typesOf(await find({ about: 'invoice-q-i' }))).toEqual(['InvoiceRaised', 'InvoiceSettled']);
  expect(typesOf(await find({ about: 'account-q-1', type: 'NoteAdded' }))).toEqual(['NoteAdded']);
});

test('who, through what, in which session, request and execution, and why', async () => {
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
  const answer = await asking('admin', {
    path: '/internal/v1/commands/suspend-account',
    body: { accountId: 'q-1', reason: 'Zahlung überfällig seit März' },
    headers: { traceparent },
  });
  const [event] = await find({ commandId: String(answer.body.commandId) });
  expect(event).toMatchObject({ type: 'AccountSuspended', metadata: { command: 'suspend-account' } });
  const { actor, sessionId, correlationId } = event?.metadata ?? { actor: { id: '' } };
  expect(correlationId).toBe('4bf92f3577b34da6a3ce929d0e0e4736');
  const suspended = [event?.position];
  const positions = async (filter: Record<string, string>) =>
    (await find(filter)).map(({ position }) => position);
  expect(await positions({ correlation: String(correlationId) })).toEqual(suspended);
  expect(await positions({ session: String(sessionId), command: 'suspend-account' })).toEqual(suspended);
  expect(await positions({ actor: actor.id, type: 'AccountSuspended' })).toEqual(suspended);
  expect(await positions({ reason: 'UBERFALLIG zahlung', tool: 'console' })).toEqual(suspended);
  expect(await positions({ reason: 'überfällig pünktlich' })).toEqual([]);
  expect(typesOf(await find({ session: String(sessionId), type: 'SignedIn' }))).toEqual(['SignedIn']);
  // Exports take the same filters, and keep no word of a reason.
  const lines = await asking('compliance', {
    path: '/internal/v1/audit/events.ndjson?reason=uberfallig&order=newest',
  });
  expect(
    lines.text
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as Found).position),
  ).toEqual(suspended);
  const [exported] = await find({ type: 'EventsExported' });
  expect(exported?.data.filter).toEqual({ reason: '[not kept]' });
});

test('bulk jobs, denials, sign-outs, policy and keys', async () => {
  const accepted = await asking('ops', {
    path: '/internal/v1/bulk-jobs',
    body: { command: 'set-account-flag', input: { flag: 'x', value: true }, targets: ['q-1', 'q-none'] },
  });
  const id = String(accepted.body.id);
  while ((await find({ bulkJob: id, type: 'BulkJobFinished' })).length === 0);
  expect(new Set(typesOf(await find({ bulkJob: id })))).toEqual(
    new Set(['BulkJobAccepted', 'AccountFlagSet', 'BulkItemsDecided', 'BulkJobFinished']),
  );
  expect(typesOf(await find({ bulkJob: id, outcome: 'rejected' }))).toEqual([
    'BulkItemsDecided',
    'BulkJobFinished',
  ]);
  const job = { command: 'suspend-account', input: { reason: 'x' }, targets: ['q-1'] };
  expect((await asking('support', { path: '/internal/v1/bulk-jobs', body: job })).status).toBe(403);
  expect((await asking('support', { path: '/internal/v1/audit/events' })).status).toBe(403);
  const denials = async () => (await find({ type: 'AccessDenied' })).map(({ data }) => data);
  while (!(await denials()).some(({ detail }) => detail === 'audit:read'));
  expect((await denials()).filter(({ detail }) => detail === 'bulk:run')).toEqual([
    { code: 'not_permitted', detail: 'bulk:run', method: 'POST', path: '/internal/v1/bulk-jobs' },
  ]);
  expect(typesOf(await find({ outcome: 'denied', order: 'newest', limit: '1' }))).toEqual(['AccessDenied']);
  await running.run(['tools', 'rotate-key']);
  expect(typesOf(await find({ type: 'SigningKeyChanged' }))).toEqual(['SigningKeyChanged']);
  expect((await find({ type: 'PolicyApplied', outcome: 'succeeded' })).length).toBe(1);
  expect((await asking('billing', { path: '/auth/logout', method: 'POST' })).status).toBeLessThan(400);
  expect(typesOf(await find({ type: 'SignedOut' }))).toEqual(['SignedOut']);
});

test('who reaches some rows finds events of those alone, by any filter', async () => {
  await run('admin', 'open-account', account({ accountId: 'q-amer', region: 'AMER' }));
  const whole = await find({ command: 'open-account', outcome: 'succeeded' });
  expect(whole.map(({ stream }) => stream)).toEqual(['account-q-1', 'account-q-amer']);
  const shown = await find({ command: 'open-account', outcome: 'succeeded' }, 'regional-support');
  expect(shown.map(({ stream }) => stream)).toEqual(['account-q-1']);
  expect(await find({ about: 'account-q-amer' }, 'regional-support')).toEqual([]);
});

test('an export that proves itself says which fields there are, and is not made of a filter that none could meet', async () => {
  const messages = async (body: object) => {
    const { body: problem } = await asking('compliance', { path: '/internal/v1/audit/exports', body });
    return (problem.errors as readonly { message: string }[]).map(({ message }) => message);
  };
  expect(await messages({ colour: 'red' })).toEqual([
    'There is no such field; the fields are format, filter, from, to, readable.',
  ]);
  expect(await messages({ filter: { about: 'account-q-1' } })).toEqual([
    'There is no such field; the fields are stream, actor, tool, type, command, correlationId.',
  ]);
  const before = (await find({ type: 'EventsExported' })).length;
  expect(await messages({ filter: { type: 'AccountSuspendd' } })).toEqual([
    'There is no event type "AccountSuspendd", and the log has none; the nearest is "AccountSuspended".',
  ]);
  expect(await find({ type: 'EventsExported' })).toHaveLength(before);
});

test('the index is made anew on demand, and its lag can be watched', async () => {
  expect(await running.run(['rebuild', 'audit-index'])).toContain('made anew');
  const metrics = await asking('admin', { path: '/metrics' });
  expect(metrics.text).toMatch(/quarterdeck_projection_lag_positions\{projection="audit-index"\} \d+/);
  const ready = await ask(running.base, undefined, { path: '/readyz' });
  expect(ready.body).toMatchObject({ checks: expect.arrayContaining(['audit index']), warnings: [] });
  expect(typesOf(await find({ about: 'account-q-1', type: 'NoteAdded' }))).toEqual(['NoteAdded']);
});
