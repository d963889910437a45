/**
 * Bad input, against the whole system: every row of the table gets its 4xx with a code and, for 422, the
 * path and what to do; afterwards nothing is half written and the system stands as before.
 */
import fc from 'fast-check';
import { until } from '../setup/until.ts';
import { account, badInput } from './bad-input.ts';
import { type Answered, type Asked, ask, type Running, startQuarterdeck, type Who } from './running.ts';

let running: Running;
beforeAll(async () => {
  running = await startQuarterdeck();
});
afterAll(() => running.stop());

const asking = async (who: Who, asked: Asked): Promise<Answered> =>
  ask(running.base, await running.cookieOf(who), asked);

interface FieldError {
  readonly path: string;
  readonly message: string;
}

/** A refusal as the contract has it; nothing of the inside shows. */
const expectProblem = (answer: Answered, status: number, code: string): readonly FieldError[] => {
  expect({ status: answer.status, code: answer.body.code, said: answer.text.slice(0, 500) }).toMatchObject({
    status,
    code,
  });
  expect(answer.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
  expect(answer.headers.get('cache-control')).toBe('no-store');
  expect(answer.body).toMatchObject({
    status,
    title: expect.any(String),
    detail: expect.any(String),
    type: expect.any(String),
  });
  expect(answer.text).not.toMatch(/node_modules|\bat \w+ \(|SELECT |pg_|violates|syntax error at/);
  return (answer.body.errors ?? []) as readonly FieldError[];
};

describe('bad input', () => {
  test.each(badInput)('$what is $status $code', async ({ as = 'admin', ask: asked, status, code, path }) => {
    const errors = expectProblem(await asking(as, asked), status, code);
    if (status !== 422) return;
    expect(errors.length).toBeGreaterThan(0);
    for (const error of errors) expect(error.message).toMatch(/\w+ \w+/);
    if (path !== undefined)
      expect(errors.map((error) => error.path)).toContainEqual(
        typeof path === 'string' ? path : expect.stringMatching(path),
      );
  });

  test('whatever its characters are, an id is taken or refused, and never a fault', async () => {
    const property = fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 80 }), async (accountId) => {
      const { status, body } = await asking('admin', {
        path: '/internal/v1/commands/open-account?dryRun=true',
        body: account({ accountId }),
      });
      expect([accountId, status, body.code]).toEqual([
        accountId,
        ...(status === 200 ? [200, undefined] : [422, 'invalid_input']),
      ]);
    });
    await fc.assert(property, { numRuns: 150 });
  });

  test('whatever its query is, a list answers or is refused, and never a fault', async () => {
    const names = fc.oneof(
      fc.constantFrom(
        'status',
        'tenureMonths[gte]',
        'monthlyCharges[lt]',
        'openedAt[gte]',
        'flags',
        'sort',
        'limit',
        'cursor',
        'fields',
        'asOf',
        'where',
        'name[prefix]',
        'plan[in]',
        'contract[null]',
      ),
      fc.string({ maxLength: 12 }),
    );
    const values = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 30 }),
      fc.json(),
      fc.constantFrom('0', '-1', '1e9', 'null', '9'.repeat(30), '2026-02-30', '-accountId'),
    );
    const property = fc.asyncProperty(fc.array(fc.tuple(names, values), { maxLength: 3 }), async (pairs) => {
      const query = new URLSearchParams(pairs).toString();
      const { status, body, text } = await asking('admin', { path: `/internal/v1/accounts?${query}` });
      const fine =
        status === 200 ||
        (status >= 400 && status < 500 && typeof body.code === 'string') ||
        body.code === 'snapshot_building';
      expect({ query, fine, said: fine ? '' : text }).toEqual({ query, fine: true, said: '' });
    });
    await fc.assert(property, { numRuns: 250 });
  });

  test('whatever its JSON is, a command answers or is refused, and never a fault', async () => {
    const commands = [
      'open-account',
      'suspend-account',
      'raise-invoice',
      'refund-invoice',
      'add-note',
      'grant-support-access',
      'set-account-flag',
    ];
    const nearlyRight = fc.record(
      {
        accountId: fc.jsonValue(),
        reason: fc.jsonValue(),
        amount: fc.jsonValue(),
        plan: fc.jsonValue(),
        text: fc.jsonValue(),
        until: fc.jsonValue(),
      },
      { requiredKeys: [] },
    );
    const property = fc.asyncProperty(
      fc.constantFrom(...commands),
      fc.oneof(fc.jsonValue(), nearlyRight),
      async (command, body) => {
        const answer = await asking('admin', {
          path: `/internal/v1/commands/${command}?dryRun=true`,
          body: JSON.stringify(body),
        });
        const fine =
          answer.status === 200 ||
          (answer.status >= 400 && answer.status < 500 && typeof answer.body.code === 'string');
        expect({ command, fine, said: fine ? '' : answer.text }).toEqual({ command, fine: true, said: '' });
      },
    );
    await fc.assert(property, { numRuns: 250 });
  });

  test('whatever its bytes are, an upload is accepted or refused, and never a fault', async () => {
    const cell = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 12 }),
      fc.constantFrom('"', '""', '\r', '\n', ',', '29.85', 'one-year', '\ufeff'),
    );
    const lines = fc.array(
      fc.array(cell, { maxLength: 8 }).map((cells) => cells.join(',')),
      { maxLength: 6 },
    );
    const property = fc.asyncProperty(
      lines,
      fc.constantFrom('text/csv', 'application/x-ndjson'),
      async (rows, type) => {
        const body = Buffer.from(
          `accountId,plan,contract,tenureMonths,monthlyCharges,totalCharges\n${rows.join('\r\n')}`,
        );
        const answer = await asking('admin', {
          path: '/internal/v1/bulk-jobs?command=open-account&dryRun=true',
          body: new Uint8Array(body),
          headers: { 'content-type': type },
        });
        const fine =
          answer.status === 202 ||
          (answer.status >= 400 && answer.status < 500 && typeof answer.body.code === 'string');
        expect({ rows, fine, said: fine ? '' : answer.text }).toEqual({ rows, fine: true, said: '' });
      },
    );
    await fc.assert(property, { numRuns: 100 });
  });
});

describe('an upload with a BOM, CRLF and blank lines', () => {
  test('is not bad at all', async () => {
    const rows = [
      'accountId,plan,contract,tenureMonths,monthlyCharges,totalCharges',
      'bom-1,dsl,one-year,1,"29.85",29.85',
      '',
      'bom-2,"a ""plan""",two-year,1,1.00,1.00',
      '',
    ];
    const answer = await asking('admin', {
      path: '/internal/v1/bulk-jobs?command=open-account',
      body: `\ufeff${rows.join('\r\n')}`,
      headers: { 'content-type': 'text/csv; charset=utf-8' },
    });
    expect(answer.status).toBe(202);
    expect(answer.body).toMatchObject({ total: 2, command: 'open-account' });
    expect(answer.headers.get('location')).toBe(`/internal/v1/bulk-jobs/${answer.body.id}`);
  });
});

describe('after all of it', () => {
  test('nothing of it is in the log, which has no gap', async () => {
    const { text } = await asking('compliance', { path: '/internal/v1/audit/events.ndjson' });
    const events = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { position: number; stream: string });
    expect(events.map(({ position }) => position)).toEqual(events.map((_, index) => index + 1));
    const streams = new Set(
      events
        .map(({ stream }) => stream)
        .filter((stream) => !stream.startsWith('$') && !/^(account-bom-|bulk)/.test(stream)),
    );
    expect([...streams]).toEqual([]);
  });

  test('the process is the one it was, ready, and without a fault in its log', async () => {
    expect(running.process.exitCode).toBeNull();
    // Ready again, once what was asked of it is behind it.
    await until(async () => (await ask(running.base, undefined, { path: '/readyz' })).status === 200);
    expect(running.output()).not.toMatch(/request failed|"level":50/);
  });
});
