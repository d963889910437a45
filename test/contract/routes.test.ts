/**
 * Every route that the OpenAPI document names: closed to whoever is not signed in, open exactly to those
 * who hold its permission. A new route is under test as soon as it exists.
 */
import { Validator } from '@seriousme/openapi-schema-validator';
import { account } from './bad-input.ts';
import { type Answered, type Asked, ask, type Running, startQuarterdeck, type Who } from './running.ts';

interface Operation {
  readonly operationId: string;
  readonly 'x-permission'?: string;
  readonly security?: readonly object[];
  readonly responses: Readonly<Record<string, unknown>>;
}

interface Described extends Operation {
  readonly method: string;
  readonly path: string;
}

interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

let running: Running;
let document: Document;
let operations: readonly Described[];
beforeAll(async () => {
  running = await startQuarterdeck();
  const cookie = await running.cookieOf('support');
  document = (await ask(running.base, cookie, { path: '/internal/openapi.json' })).body as never;
  operations = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ ...operation, method, path })),
  );
});
afterAll(() => running.stop());

const closed = () => operations.filter(({ path }) => path.startsWith('/internal'));

const asked = ({ method, path }: Described): Asked => ({
  path: path.replaceAll(/\{\w+\}/g, 'none'),
  ...(method === 'post' ? { body: {} } : { method: method.toUpperCase() as 'GET' }),
});

test('the document is valid and has all of the domain and all fixed routes', async () => {
  const { valid, errors } = await new Validator().validate(structuredClone(document) as never);
  expect(errors).toBeUndefined();
  expect(valid).toBe(true);
  expect(operations.length).toBeGreaterThan(50);
  for (const path of [
    '/internal/v1/me',
    '/internal/v1/commands',
    '/internal/v1/commands/open-account',
    '/internal/v1/accounts',
    '/internal/v1/accounts.csv',
    '/internal/v1/accounts/{id}',
    '/internal/v1/bulk-jobs',
    '/internal/v1/bulk-jobs/{id}/retry-failed',
    '/internal/v1/audit/events.ndjson',
    '/internal/v1/audit/replay/{stream}',
    '/readyz',
    '/metrics',
  ]) {
    expect(Object.keys(document.paths)).toContain(path);
  }
});

test('without a session every route of the API is 401, whatever it is asked', async () => {
  expect(closed().length).toBeGreaterThan(40);
  for (const operation of closed()) {
    const { status, body } = await ask(running.base, undefined, asked(operation));
    expect([operation.method, operation.path, status, body.code]).toEqual([
      operation.method,
      operation.path,
      401,
      'not_authenticated',
    ]);
  }
});

test('whoever lacks a route’s permission gets 403 that names it; whoever holds it does not', async () => {
  for (const who of ['support', 'billing', 'ops', 'admin', 'compliance'] satisfies Who[]) {
    const cookie = await running.cookieOf(who);
    const { body: me } = await ask(running.base, cookie, { path: '/internal/v1/me' });
    const grants = me.permissions as readonly string[];
    const holds = (permission: string) =>
      grants.some(
        (grant) =>
          grant === permission ||
          grant === '*' ||
          (grant.endsWith(':*') && permission.startsWith(grant.slice(0, -1))),
      );
    for (const operation of closed()) {
      const permission = operation['x-permission'];
      if (permission === undefined) continue;
      const answer = await ask(running.base, cookie, asked(operation));
      const told = {
        who,
        route: `${operation.method} ${operation.path}`,
        refused: answer.status === 403,
        names: answer.body.permission,
      };
      expect(told).toEqual({
        ...told,
        refused: !holds(permission),
        names: holds(permission) ? undefined : permission,
      });
    }
  }
});

test('every answer has a status that the document names for it', async () => {
  const cookie = await running.cookieOf('admin');
  for (const operation of operations) {
    const answer: Answered = await ask(
      running.base,
      operation.security === undefined ? cookie : undefined,
      asked(operation),
    );
    expect([operation.operationId, Object.keys(operation.responses)]).toEqual([
      operation.operationId,
      expect.arrayContaining([String(answer.status)]),
    ]);
  }
});

test('the documentation page shows every operation', async () => {
  const { text, headers } = await ask(running.base, await running.cookieOf('support'), {
    path: '/internal/docs',
  });
  expect(headers.get('content-security-policy')).toContain("script-src 'self'");
  for (const { operationId } of operations) expect(text).toContain(`id="${operationId}"`);
});

test('the metrics tell of commands, batches of the log and every projection', async () => {
  await ask(running.base, await running.cookieOf('admin'), {
    path: '/internal/v1/commands/open-account',
    body: account({ accountId: 'measured' }),
  });
  const { text } = await ask(running.base, undefined, { path: '/metrics' });
  expect(text).toMatch(/quarterdeck_commands_total\{command="open-account",outcome="\w+"\} 1\n/);
  expect(text).toMatch(/quarterdeck_append_batch_units_count [1-9]/);
  expect(text).toMatch(
    /quarterdeck_http_request_duration_seconds_count\{method="POST",route="\/internal\/v1\/commands\/\{name\}",status="200"\} 1/,
  );
  for (const name of ['accounts', 'invoices', 'credits', 'notes', 'access-grants']) {
    expect(text).toContain(`quarterdeck_projection_lag_positions{projection="${name}"}`);
  }
});
