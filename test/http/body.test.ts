/** What a JSON body may be, and which code each way of being wrong has. */
import fc from 'fast-check';
import { sendJson } from '../../src/http/answer.ts';
import { bodyBytesMax, readJsonObject } from '../../src/http/body.ts';
import { route, type Served, serve } from './serving.ts';

let served: Served;
beforeAll(async () => {
  const echo = route('post', '/internal/v1/echo', async (request, response) => {
    sendJson(response, await readJsonObject(request));
  });
  served = await serve({ routes: [echo] });
});
afterAll(() => served.close(1_000));

const post = async (
  body: string | Uint8Array,
  headers: Record<string, string> = { 'content-type': 'application/json' },
) => {
  const answer = await fetch(`${served.base}/internal/v1/echo`, { method: 'POST', body, headers });
  return {
    status: answer.status,
    type: answer.headers.get('content-type'),
    body: (await answer.json()) as Record<string, unknown>,
  };
};

const refused = async (body: string | Uint8Array, headers?: Record<string, string>) => {
  const answer = await post(body, headers);
  expect(answer.type).toBe('application/problem+json; charset=utf-8');
  return [answer.status, answer.body.code, (answer.body.errors as { path: string }[] | undefined)?.[0]?.path];
};

describe('a JSON body', () => {
  test('comes back as it was sent', async () => {
    const sent = { a: [1, { b: null }], text: 'zażółć 🦆', 'odd key': true };
    expect((await post(JSON.stringify(sent))).body).toEqual(sent);
  });

  test('may say its charset, if that is UTF-8', async () => {
    expect((await post('{}', { 'content-type': 'Application/JSON; charset="UTF-8"' })).status).toBe(200);
    expect(await refused('{}', { 'content-type': 'application/json; charset=latin1' })).toEqual([
      415,
      'unsupported_media_type',
      undefined,
    ]);
  });

  test.each([
    ['text/plain', 'text/plain'],
    ['a form', 'application/x-www-form-urlencoded'],
    ['another JSON', 'application/vnd.api+json'],
  ])('sent as %s is refused', async (_, type) => {
    expect(await refused('{}', { 'content-type': type })).toEqual([415, 'unsupported_media_type', undefined]);
  });

  test('compressed is refused, whatever it would unfold to', async () => {
    const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
    expect(await refused('{}', headers)).toEqual([415, 'unsupported_media_type', undefined]);
  });

  test.each([
    ['nothing', ''],
    ['blanks', '  \n'],
    ['half an object', '{"a": 1'],
    ['single quotes', "{'a': 1}"],
    ['two values', '{} {}'],
    ['NaN', '{"a": NaN}'],
  ])('that is %s is malformed', async (_, body) => {
    expect(await refused(body)).toEqual([400, 'malformed_request', undefined]);
  });

  test('that is not UTF-8 is malformed', async () => {
    expect(await refused(new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]))).toEqual([
      400,
      'malformed_request',
      undefined,
    ]);
  });

  test('does not quote what it could not read', async () => {
    const answer = await post('{"email": "ada@example.com" oops');
    expect(JSON.stringify(answer.body)).not.toContain('ada@example.com');
  });

  test.each([['[]'], ['[{}]'], ['"text"'], ['7'], ['null'], ['true']])(
    'that is %s is no object',
    async (body) => {
      expect(await refused(body)).toEqual([422, 'invalid_input', '']);
    },
  );

  test('of 2 MB is too large, and its sender gets to know', async () => {
    const body = JSON.stringify({ text: 'x'.repeat(2 * 1024 * 1024) });
    expect(await refused(body)).toEqual([413, 'too_large', undefined]);
  });

  test('of exactly the limit is read', async () => {
    const frame = JSON.stringify({ text: '' });
    const body = JSON.stringify({ text: 'x'.repeat(bodyBytesMax - frame.length) });
    expect((await post(body)).status).toBe(200);
    expect(await refused(`${body} `)).toEqual([413, 'too_large', undefined]);
  });

  test.each([
    ['arrays', `{"a":${'['.repeat(10_000)}${']'.repeat(10_000)}}`],
    ['objects', `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`],
    ['arrays that nobody closed', `{"a":${'['.repeat(10_000)}`],
    ['as many arrays as fit', `{"a":${'['.repeat(500_000)}${']'.repeat(500_000)}}`],
  ])('of 10,000 nested %s is refused and harms nobody', async (what, body) => {
    const expected = what.includes('nobody')
      ? [400, 'malformed_request', undefined]
      : [422, 'invalid_input', 'a'];
    expect(await refused(body)).toEqual(expected);
    expect((await post('{}')).status).toBe(200);
  });

  test.each([
    ['NUL', '{"a": {"b": ["x", "y\\u0000"]}}', 'a.b.1'],
    ['the first half of a pair', '{"a": "\\ud83e"}', 'a'],
    ['the second half of a pair', '{"a": "\\udd86x"}', 'a'],
    ['NUL in a name', '{"a\\u0000": 1}', 'a\ufffd'],
    ['__proto__', '{"a": {"__proto__": {"admin": true}}}', 'a.__proto__'],
    ['constructor', '{"constructor": {"prototype": {}}}', 'constructor'],
  ])('with %s in it is refused with the path', async (_, body, path) => {
    expect(await refused(body)).toEqual([422, 'invalid_input', path]);
  });

  test('whatever its bytes are is read or refused with a 4xx and a code', async () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.json().map((text) => new TextEncoder().encode(text)),
      fc.string({ unit: 'binary' }).map((text) => new TextEncoder().encode(JSON.stringify({ text }))),
    );
    const property = fc.asyncProperty(bytes, async (body) => {
      const answer = await post(body);
      if (answer.status === 200) return;
      expect([400, 422]).toContain(answer.status);
      expect(typeof answer.body.code).toBe('string');
    });
    await fc.assert(property, { numRuns: 300 });
  });
});
