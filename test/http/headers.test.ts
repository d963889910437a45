/** The request headers and query parameters that mean something, read strictly. */
import { sendJson } from '../../src/http/answer.ts';
import { freeTextOf, idempotencyKeyOf, ifMatchOf, minPositionOf } from '../../src/http/headers.ts';
import { flagOf, oneOf, queryOf, requireKnown, wholeNumberOf } from '../../src/http/parameters.ts';
import { route, type Served, serve } from './serving.ts';

let served: Served;
beforeAll(async () => {
  const headers = route('get', '/internal/v1/headers', (request, response) => {
    sendJson(response, {
      key: idempotencyKeyOf(request),
      version: ifMatchOf(request),
      position: minPositionOf(request),
      reason: freeTextOf(request, 'Quarterdeck-Reason'),
    });
  });
  const query = route('get', '/internal/v1/query', (request, response) => {
    const all = queryOf(request);
    requireKnown(all, ['dryRun', 'limit', 'name']);
    sendJson(response, {
      dryRun: flagOf(all, 'dryRun'),
      limit: wholeNumberOf(all, 'limit', 1),
      name: oneOf(all, 'name'),
    });
  });
  served = await serve({ routes: [headers, query] });
});
afterAll(() => served.close(1_000));

const read = async (path: string, headers: Record<string, string> = {}) => {
  const answer = await fetch(`${served.base}/internal/v1/${path}`, { headers });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
};

describe('headers', () => {
  test('are read', async () => {
    const sent = {
      'idempotency-key': '7f!~',
      'if-match': '"12"',
      'quarterdeck-min-position': '1024',
      'quarterdeck-reason': 'Kunde%20k%C3%BCndigt%20100%25',
    };
    expect((await read('headers', sent)).body).toEqual({
      key: '7f!~',
      version: 12,
      position: 1024,
      reason: 'Kunde kündigt 100%',
    });
  });

  test('that are not there mean nothing', async () => {
    expect((await read('headers')).body).toEqual({});
  });

  test.each([
    ['idempotency-key', ''],
    ['idempotency-key', 'two words'],
    ['idempotency-key', 'x'.repeat(256)],
    ['idempotency-key', 'schlüssel'],
    ['if-match', 'W/"3"'],
    ['if-match', '3'],
    ['if-match', '*'],
    ['if-match', '"3", "4"'],
    ['if-match', '"-1"'],
    ['if-match', '"1.5"'],
    ['if-match', '"03"'],
    ['if-match', '""'],
    ['if-match', '"99999999999999999999"'],
    ['quarterdeck-min-position', '-1'],
    ['quarterdeck-min-position', '1e3'],
    ['quarterdeck-min-position', 'latest'],
    ['quarterdeck-min-position', ''],
    ['quarterdeck-reason', '%'],
    ['quarterdeck-reason', '%E0%A4%A'],
    ['quarterdeck-reason', 'kündigt'],
    ['quarterdeck-reason', 'x%00y'],
    ['quarterdeck-reason', '%ED%A0%80'],
    ['quarterdeck-reason', 'x'.repeat(9_000)],
  ])('%s: %s is refused', async (name, value) => {
    const { status, body } = await read('headers', { [name]: value });
    expect([status, body.code]).toEqual([400, 'malformed_request']);
  });

  test('that are sent twice do not become one that means something else', async () => {
    const answer = await read('headers', { 'if-match': '"3"', 'If-Match': '"4"' });
    expect(answer.status).toBe(400);
  });
});

describe('query parameters', () => {
  test('are read', async () => {
    expect((await read('query?dryRun=true&limit=5&name=a%20b+c')).body).toEqual({
      dryRun: true,
      limit: 5,
      name: 'a b c',
    });
    expect((await read('query')).body).toEqual({ dryRun: false });
  });

  test.each([
    ['dryRun=yes', 'dryRun'],
    ['limit=0', 'limit'],
    ['limit=1.5', 'limit'],
    ['limit=', 'limit'],
    ['limit=1&limit=2', 'limit'],
    ['name=a&name=b', 'name'],
    ['other=1', 'other'],
    ['name=%00', 'name'],
    ['name%00=1', ''],
  ])('%s is refused with its name', async (query, path) => {
    const { status, body } = await read(`query?${query}`);
    expect([status, body.code, (body.errors as { path: string }[])[0]?.path]).toEqual([
      422,
      'invalid_input',
      path,
    ]);
  });

  test.each(['name=%', 'name=%ZZ', 'name=%ff', '%E0%A4%A=1'])('%s is no query string', async (query) => {
    const { status, body } = await read(`query?${query}`);
    expect([status, body.code]).toEqual([400, 'malformed_request']);
  });
});
