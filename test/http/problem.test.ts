/** Errors on the wire: one status a code, nothing of the inside. */
import { connect } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { errorCodes, QuarterdeckError } from '../../src/errors.ts';
import { problemKinds } from '../../src/http/problem.ts';
import { route, type Served, serve } from './serving.ts';

/** As the contract has them. */
const statuses = {
  malformed_request: 400,
  not_authenticated: 401,
  not_permitted: 403,
  network_refused: 403,
  customer_credential_refused: 403,
  not_found: 404,
  rejected: 409,
  idempotency_in_flight: 409,
  results_expired: 410,
  export_expired: 410,
  version_conflict: 412,
  too_large: 413,
  range_not_satisfiable: 416,
  unsupported_media_type: 415,
  invalid_input: 422,
  idempotency_key_reused: 422,
  reauthentication_required: 401,
  reason_required: 428,
  too_many_requests: 429,
  internal: 500,
  unavailable: 503,
  snapshot_building: 503,
  projection_behind: 504,
};

let served: Served;
let thrown: () => unknown;
beforeAll(async () => {
  const failing = route('get', '/internal/v1/failing', async () => {
    throw thrown();
  });
  const broken = route('get', '/internal/v1/broken', async (_request, response) => {
    await new Promise((sent) => response.write('a beginning', sent));
    throw new Error('in the middle');
  });
  const read = route('post', '/internal/v1/read', async (request) => {
    for await (const _ of request);
  });
  served = await serve({
    routes: [failing, broken, read, route('get', '/internal/v1/things/{id}', () => undefined)],
  });
});
afterAll(() => served.close(1_000));

const fail = async (error: unknown) => {
  thrown = () => error;
  const answer = await fetch(`${served.base}/internal/v1/failing`);
  return { answer, body: (await answer.json()) as Record<string, unknown> };
};

describe('a problem', () => {
  test('of every code has the status of the contract', async () => {
    expect(Object.fromEntries(errorCodes.map((code) => [code, problemKinds[code].status]))).toEqual(statuses);
    for (const code of errorCodes) {
      const { answer, body } = await fail(new QuarterdeckError(code, 'Words for the caller.'));
      expect([answer.status, body.status, body.code]).toEqual([statuses[code], statuses[code], code]);
      expect(answer.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
      expect(answer.headers.get('cache-control')).toBe('no-store');
    }
  });

  test('carries field errors, the rule’s own code, further members and when to come back', async () => {
    const errors = [{ path: 'items.0.name', message: 'Give a name.' }];
    const { answer, body } = await fail(
      new QuarterdeckError('rejected', 'No.', {
        errors,
        rejection: 'account_closed',
        retryAfterSeconds: 1.2,
        extra: { hint: 'x' },
      }),
    );
    expect(body).toMatchObject({ errors, rejection: 'account_closed', hint: 'x', detail: 'No.' });
    expect(answer.headers.get('retry-after')).toBe('2');
  });

  test('never lets a further member replace its code or status', async () => {
    const { body } = await fail(
      new QuarterdeckError('rejected', 'No.', { extra: { code: 'fine', status: 200, title: 'x' } }),
    );
    expect(body).toMatchObject({ code: 'rejected', status: 409 });
  });

  test('of an unknown fault tells the request id and nothing else; the log has the stack', async () => {
    const { answer, body } = await fail(new Error('password=secret at /var/lib'));
    expect(answer.status).toBe(500);
    expect(JSON.stringify(body)).not.toMatch(/secret|\/var\/lib|at Object|stack/);
    expect(body.requestId).toBe(answer.headers.get('x-request-id'));
    expect(served.logged()).toContain(`"requestId":"${body.requestId}"`);
    expect(served.logged()).toContain('password=secret at /var/lib');
  });

  test('of something thrown that is no error at all is a 500 too', async () => {
    expect((await fail('a string')).answer.status).toBe(500);
    expect((await fail({ status: 200 })).body.code).toBe('internal');
  });

  test('in the middle of a body cuts the connection, so that nobody takes half for the whole', async () => {
    const answer = await fetch(`${served.base}/internal/v1/broken`);
    await expect(answer.text()).rejects.toThrow();
  });

  test('is what a broken percent-encoding in the path gets', async () => {
    const answer = await fetch(`${served.base}/internal/v1/things/%E0%A4%A`);
    expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([
      400,
      'malformed_request',
    ]);
  });
});

describe('a body that its sender breaks off', () => {
  test('is no fault of ours', async () => {
    const socket = connect(served.port, '127.0.0.1');
    socket.write('POST /internal/v1/read HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf of');
    await setTimeout(50);
    socket.destroy();
    while (!served.logged().includes('"route":"/internal/v1/read"')) await setTimeout(10);
    await setTimeout(50);
    expect(served.logged()).not.toContain('aborted","stack');
    expect(served.logged()).toMatch(/"route":"\/internal\/v1\/read".*"aborted":true/);
  });
});
