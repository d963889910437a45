/** How a bulk job runs, over HTTP: options of a start, trying again with a correction, results that are gone. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Answered, type Asked, ask, type Running, startQuarterdeck } from './running.ts';

let running: Running;
beforeAll(async () => {
  running = await startQuarterdeck({ QUARTERDECK_BULK_RESULTS_DAYS: '30' });
});
afterAll(() => running.stop());

const jobs = '/internal/v1/bulk-jobs';
const asking = async (asked: Asked): Promise<Answered> =>
  ask(running.base, await running.cookieOf('admin'), asked);

const ended = async (id: unknown): Promise<Answered['body']> => {
  for (;;) {
    const { body } = await asking({ path: `${jobs}/${id}` });
    if (body.finishedAt !== null) return body;
    await sleep(50);
  }
};

const columns = 'accountId,plan,contract,tenureMonths,monthlyCharges,totalCharges';
const csv = { 'content-type': 'text/csv' };
const uploaded = async (rows: readonly string[]): Promise<Answered['body']> => {
  const path = `${jobs}?command=open-account`;
  const { body } = await asking({ path, body: `${columns}\n${rows.join('\n')}\n`, headers: csv });
  return ended(body.id);
};

describe('How a bulk job runs', () => {
  test('a job says when it starts, its share, its rate and its failure ratio', async () => {
    const startAt = '2027-01-01T00:00:00+01:00';
    const body = {
      ...{ command: 'suspend-account', input: { reason: 'x' }, targets: ['a'] },
      ...{ startAt, priority: 'high', maxRate: 12.5, maxFailureRatio: 0.05 },
    };
    const answer = await asking({ path: jobs, body });
    expect([answer.status, answer.body]).toEqual([
      202,
      expect.objectContaining({
        ...{ state: 'accepted', priority: 'high', maxRate: 12.5, maxFailureRatio: 0.05 },
        startAt: '2026-12-31T23:00:00.000000Z',
      }),
    ]);
    expect((await asking({ path: `${jobs}/${answer.body.id}/cancel`, body: {} })).body.state).toBe(
      'cancelled',
    );
  });

  test.each([
    ['startAt', '2020-01-01T00:00:00Z'],
    ['startAt', 'noon'],
    ['priority', 'urgent'],
    ['maxRate', 0],
    ['maxRate', '5'],
    ['maxFailureRatio', 2],
  ])('a %s of %p is refused by its name', async (name, value) => {
    const body = { command: 'suspend-account', input: { reason: 'x' }, targets: ['a'], [name]: value };
    const { status, body: problem } = await asking({ path: jobs, body });
    expect([status, problem.code, problem.errors]).toEqual([
      422,
      'invalid_input',
      [expect.objectContaining({ path: name })],
    ]);
  });

  test('what was rejected is tried again with a correction', async () => {
    const [good, bad] = [`good-${randomUUID()}`, `bad-${randomUUID()}`];
    const row = (id: string, total: string): string => `${id},dsl,one-year,12,29.85,${total}`;
    const job = await uploaded([row(good, '10.00'), row(bad, '')]);
    expect(job).toMatchObject({ succeeded: 1, rejected: 1 });
    const path = `${jobs}/${job.id}/retry-failed`;
    const correct = (text: string, headers = {}) =>
      asking({ path, method: 'POST', body: `${columns}\n${text}\n`, headers: { ...csv, ...headers } });

    const stranger = await correct(`${row(good, '10.00')}\n${row(bad, '20.00')}`);
    expect([stranger.status, stranger.body.code, stranger.body.errors]).toEqual([
      422,
      'invalid_input',
      [expect.objectContaining({ path: 'line 2' })],
    ]);
    const retry = await correct(row(bad, '20.00'));
    expect([retry.status, retry.body]).toEqual([202, expect.objectContaining({ total: 1, retryOf: job.id })]);
    const done = await ended(retry.body.id);
    expect(done).toMatchObject({ succeeded: 1 });
    const headers = { 'quarterdeck-min-position': String(done.position) };
    expect((await asking({ path: `/internal/v1/accounts/${bad}`, headers })).status).toBe(200);
  });

  test('trying again takes no body, an empty one, or one that is right', async () => {
    const job = await uploaded([`x-${randomUUID()},dsl,one-year,12,29.85,`]);
    const path = `${jobs}/${job.id}/retry-failed`;
    for (const asked of [
      { path, method: 'POST' as const },
      { path, body: {} },
    ]) {
      const { status, body } = await asking(asked);
      expect([status, body.rejection]).toEqual([409, 'nothing_failed']);
    }
    expect((await asking({ path, body: { outcomes: ['rejected'] } })).status).toBe(202);
    expect((await asking({ path, body: { outcomes: ['skipped'] } })).body.code).toBe('invalid_input');
    const xml = await asking({ path, body: '<x/>', headers: { 'content-type': 'application/xml' } });
    expect(xml.status).toBe(415);
  });

  test('410 results_expired: results are gone, the job with its counts is not', async () => {
    const job = await uploaded([`old-${randomUUID()},dsl,one-year,12,29.85,1.00`]);
    await running.db.app.query('UPDATE bulk_jobs SET results_expired_at = now() WHERE id = $1', [job.id]);
    for (const path of ['results', 'results?format=csv', 'results?format=ndjson&outcome=rejected']) {
      const { status, body } = await asking({ path: `${jobs}/${job.id}/${path}` });
      expect([path, status, body.code]).toEqual([path, 410, 'results_expired']);
    }
    const { status, body } = await asking({ path: `${jobs}/${job.id}` });
    expect([status, body.succeeded, typeof body.resultsExpiredAt]).toEqual([200, 1, 'string']);
  });

  test('metrics tell whether bulk work yields', async () => {
    const text = await (await fetch(`${running.base}/metrics`)).text();
    expect(text).toMatch(/^quarterdeck_bulk_yielding [01]$/m);
    expect(text).toMatch(/^quarterdeck_bulk_yielded_seconds_total \d/m);
    expect(text).toMatch(/^quarterdeck_interactive_command_p95_seconds (Nan|\d)/m);
  });
});
