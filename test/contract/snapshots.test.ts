/** Every read model as of a moment, under a name: `quarterdeck replay`, and what reads and drops it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { account } from './bad-input.ts';
import { type Answered, type Asked, ask, type Running, startQuarterdeck, type Who } from './running.ts';

let running: Running;
beforeAll(async () => {
  running = await startQuarterdeck();
});
afterAll(() => running.stop());

const asking = async (who: Who, asked: Asked): Promise<Answered> =>
  ask(running.base, await running.cookieOf(who), asked);
const get = (path: string, who: Who = 'compliance') => asking(who, { path: `/internal/v1/${path}` });

const command = async (name: string, body: object): Promise<number> => {
  const answer = await asking('admin', { path: `/internal/v1/commands/${name}`, body });
  expect([name, answer.status, answer.text]).toEqual([name, 200, expect.any(String)]);
  return Number(answer.body.position);
};

const head = async (): Promise<number> => {
  const { rows } = await running.db.app.query('SELECT max(position) AS position FROM events');
  return Number(rows[0]?.position);
};

/** Accounts by the set, copies of one that was opened. */
const openMany = async (count: number): Promise<void> => {
  const position = await command('open-account', account({ accountId: 'copied', region: 'AMER' }));
  await running.db.app.query(
    `INSERT INTO events (position, id, stream, version, type, schema_version, data, metadata, recorded_at)
     SELECT $1::bigint + n, gen_random_uuid(), 'account-copy-' || n, 1, type, schema_version,
       (data::jsonb || jsonb_build_object('accountId', 'copy-' || n))::json, metadata, clock_timestamp()
     FROM events, generate_series(1, $2::bigint) AS n WHERE position = $1`,
    [position, count],
  );
  // Whoever appends next wakes the projector.
  const last = await command('open-account', account({ accountId: 'behind-copies', region: 'EMEA' }));
  const waiting = {
    path: '/internal/v1/accounts?limit=1',
    headers: { 'quarterdeck-min-position': String(last) },
  };
  while ((await asking('admin', waiting)).status !== 200) await sleep(200);
};

const projections = ['accounts', 'invoices', 'credits', 'notes', 'access-grants'];

test('at the head it is the live rows, of every read model, and stays so while they change', async () => {
  await command('open-account', account({ accountId: 'kept-1', name: 'Ada', region: 'EMEA' }));
  await command('open-account', account({ accountId: 'kept-2', region: 'AMER' }));
  await command('raise-invoice', {
    invoiceId: 'kept-i',
    accountId: 'kept-1',
    amount: '5.00',
    dueOn: '2026-12-01',
  });
  await command('add-note', { noteId: 'kept-n', accountId: 'kept-1', text: 'Called.' });
  await command('issue-credit', {
    creditId: 'kept-c',
    accountId: 'kept-1',
    amount: '5.00',
    reason: 'Goodwill.',
  });
  const position = await command('set-account-flag', { accountId: 'kept-1', flag: 'vip', value: true });
  const headers = { 'quarterdeck-min-position': String(position) };
  const live = await Promise.all(
    projections.map((name) => asking('admin', { path: `/internal/v1/${name}.ndjson`, headers })),
  );
  const told = await running.run(['replay', '--at', String(position), '--into', 'kept']);
  expect(told).toContain(`accounts: ${position} of ${position} (100 %)`);
  expect(told).toContain(`kept is ready: every read model as of position ${position}`);

  await command('close-account', { accountId: 'kept-1', reason: 'Moved away.' });
  for (const [n, name] of projections.entries()) {
    const kept = await get(`${name}.ndjson?snapshot=kept`, 'admin');
    expect([name, kept.text]).toEqual([name, live[n]?.text]);
    expect(kept.headers.get('quarterdeck-position')).toBe(String(position));
    expect((await get(`${name}.csv?snapshot=kept`, 'admin')).status).toBe(200);
  }
  expect(live[0]?.text.split('\n').length).toBeGreaterThan(2);
  const row = await get('accounts/kept-1?snapshot=kept');
  expect(row.body).toMatchObject({
    position,
    data: { accountId: 'kept-1', status: 'active', flags: { vip: true } },
  });
  expect(row.headers.get('etag')).toBe('"2"');
  expect((await get('accounts/kept-1')).body).toMatchObject({ data: { status: 'closed' } });
  const page = await get('accounts?snapshot=kept&sort=-accountId&limit=1');
  expect(page.body).toMatchObject({ position, data: [{ accountId: 'kept-2' }] });
  const next = await get(`accounts?snapshot=kept&sort=-accountId&limit=1&cursor=${page.body.nextCursor}`);
  expect(next.body).toMatchObject({ position, data: [{ accountId: 'kept-1', status: 'active' }] });
});

test('is in the list, and in the log with who had it built', async () => {
  const { body } = await get('audit/snapshots');
  expect(body.data).toEqual([
    {
      name: 'kept',
      state: 'ready',
      position: expect.any(Number),
      recordedAt: expect.stringMatching(/Z$/),
      madeBy: 'system',
      createdAt: expect.any(String),
      expiresAt: expect.any(String),
    },
  ]);
  const [{ expiresAt }] = body.data as [{ expiresAt: string }];
  expect(Date.parse(expiresAt) - Date.now()).toBeGreaterThan(6.9 * 86_400_000);
  const built = await get('audit/events?type=SnapshotBuilt');
  expect(built.body.data).toMatchObject([
    { stream: '$audit', data: { name: 'kept', expiresAt }, metadata: { actor: { id: 'system' } } },
  ]);
  expect(await running.run(['snapshots'])).toMatch(/^kept {2}position \d+ .* ready {2}by system/);
});

test('holds rows and fields back as ever', async () => {
  const emea = await get('accounts?snapshot=kept', 'regional-support');
  expect(emea.body.data).toMatchObject([{ accountId: 'kept-1' }]);
  expect((await get('accounts/kept-2?snapshot=kept', 'regional-support')).status).toBe(404);
  const [row] = (await get('accounts?snapshot=kept&accountId=kept-1', 'support')).body.data as [object];
  expect(row).not.toHaveProperty('flags');
  expect((await get('accounts?snapshot=kept&fields=flags', 'support')).status).toBe(403);
  expect((await get('credits?snapshot=kept', 'ops')).status).toBe((await get('credits', 'ops')).status);
});

test('killed while it is built, it goes on where it stood, and nothing answers from it before', async () => {
  await openMany(30_000);
  const position = await head();
  const words = ['replay', '--at', String(position), '--into', 'killed', '--keep-days', '1'];
  const env = {
    ...process.env,
    NODE_OPTIONS: '',
    DATABASE_URL: running.db.applicationUrl,
    QUARTERDECK_OWNER_DATABASE_URL: running.db.ownerUrl,
    QUARTERDECK_DATA_DIR: running.dataDir,
  };
  const child = spawn(process.execPath, ['--import', 'tsx', 'src/main.ts', ...words], { env });
  let said = '';
  const hear = (chunk: Buffer): void => {
    said += chunk;
    if (/^accounts: \d+ of/m.test(said)) child.kill('SIGKILL');
  };
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  await once(child, 'exit');
  expect([child.signalCode, said]).toEqual(['SIGKILL', expect.stringMatching(/^accounts: \d+ of/m)]);

  const stood = async (): Promise<number> => {
    const { rows } = await running.db.app.query(
      `SELECT position FROM projections WHERE state = 'snapshot' AND up_to = $1 AND name = 'accounts'`,
      [position],
    );
    return Number(rows[0]?.position);
  };
  const before = await stood();
  expect(before).toBeGreaterThan(0);
  expect(before).toBeLessThan(position);
  for (const path of ['accounts', 'accounts/copy-1', 'accounts.csv']) {
    const answer = await get(`${path}?snapshot=killed`);
    expect([path, answer.status, answer.body.code]).toEqual([path, 503, 'snapshot_building']);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  }
  expect((await get('audit/snapshots')).body.data).toMatchObject([{ name: 'killed', state: 'building' }, {}]);

  const told = await running.run(words);
  expect(Number(/^accounts: (\d+) of/.exec(told)?.[1])).toBeGreaterThan(before);
  const kept = await get('accounts.ndjson?snapshot=killed', 'admin');
  const live = await get('accounts.ndjson', 'admin');
  expect(kept.text.split('\n').length).toBeGreaterThan(30_000);
  expect(kept.text === live.text).toBe(true);
  expect(await running.run(words)).toContain('killed is ready');
  const built = await get('audit/events?type=SnapshotBuilt&order=newest');
  expect((built.body.data as unknown[]).length).toBe(2);
});

const refusalOf = (words: readonly string[]): Promise<string> =>
  running.run(words).catch((error: { stderr: string }) => error.stderr);

test.each<readonly [string, RegExp]>([
  ['--at 9999-01-01T00:00:00Z --into x', /at must not lie in the future/],
  ['--at 99999999 --into x', /at is beyond the head of the log/],
  ['--at yesterday --into x', /at must be a position or a time with its zone/],
  ['--at 1 --into kept', /into is taken by a snapshot of position \d+/],
  ['--at 1 --into Kept_It', /into must be 1 to 40 lower-case letters/],
  ['--at 1 --into x --keep-days 0', /keep-days must be a whole number/],
  ['--at 1', /required option '--into/],
])('replay %s is refused by name', async (words, message) => {
  expect(await refusalOf(['replay', ...words.split(' ')])).toMatch(message);
});

test('of what was refused nothing was made, and what is not there cannot be dropped', async () => {
  const { body } = await get('audit/snapshots');
  expect((body.data as { name: string }[]).map(({ name }) => name)).toEqual(['killed', 'kept']);
  expect(await refusalOf(['snapshots', 'drop', 'none'])).toContain('There is no snapshot "none".');
});

test('is dropped by who may, with its tables, and that is in the log', async () => {
  const path = '/internal/v1/audit/snapshots/kept';
  const tables = async (): Promise<number> => {
    const { rows } = await running.db.app.query(
      `SELECT count(*)::int AS n FROM projections p JOIN pg_tables t ON t.tablename = p.table_name
       JOIN events e ON e.type = 'SnapshotBuilt' AND e.data ->> 'name' = 'kept'
       WHERE p.state = 'snapshot' AND p.up_to = (e.data ->> 'position')::bigint`,
    );
    return Number(rows[0]?.n);
  };
  expect(await tables()).toBeGreaterThanOrEqual(projections.length);
  expect((await asking('support', { path, method: 'DELETE' })).status).toBe(403);
  // It is of every row: whoever reaches some may not drop it.
  expect((await asking('regional-support', { path, method: 'DELETE' })).status).toBe(403);
  expect((await asking('compliance', { path, method: 'DELETE' })).status).toBe(204);
  expect(await tables()).toBe(0);
  expect((await asking('compliance', { path, method: 'DELETE' })).status).toBe(404);
  expect((await get('accounts?snapshot=kept')).status).toBe(404);
  const { body } = await get('audit/events?type=SnapshotDropped');
  expect(body.data).toMatchObject([
    { data: { name: 'kept', why: 'asked' }, metadata: { actor: { kind: 'person' } } },
  ]);
  expect(await running.run(['replay', '--at', '3', '--into', 'kept'])).toContain('kept is ready');
  expect(await running.run(['snapshots', 'drop', 'kept'])).toContain('kept is dropped');
});

test('expires, and that is in the log', async () => {
  await running.db.app.query(`UPDATE named_snapshots SET expires_at = now() - interval '1 second'`);
  expect((await get('accounts?snapshot=killed')).status).toBe(404);
  expect((await get('audit/snapshots')).body.data).toEqual([]);
  // Whoever builds one looks for those that have expired; the service does so every minute.
  await running.run(['replay', '--at', '0', '--into', 'empty']);
  expect((await get('accounts?snapshot=empty')).body).toEqual({ data: [], nextCursor: null, position: 0 });
  const { body } = await get('audit/events?type=SnapshotDropped&order=newest&limit=1');
  expect(body.data).toMatchObject([
    { data: { name: 'killed', why: 'expired' }, metadata: { tool: 'quarterdeck' } },
  ]);
});

test('starts and stops of the service are in the log, and a crash as a start without a stop', async () => {
  const beside = await startQuarterdeck({ QUARTERDECK_ROLE: 'api' }, running);
  // Only then does it surely listen for signals.
  await ask(beside.base, undefined, { path: '/livez' });
  await beside.stop();
  expect(beside.output()).toContain('SIGTERM: finishing what was accepted');
  expect(beside.output()).not.toContain('recording the stop');
  const killed = await startQuarterdeck({ QUARTERDECK_ROLE: 'api' }, running);
  killed.process.kill('SIGKILL');
  await once(killed.process, 'exit');
  const { body } = await get('audit/events?stream=$service');
  const events = body.data as { type: string; data: { process: string; role: string; version: string } }[];
  expect(events.map(({ type, data }) => [type, data.role])).toEqual([
    ['ServiceStarted', 'all'],
    ['ServiceStarted', 'api'],
    ['ServiceStopped', 'api'],
    ['ServiceStarted', 'api'],
  ]);
  expect(events[2]?.data).toEqual(events[1]?.data);
  expect(Object.keys(events[0]?.data ?? {}).sort()).toEqual(['environment', 'process', 'role', 'version']);
});
