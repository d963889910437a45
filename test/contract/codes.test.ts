/**
 * The contract, code by code: each status of it is brought about in the whole system as a client would
 * meet it. (`too_many_requests` is met by sockets: test/http/live.test.ts.)
 */
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { until } from '../setup/until.ts';
import { account } from './bad-input.ts';
import { type Answered, type Asked, ask, type Running, startQuarterdeck, type Who } from './running.ts';

let running: Running;
beforeAll(async () => {
  running = await startQuarterdeck({ QUARTERDECK_TRUSTED_PROXIES: '127.0.0.1' });
});
afterAll(() => running.stop());

const asking = async (who: Who | undefined, asked: Asked): Promise<Answered> =>
  ask(running.base, who === undefined ? undefined : await running.cookieOf(who), asked);

const command = (name: string, body: object, headers: Record<string, string> = {}, who: Who = 'admin') =>
  asking(who, { path: `/internal/v1/commands/${name}`, body, headers });

const opened = async (): Promise<string> => {
  const accountId = randomUUID();
  const answer = await command('open-account', account({ accountId }));
  expect(answer.status).toBe(200);
  return accountId;
};

const refused = (answer: Answered) => [answer.status, answer.body.code, answer.headers.get('content-type')];
const problem = (status: number, code: string) => [status, code, 'application/problem+json; charset=utf-8'];

/** Holds a lock of the database while `work` runs. */
const holding = async (statement: string, work: () => Promise<void>): Promise<void> => {
  const client = await running.db.owner.connect();
  try {
    await client.query('BEGIN');
    await client.query(statement);
    await work();
  } finally {
    await client.query('ROLLBACK');
    client.release();
  }
};

/** Whether somebody of this database waits for an advisory lock. */
const someoneWaits = async (): Promise<boolean> => {
  const { rowCount } = await running.db.owner.query(
    `SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
  );
  return (rowCount ?? 0) > 0;
};

/** In another database than the test's, which may be closed to everybody. */
const asSuperuser = async (statement: string): Promise<void> => {
  const url = new URL(running.db.superuserUrl);
  url.pathname = '/postgres';
  const client = new pg.Client(url.href);
  await client.connect();
  await client.query(statement);
  await client.end();
};

describe('the contract', () => {
  test('401 not_authenticated: without a session, and with one that never was', async () => {
    expect(refused(await asking(undefined, { path: '/internal/v1/me' }))).toEqual(
      problem(401, 'not_authenticated'),
    );
    const cookie = `quarterdeck=${'A'.repeat(43)}`;
    expect(refused(await ask(running.base, cookie, { path: '/internal/v1/me' }))).toEqual(
      problem(401, 'not_authenticated'),
    );
  });

  test('403 not_permitted: names the permission', async () => {
    const answer = await command('close-account', { accountId: 'a', reason: 'x' }, {}, 'support');
    expect(refused(answer)).toEqual(problem(403, 'not_permitted'));
    expect(answer.body.permission).toBe('accounts:close');
  });

  test('403 not_permitted: a field that one may not read is neither filtered, sorted, selected nor exported by', async () => {
    const where = encodeURIComponent('{"margin":{"gte":"1.00"}}');
    for (const path of [
      'accounts?margin[gte]=1.00',
      'accounts?sort=-margin',
      'accounts?fields=margin',
      `accounts?where=${where}`,
      'accounts.csv?fields=margin',
      'accounts.ndjson?margin[null]=true',
    ]) {
      expect([path, ...refused(await asking('support', { path: `/internal/v1/${path}` }))]).toEqual([
        path,
        ...problem(403, 'not_permitted'),
      ]);
    }
  });

  test('403 not_permitted: a page of another origin commands nothing', async () => {
    const answer = await command('open-account', account(), { origin: 'https://evil.example' });
    expect(refused(answer)).toEqual(problem(403, 'not_permitted'));
  });

  test('403 network_refused: from outside the allowed networks', async () => {
    const headers = { 'x-forwarded-for': '203.0.113.9' };
    for (const path of ['/internal/v1/me', '/livez', '/', '/auth/saml/login?return_to=/']) {
      expect([path, ...refused(await asking('admin', { path, headers }))]).toEqual([
        path,
        ...problem(403, 'network_refused'),
      ]);
    }
  });

  test('403 customer_credential_refused: also beside a session', async () => {
    for (const headers of [
      { authorization: 'Bearer sk_live_1234567890' },
      { 'x-api-key': 'anything' },
      { authorization: 'Basic YTpi' },
    ]) {
      expect(refused(await asking('admin', { path: '/internal/v1/me', headers }))).toEqual(
        problem(403, 'customer_credential_refused'),
      );
    }
  });

  test('404 not_found: a command, a projection, a row, a job, a stream, a method', async () => {
    const nothing: Asked[] = [
      { path: '/internal/v1/commands/paint-account', body: {} },
      { path: '/internal/v1/paintings' },
      { path: '/internal/v1/accounts/none' },
      { path: '/internal/v1/accounts/%00' },
      { path: `/internal/v1/bulk-jobs/${randomUUID()}` },
      { path: '/internal/v1/bulk-jobs/none' },
      { path: '/internal/v1/bulk-jobs/%00/results' },
      { path: '/internal/v1/bulk-jobs/none/cancel', body: {} },
      { path: '/internal/v1/audit/replay/account-none' },
      { path: '/internal/v1/accounts', method: 'DELETE' },
      { path: '/internal/v1/commands/open-account' },
    ];
    for (const asked of nothing)
      expect([asked.path, ...refused(await asking('admin', asked))]).toEqual([
        asked.path,
        ...problem(404, 'not_found'),
      ]);
  });

  test('409 rejected: with the rule’s own code', async () => {
    const accountId = await opened();
    const again = await command('open-account', account({ accountId }));
    expect([...refused(again), again.body.rejection]).toEqual([
      ...problem(409, 'rejected'),
      'account_exists',
    ]);
    await command('close-account', { accountId, reason: 'moved away' });
    const closed = await command('suspend-account', { accountId, reason: 'x' });
    expect([...refused(closed), closed.body.rejection]).toEqual([
      ...problem(409, 'rejected'),
      'account_closed',
    ]);
  });

  test('409 rejected: is replayed under its key, as 200 is', async () => {
    const accountId = await opened();
    const key = { 'idempotency-key': randomUUID() };
    const first = await command('open-account', account({ accountId }), key);
    const second = await command('open-account', account({ accountId }), key);
    expect([first.body.rejection, second.body.rejection]).toEqual(['account_exists', 'account_exists']);
  });

  test('409 idempotency_in_flight: the same key while the first is still under way', async () => {
    const accountId = randomUUID();
    const send = () => command('open-account', account({ accountId }), { 'idempotency-key': accountId });
    let first: Promise<Answered> | undefined;
    await holding('SELECT pg_advisory_xact_lock(7400, 1)', async () => {
      first = send();
      // It may be overtaken until it waits there.
      await until(someoneWaits);
      expect(refused(await send())).toEqual(problem(409, 'idempotency_in_flight'));
    });
    expect((await first)?.status).toBe(200);
    const replay = await send();
    expect([replay.status, replay.headers.get('idempotent-replayed')]).toEqual([200, 'true']);
  });

  test('412 version_conflict: another version than the one meant', async () => {
    const accountId = await opened();
    const stale = await command('suspend-account', { accountId, reason: 'x' }, { 'if-match': '"7"' });
    expect(refused(stale)).toEqual(problem(412, 'version_conflict'));
    const exists = await command('open-account', account({ accountId }), { 'if-match': '"0"' });
    expect(exists.status).toBeGreaterThanOrEqual(409);
    const { body } = await command('set-account-flag', { accountId, flag: 'vip', value: true });
    const read = () =>
      asking('admin', {
        path: `/internal/v1/accounts/${accountId}`,
        headers: { 'quarterdeck-min-position': String(body.position) },
      });
    // On a machine that is busy the projection may be behind for longer than a read waits.
    let row = await read();
    while (row.status === 504) row = await read();
    expect(
      (
        await command(
          'suspend-account',
          { accountId, reason: 'x' },
          { 'if-match': row.headers.get('etag') ?? '' },
        )
      ).status,
    ).toBe(200);
  });

  test('422 idempotency_key_reused: for another command, input or reason', async () => {
    const key = { 'idempotency-key': randomUUID() };
    const accountId = randomUUID();
    expect((await command('open-account', account({ accountId }), key)).status).toBe(200);
    const others: readonly [string, object, object][] = [
      ['open-account', account({ accountId: randomUUID() }), {}],
      ['suspend-account', { accountId, reason: 'x' }, {}],
      ['open-account', account({ accountId }), { 'quarterdeck-reason': 'another' }],
      ['open-account', account({ accountId }), { 'if-match': '"0"' }],
    ];
    for (const [name, body, headers] of others) {
      expect(refused(await command(name, body, { ...key, ...headers }))).toEqual(
        problem(422, 'idempotency_key_reused'),
      );
    }
    const job = { command: 'suspend-account', targets: [accountId], input: { reason: 'x' } };
    expect(
      refused(await asking('admin', { path: '/internal/v1/bulk-jobs', body: job, headers: key })),
    ).toEqual(problem(422, 'idempotency_key_reused'));
  });

  test('503 snapshot_building: while another process puts the rows of a moment together', async () => {
    const accountId = await opened();
    await asking('admin', { path: `/internal/v1/accounts/${accountId}` });
    const { rows } = await running.db.owner.query<{ position: number }>(
      "SELECT position FROM projections WHERE name = 'accounts' AND state = 'live'",
    );
    const position = Number(rows[0]?.position) - 1;
    await running.db.owner.query(
      `INSERT INTO projections (name, version, shape_hash, columns, state, up_to)
       SELECT name, version, shape_hash, columns, 'snapshot', $1 FROM projections WHERE name = 'accounts' AND state = 'live'`,
      [position],
    );
    const answer = await asking('admin', { path: `/internal/v1/accounts?asOf=${position}` });
    expect(refused(answer)).toEqual(problem(503, 'snapshot_building'));
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  });

  test('504 projection_behind: rows that do not come in time', async () => {
    const accountId = randomUUID();
    await holding('LOCK TABLE projections IN EXCLUSIVE MODE', async () => {
      const { body } = await command('open-account', account({ accountId }));
      const headers = { 'quarterdeck-min-position': String(body.position) };
      expect(refused(await asking('admin', { path: '/internal/v1/accounts?limit=1', headers }))).toEqual(
        problem(504, 'projection_behind'),
      );
    });
    // With the lock gone they come.
    const { data } = (await asking('admin', { path: `/internal/v1/accounts?accountId=${accountId}` })).body;
    expect(Array.isArray(data)).toBe(true);
  });

  test('503 unavailable: while the database is away, and nothing but that; afterwards all is well', async () => {
    const { name } = running.db;
    await running.cookieOf('admin');
    await asSuperuser(`ALTER DATABASE ${name} CONNECTION LIMIT 0`);
    await asSuperuser(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}' AND pid <> pg_backend_pid()`,
    );
    try {
      for (const path of [
        'accounts',
        'accounts/none',
        'bulk-jobs',
        'audit/events',
        'audit/replay/account-none',
      ]) {
        const answer = await asking('admin', { path: `/internal/v1/${path}` });
        expect([path, ...refused(answer)]).toEqual([path, ...problem(503, 'unavailable')]);
        expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
      }
      expect(refused(await command('open-account', account({ accountId: randomUUID() })))).toEqual(
        problem(503, 'unavailable'),
      );
      expect((await ask(running.base, undefined, { path: '/readyz' })).status).toBe(503);
      expect((await ask(running.base, undefined, { path: '/livez' })).status).toBe(200);
    } finally {
      await asSuperuser(`ALTER DATABASE ${name} CONNECTION LIMIT -1`);
    }
    while ((await ask(running.base, undefined, { path: '/readyz' })).status !== 200)
      await new Promise((resolve) => setTimeout(resolve, 100));
    await opened();
  });
});
