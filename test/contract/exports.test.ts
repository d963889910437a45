/** Exports over HTTP, as a tool meets them: asked for, watched, downloaded whole and in parts, refused, gone. */
import { createHash, randomUUID } from 'node:crypto';
import { readdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'csv-parse/sync';
import { type Answered, type Asked, ask, type Running, startQuarterdeck, type Who } from './running.ts';

let running: Running;
beforeAll(async () => {
  running = await startQuarterdeck();
  await upload(rows);
});
afterAll(() => running.stop());

const base = '/internal/v1/exports';
const asking = async (asked: Asked, who: Who = 'admin'): Promise<Answered> =>
  ask(running.base, await running.cookieOf(who), asked);

const names = ['=cmd|calc', '+1', '-2', '@SUM(A1)', 'a=b', '-', 'plain, "quoted"', 'Ada'];
const rows = names.map((name, n) => ({
  accountId: `x-${n}`,
  name,
  plan: 'dsl',
  contract: 'one-year',
  tenureMonths: n,
  monthlyCharges: '29.85',
  totalCharges: '358.20',
}));

const upload = async (accounts: readonly object[]): Promise<void> => {
  const body = accounts.map((row) => JSON.stringify(row)).join('\n');
  const headers = { 'content-type': 'application/x-ndjson' };
  const { body: job } = await asking({ path: '/internal/v1/bulk-jobs?command=open-account', body, headers });
  for (;;) {
    const { body: now } = await asking({ path: `/internal/v1/bulk-jobs/${job.id}` });
    if (now.finishedAt !== null) return expect(now.succeeded).toBe(accounts.length);
    await sleep(50);
  }
};

const start = async (body: object, who?: Who): Promise<Answered['body']> => {
  const answer = await asking({ path: base, body: { query: 'accounts', format: 'ndjson', ...body } }, who);
  expect([answer.status, answer.body.state]).toEqual([202, expect.stringMatching(/^(accepted|running)$/)]);
  expect(answer.headers.get('location')).toBe(`${base}/${answer.body.id}`);
  return answer.body;
};

const ended = async (id: unknown, who?: Who): Promise<Answered['body']> => {
  for (;;) {
    const { body } = await asking({ path: `${base}/${id}` }, who);
    if (body.state !== 'accepted' && body.state !== 'running') return body;
    await sleep(50);
  }
};

const done = async (body: object, who?: Who) => ended((await start(body, who)).id, who);
const file = (id: unknown, headers: Record<string, string> = {}, who?: Who) =>
  asking({ path: `${base}/${id}/file`, headers }, who);

const onlyOurs = { accountId: { prefix: 'x-' } };

describe('An export', () => {
  test('holds what the query answers, and says how large and which file it is', async () => {
    const made = await done({ where: onlyOurs, label: 'All of ours' });
    const downloaded = await file(made.id);
    const asked = await asking({
      path: `/internal/v1/accounts.ndjson?where=${encodeURIComponent(JSON.stringify(onlyOurs))}`,
    });
    expect(downloaded.text).toBe(asked.text);
    expect(made).toMatchObject({
      ...{ state: 'completed', label: 'All of ours', rows: 8, total: 8, query: 'accounts' },
      bytes: Buffer.byteLength(downloaded.text),
      sha256: createHash('sha256').update(downloaded.text).digest('hex'),
    });
    expect(downloaded.headers.get('content-type')).toBe('application/x-ndjson');
    expect(downloaded.headers.get('content-disposition')).toMatch(
      /^attachment; filename="accounts-\d{4}-\d\d-\d\d\.ndjson"$/,
    );
  });

  test('says who asked for it, by name', async () => {
    const named = { id: expect.stringMatching(/^person:/), kind: 'person', name: 'Ada Admin' };
    const requestedBy = { ...named, email: 'admin@dev.test' };
    const made = await done({ where: onlyOurs });
    expect(made.requestedBy).toEqual(requestedBy);
    // Also to whoever may read all of it, and in the list.
    const seen = await asking({ path: `${base}/${made.id}` }, 'compliance');
    expect(seen.body.requestedBy).toEqual(requestedBy);
    const { body } = await asking({ path: base });
    const data = body.data as readonly Record<string, unknown>[];
    expect(data.find(({ id }) => id === made.id)?.requestedBy).toEqual(requestedBy);
    // Sealed as the label is: the table tells nobody.
    const { rows: kept } = await running.db.app.query('SELECT * FROM exports');
    expect(JSON.stringify(kept)).not.toContain('admin@dev.test');
  });

  test('as CSV for people keeps spreadsheets from running text; raw has it byte for byte', async () => {
    const fields = ['accountId', 'name', 'monthlyCharges'];
    const people = await file((await done({ where: onlyOurs, format: 'csv', fields })).id);
    const raw = await file((await done({ where: onlyOurs, format: 'csv', fields, escape: 'raw' })).id);
    const namesIn = ({ text }: Answered) =>
      (parse(text, { columns: true, record_delimiter: '\r\n' }) as { name: string }[]).map(
        ({ name }) => name,
      );
    expect(namesIn(raw)).toEqual(names);
    expect(namesIn(people)).toEqual(names.map((name) => (/^[=+\-@\t\r]/.test(name) ? `'${name}` : name)));
    expect(people.text.split('\r\n')[0]).toBe('accountId,name,monthlyCharges');
  });

  test('as a workbook is read by our own uploads as it was written', async () => {
    const made = await done({ where: onlyOurs, format: 'xlsx', fields: ['accountId', 'name'] });
    const answer = await fetch(`${running.base}${base}/${made.id}/file`, {
      headers: { cookie: await running.cookieOf('admin') },
    });
    const body = new Uint8Array(await answer.arrayBuffer());
    const { body: job } = await asking({
      path: '/internal/v1/bulk-jobs?command=correct-account&dryRun=true',
      body,
      headers: { 'content-type': answer.headers.get('content-type') ?? '' },
    });
    expect(job).toMatchObject({ total: 8 });
  });

  test('as of a moment shows the rows of then', async () => {
    const before = (await asking({ path: '/internal/v1/accounts?limit=1' })).body.position as number;
    const accountId = `later-${randomUUID()}`;
    await asking({ path: '/internal/v1/commands/open-account', body: { ...rows[0], accountId } });
    const then = await done({ asOf: before, fields: ['accountId'] });
    const now = await done({ fields: ['accountId'] });
    expect(then.position).toBe(before);
    expect((await file(then.id)).text).not.toContain(accountId);
    expect((await file(now.id)).text).toContain(accountId);
  });

  test('lies encrypted on the disk, and goes with its key when it is taken away', async () => {
    const made = await done({ where: onlyOurs });
    const folder = join(running.dataDir, 'exports');
    const named = async () => (await readdir(folder)).filter((name) => name.startsWith(String(made.id)));
    const [name = ''] = await named();
    expect((await readFile(join(folder, name))).includes(Buffer.from('monthlyCharges'))).toBe(false);

    await rename(join(folder, name), join(folder, 'elsewhere'));
    const lost = await file(made.id);
    expect([lost.status, lost.body.code]).toEqual([410, 'export_expired']);
    await rename(join(folder, 'elsewhere'), join(folder, name));

    const removed = await asking({ method: 'DELETE', path: `${base}/${made.id}` });
    expect([removed.status, removed.body.state]).toEqual([200, 'expired']);
    expect(await named()).toEqual([]);
    const gone = await file(made.id);
    expect([gone.status, gone.body.code]).toEqual([410, 'export_expired']);
    const { rows: keys } = await running.db.owner.query<{ wrapped: Buffer | null }>(
      'SELECT wrapped FROM subject_keys WHERE subject = $1',
      [`$export:${made.id}`],
    );
    expect(keys).toEqual([{ wrapped: null }]);
  });
});

describe('Parts of a file', () => {
  let id: unknown;
  let whole: string;
  let tag: string;
  beforeAll(async () => {
    await upload(
      Array.from({ length: 900 }, (_, n) => ({
        ...rows[7],
        accountId: `part-${String(n).padStart(4, '0')}`,
      })),
    );
    id = (await done({ where: { accountId: { prefix: 'part-' } } })).id;
    const answer = await file(id);
    whole = answer.text;
    tag = answer.headers.get('etag') ?? '';
    // Several chunks of the encrypted file.
    expect(whole.length).toBeGreaterThan(3 * 65_536);
    expect(answer.headers.get('accept-ranges')).toBe('bytes');
  });

  const size = () => whole.length;
  test.each([
    ['bytes=0-0', 0, 1],
    ['bytes=0-99', 0, 100],
    ['bytes=65535-65536', 65_535, 65_537],
    ['bytes=65536-131071', 65_536, 131_072],
    ['bytes=100-70000', 100, 70_001],
    ['bytes=150000-', 150_000, undefined],
    ['bytes=-10', -10, undefined],
    ['bytes=-99999999', 0, undefined],
    ['bytes=10-99999999', 10, undefined],
  ])('%s', async (range, start, end) => {
    const answer = await file(id, { range });
    const part = whole.slice(start, end);
    expect([answer.status, answer.text]).toEqual([206, part]);
    const from = start < 0 ? size() + start : start;
    expect(answer.headers.get('content-range')).toBe(`bytes ${from}-${from + part.length - 1}/${size()}`);
    expect(answer.headers.get('content-length')).toBe(String(part.length));
  });

  test.each(['bytes=99999999-', 'bytes=-0'])('%s is 416 and says the size', async (range) => {
    const answer = await file(id, { range });
    expect([answer.status, answer.body.code]).toEqual([416, 'range_not_satisfiable']);
    expect(answer.headers.get('content-range')).toBe(`bytes */${size()}`);
  });

  test.each(['bytes=0-1,5-6', 'bytes=5-1', 'lines=0-1', 'bytes=a-b'])('%s gets the whole', async (range) => {
    const answer = await file(id, { range });
    expect([answer.status, answer.text.length]).toEqual([200, size()]);
  });

  test('a range goes on only with the same file', async () => {
    const range = 'bytes=0-9';
    expect((await file(id, { range, 'if-range': tag })).status).toBe(206);
    expect((await file(id, { range, 'if-range': '"another"' })).status).toBe(200);
    expect((await file(id, { range, 'if-range': `W/${tag}` })).status).toBe(200);
  });

  test('what the caller has is not sent again', async () => {
    const known = await file(id, { 'if-none-match': `"other", ${tag}` });
    expect([known.status, known.text, known.headers.get('etag')]).toEqual([304, '', tag]);
    expect((await file(id, { 'if-none-match': '"other"' })).status).toBe(200);
  });

  test('HEAD says what GET would, and takes nothing', async () => {
    const before = await downloads(id);
    const head = await asking({ method: 'HEAD', path: `${base}/${id}/file` });
    expect([head.status, head.text, head.headers.get('content-length')]).toEqual([200, '', String(size())]);
    expect(await downloads(id)).toBe(before);
  });
});

const recorded = async (type: string): Promise<readonly Record<string, unknown>[]> => {
  const { body } = await asking({ path: `/internal/v1/audit/events?type=${type}&limit=1000` }, 'compliance');
  return (body.data as { data: Record<string, unknown> }[]).map(({ data }) => data);
};
const downloads = async (id: unknown): Promise<number> =>
  (await recorded('ExportDownloaded')).filter(({ exportId }) => exportId === id).length;

describe('The log', () => {
  test('says who asked for what, without what was asked of people, and each download', async () => {
    const where = { ...onlyOurs, name: 'Ada', plan: { in: ['dsl'] } };
    const made = await done({ where, fields: ['accountId', 'name'] });
    const accepted = (await recorded('ExportAccepted')).find(({ exportId }) => exportId === made.id);
    expect(accepted).toMatchObject({
      projection: 'accounts',
      format: 'ndjson',
      fields: ['accountId', 'name'],
      where: { ...onlyOurs, name: '[personal]', plan: { in: ['dsl'] } },
    });
    const completed = (await recorded('ExportCompleted')).find(({ exportId }) => exportId === made.id);
    expect(completed).toMatchObject({ rows: 1 });
    // Without the salt nothing can be guessed, with it the file is proven.
    expect(JSON.stringify(completed)).not.toContain(String(made.sha256));
    expect(completed?.commitment).toBe(
      createHash('sha256').update(`${made.salt}${made.sha256}`).digest('hex'),
    );
    await file(made.id, { range: 'bytes=0-4' });
    expect(await recorded('ExportDownloaded')).toContainEqual(
      expect.objectContaining({ exportId: made.id, start: 0, end: 5 }),
    );
  });

  test('fails closed: what cannot be recorded is neither started nor sent', async () => {
    const made = await done({ where: onlyOurs });
    const { owner } = running.db;
    const role = running.db.applicationRole;
    const { rows: parts } = await owner.query<{ name: string }>(
      `SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'events'::regclass`,
    );
    const tables = ['events', ...parts.map(({ name }) => name)];
    const each = (words: string) =>
      Promise.all(tables.map((table) => owner.query(words.replace('?', table))));
    await each(`REVOKE INSERT ON ? FROM ${role}`);
    try {
      const answer = await file(made.id);
      expect(answer.status).toBeGreaterThanOrEqual(500);
      expect(answer.text).not.toContain('accountId');
      const started = await asking({ path: base, body: { query: 'accounts', format: 'csv' } });
      expect(started.status).toBeGreaterThanOrEqual(500);
    } finally {
      await each(`GRANT INSERT ON ? TO ${role}`);
    }
    expect((await file(made.id)).status).toBe(200);
  });
});

describe('Refused', () => {
  test.each([
    ['query', { query: 'none' }],
    ['query', { query: 7 }],
    ['format', { format: 'pdf' }],
    ['fields', { fields: ['accountId', 'nothing'] }],
    ['fields', { fields: [] }],
    ['fields', { fields: ['accountId', 'accountId'] }],
    ['fields.0', { fields: ['accountId,plan'] }],
    ['where.nothing', { where: { nothing: 1 } }],
    ['where.plan.like', { where: { plan: { like: 'd' } } }],
    ['where', { where: [] }],
    ['escape', { escape: 'raw' }],
    ['escape', { format: 'csv', escape: 'no' }],
    ['asOf', { asOf: 'noon' }],
    ['asOf', { asOf: 999_999_999 }],
    ['label', { label: 'x'.repeat(201) }],
    ['more', { more: true }],
  ])('%s: %j', async (path, body) => {
    const answer = await asking({ path: base, body: { query: 'accounts', format: 'ndjson', ...body } });
    expect([answer.status, answer.body.code, answer.body.errors]).toEqual([
      422,
      'invalid_input',
      [{ path, message: expect.any(String) }],
    ]);
  });

  test.each([
    ['support', {}, 'exports:run'],
    ['billing', { fields: ['accountId', 'margin'] }, 'accounts:read-internal'],
    ['billing', { where: { margin: { gt: '1.00' } } }, 'accounts:read-internal'],
    ['billing', { fields: ['accountId', 'name'] }, 'exports:personal'],
    ['billing', { where: { name: 'Ada' } }, 'exports:personal'],
  ] as const)('%s may not: %j', async (who, body, permission) => {
    const answer = await asking({ path: base, body: { query: 'accounts', format: 'ndjson', ...body } }, who);
    expect([answer.status, answer.body.permission]).toEqual([403, permission]);
  });

  test('unasked, somebody without the permission gets no field about people', async () => {
    const made = await done({ where: onlyOurs }, 'billing');
    expect(made.fields).not.toContain('name');
    expect((await file(made.id, {}, 'billing')).text).not.toContain('Ada');
  });

  test('an export of somebody else is not there, but for holders of exports:read-all', async () => {
    const made = await done({ where: onlyOurs }, 'ops');
    for (const asked of [
      { path: `${base}/${made.id}` },
      { path: `${base}/${made.id}/file` },
      { method: 'POST', path: `${base}/${made.id}/cancel` },
      { method: 'DELETE', path: `${base}/${made.id}` },
    ] as const)
      expect((await asking(asked, 'billing')).status).toBe(404);
    expect((await file(made.id, {}, 'compliance')).status).toBe(200);
    const { body } = await asking({ path: base }, 'billing');
    expect((body.data as { id: string }[]).map(({ id }) => id)).not.toContain(made.id);
    const all = await asking({ path: base }, 'compliance');
    expect((all.body.data as { id: string }[]).map(({ id }) => id)).toContain(made.id);
  });

  test('what is done is not cancelled, what is not there is 404', async () => {
    const made = await done({ where: onlyOurs });
    const cancelled = await asking({ method: 'POST', path: `${base}/${made.id}/cancel` });
    expect([cancelled.status, cancelled.body.rejection]).toEqual([409, 'export_ended']);
    expect((await file(randomUUID())).status).toBe(404);
  });
});

test('lists page by page, newest first, by state', async () => {
  const ids: string[] = [];
  for (let n = 0; n < 3; n++) ids.push(String((await done({ where: onlyOurs }, 'ops')).id));
  const first = await asking({ path: `${base}?state=completed&limit=2` }, 'ops');
  const second = await asking({ path: `${base}?limit=2&cursor=${first.body.nextCursor}` }, 'ops');
  const page = ({ body }: Answered) => (body.data as { id: string }[]).map(({ id }) => id);
  expect([...page(first), ...page(second)].slice(0, 3)).toEqual(ids.reverse());
  expect((await asking({ path: `${base}?state=none` })).status).toBe(422);
  expect((await asking({ path: `${base}?cursor=none` })).body.code).toBe('malformed_request');
});
