/** What every request passes, in its order, and what nobody answers. */
import { EventEmitter, once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import express from 'express';
import { errorCodes } from '../../src/errors.ts';
import { sendJson } from '../../src/http/answer.ts';
import { createRouter } from '../../src/http/app.ts';
import { correlationOf } from '../../src/http/correlation.ts';
import { problemType } from '../../src/http/problem.ts';
import { listenOn } from '../../src/http/server.ts';
import { dependencies, route, type Served, serve } from './serving.ts';

const echo = route('get', '/internal/v1/things/{id}', (request, response) => {
  sendJson(response, { id: request.params.id, correlation: correlationOf(response) });
});
const act = route('post', '/internal/v1/things/{id}/act', (_request, response) => sendJson(response, {}));

let directory: string;
let served: Served;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'console-'));
  mkdirSync(join(directory, 'assets'));
  writeFileSync(join(directory, 'index.html'), '<!doctype html><title>Quarterdeck</title>');
  writeFileSync(join(directory, 'assets', 'index-abc123.js'), 'console.log(1)');
  served = await serve({ routes: [echo, act], consoleDirectory: directory });
});
afterAll(async () => {
  await served.close(1_000);
  rmSync(directory, { recursive: true });
});

const get = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
  fetch(`${served.base}${path}`, { method, headers, redirect: 'manual' });
const codeOf = async (answer: Response) => ((await answer.json()) as { code: string }).code;

describe('every answer', () => {
  test('says what a browser may do, and not what we are made of', async () => {
    const { headers } = await get('/');
    expect(headers.get('x-powered-by')).toBeNull();
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('x-frame-options')).toBe('DENY');
    const policy = headers.get('content-security-policy') ?? '';
    for (const part of [
      "script-src 'self'",
      "connect-src 'self' ws://127.0.0.1:7400",
      "img-src 'self' data:",
      "frame-ancestors 'none'",
    ]) {
      expect(policy.split(';')).toContain(part);
    }
    expect(policy).toMatch(/style-src 'self' 'nonce-[A-Za-z0-9+/=]{24}' 'sha256-[^']+'/);
    expect(policy).not.toContain('unsafe-inline');
    expect(headers.get('strict-transport-security')).toBeNull();
    const again = (await get('/')).headers.get('content-security-policy');
    expect(again).not.toBe(policy);
  });

  test('of the API can be neither shown nor framed as a page', async () => {
    const { headers } = await get('/internal/v1/things/1');
    expect(headers.get('content-security-policy')).toBe("default-src 'none';frame-ancestors 'none'");
    expect(headers.get('x-content-type-options')).toBe('nosniff');
  });

  test('of the API is stored nowhere and has no ETag that is no version', async () => {
    const { headers } = await get('/internal/v1/things/1');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('etag')).toBeNull();
  });

  test('belongs to the trace that the request names', async () => {
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
    const traceparent = `00-${traceId}-00f067aa0ba902b7-01`;
    const told = await (await get('/internal/v1/things/1', { traceparent })).json();
    expect(told).toMatchObject({ correlation: { correlationId: traceId, traceparent } });
  });

  test.each([
    'nonsense',
    `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`,
    `ff-${'a'.repeat(32)}-00f067aa0ba902b7-01`,
  ])('of a request with the traceparent %s belongs to itself', async (traceparent) => {
    const told = (await (await get('/internal/v1/things/1', { traceparent })).json()) as {
      correlation: Record<string, string>;
    };
    expect(told.correlation.correlationId).toBe(told.correlation.requestId);
    expect(told.correlation.traceparent).toBeUndefined();
  });

  test('leaves one line in the log, without its query', async () => {
    await get('/internal/v1/things/logged?email=ada@example.com', { cookie: 'quarterdeck=secret-token' });
    await new Promise((resolve) => setTimeout(resolve, 50));
    const line = served
      .logged()
      .split('\n')
      .find((text) => text.includes('/things/logged'));
    expect(JSON.parse(line ?? '{}')).toMatchObject({
      status: 200,
      method: 'GET',
      route: '/internal/v1/things/{id}',
      principal: 'person:test:1',
    });
    await get('/internal/v1/things/ada@example.com');
    await get('/internal/v1/things/bob%40example.com');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(served.logged()).toContain('"path":"/internal/v1/things/…"');
    expect(served.logged()).not.toMatch(/ada@example|bob(%40|@)example|secret-token/);
  });
});

describe('what nobody answers', () => {
  test('is a problem', async () => {
    const answer = await get('/internal/v1/nothing-here');
    expect([answer.status, await codeOf(answer)]).toEqual([404, 'not_found']);
  });

  test.each(['POST', 'PUT', 'DELETE', 'PATCH'])('by %s, but by GET, says so', async (method) => {
    const answer = await get('/internal/v1/things/1', {}, method);
    expect([answer.status, answer.headers.get('allow')]).toEqual([404, 'GET, HEAD, OPTIONS']);
  });

  test('by OPTIONS is told what is answered', async () => {
    const answer = await get('/internal/v1/things/1/act', {}, 'OPTIONS');
    expect([answer.status, answer.headers.get('allow')]).toEqual([204, 'POST, OPTIONS']);
  });

  test('with another case or a slash behind is another address', async () => {
    expect((await get('/internal/v1/Things/1')).status).toBe(404);
    expect((await get('/internal/v1/things/1/')).status).toBe(404);
  });

  test('is broken HTTP, and still a problem', async () => {
    const socket = connect(served.port, '127.0.0.1');
    socket.end('NOT HTTP AT ALL\r\n\r\n');
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
    });
    await once(socket, 'close');
    expect(text).toContain('HTTP/1.1 400');
    expect(text).toContain('"code":"malformed_request"');
  });
});

describe('HEAD', () => {
  test('answers like GET without a body', async () => {
    const answer = await get('/internal/v1/things/1', {}, 'HEAD');
    expect([answer.status, await answer.text()]).toEqual([200, '']);
  });
});

describe('the network gate', () => {
  test('comes before everything, also before health', async () => {
    const closed = await serve({ rules: { allowed: ['10.0.0.0/8'], trustedProxies: [] }, routes: [echo] });
    for (const path of ['/livez', '/metrics', '/problems', '/internal/v1/things/1', '/']) {
      const answer = await fetch(`${closed.base}${path}`);
      expect([path, answer.status, await codeOf(answer)]).toEqual([path, 403, 'network_refused']);
    }
    await closed.close(1_000);
  });
});

describe('without a session', () => {
  test('the type of a problem leads to what its code means and what to do, and to nothing of ours', async () => {
    const closed = await serve({ nobody: true, routes: [echo] });
    const refused = await fetch(`${closed.base}/internal/v1/things/1`);
    const { type } = (await refused.json()) as { type: string };
    const answer = await fetch(new URL(type, refused.url), { redirect: 'manual' });
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    const page = await answer.text();
    for (const code of errorCodes) {
      const address = new URL(problemType(code), refused.url);
      expect(address.pathname).toBe('/problems');
      expect(page).toContain(`id="${address.hash.slice(1)}"`);
    }
    expect(page).not.toContain('/internal/v1/things');
    expect(page).not.toMatch(/<script|javascript:/);
    await closed.close(1_000);
  });

  test('a program gets its 401 for any address of the API, a page leads to signing in', async () => {
    const closed = await serve({ nobody: true, routes: [echo] });
    for (const path of ['/internal/v1/things/1', '/internal/v1/nothing-here', '/internal/docs']) {
      const answer = await fetch(`${closed.base}${path}`);
      expect([answer.status, await codeOf(answer)]).toEqual([401, 'not_authenticated']);
    }
    const page = await fetch(`${closed.base}/internal/docs?x=1`, {
      headers: { accept: 'text/html' },
      redirect: 'manual',
    });
    expect([page.status, page.headers.get('location')]).toEqual([
      302,
      '/auth/saml/login?return_to=%2Finternal%2Fdocs%3Fx%3D1',
    ]);
    await closed.close(1_000);
  });
});

describe('the console', () => {
  test('answers / and what a person opens, and is asked for anew each time', async () => {
    for (const [path, accept] of [
      ['/', '*/*'],
      ['/accounts/7590', 'text/html,*/*'],
    ] as const) {
      const answer = await get(path, { accept });
      expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'no-store']);
      expect(await answer.text()).toContain('<title>Quarterdeck</title>');
    }
  });

  test('has files that may be kept for ever', async () => {
    const answer = await get('/assets/index-abc123.js');
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([
      200,
      'public, max-age=31536000, immutable',
    ]);
  });

  test.each([
    ['/assets/gone.js', 'text/html'],
    ['/acounts', '*/*'],
    ['/internal/v1/nope', 'text/html'],
    ['/auth/nope', 'text/html'],
  ])('does not answer %s for %s', async (path, accept) => {
    const answer = await get(path, { accept });
    expect([answer.status, await codeOf(answer)]).toEqual([404, 'not_found']);
  });

  test('does not answer what climbs out of its folder', async () => {
    const socket = connect(served.port, '127.0.0.1');
    socket.end('GET /assets/../../../../etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
    });
    await once(socket, 'close');
    expect(text).toMatch(/^HTTP\/1.1 40[034]/);
    expect(text).not.toContain('root:');
  });
});

describe('what no route can be asked', () => {
  test.each([
    ['an address without a path', 'GET http:// HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'],
    [
      'an expectation that is none',
      'GET /livez HTTP/1.1\r\nHost: x\r\nExpect: cake\r\nConnection: close\r\n\r\n',
    ],
    ['what is no HTTP', 'cake\r\n\r\n'],
  ])('%s is a problem like any other', async (_what, request) => {
    const socket = connect(served.port, '127.0.0.1');
    socket.end(request);
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
    });
    await once(socket, 'close');
    expect(text).toMatch(/^HTTP\/1.1 400 .*application\/problem\+json.*"code":"malformed_request"/s);
  });
});

describe('the router in another express app', () => {
  test('answers its own addresses and leaves all others alone', async () => {
    const app = express();
    app.use(createRouter(dependencies({ routes: [echo] }, new PassThrough())));
    app.get('/theirs', (_request, response) => {
      response.send('theirs');
    });
    const { port, close } = await listenOn(app, '127.0.0.1', 0);
    const theirs = await fetch(`http://127.0.0.1:${port}/theirs`);
    expect(await theirs.text()).toBe('theirs');
    expect(theirs.headers.get('content-security-policy')).toBeNull();
    expect((await fetch(`http://127.0.0.1:${port}/internal/v1/things/1`)).status).toBe(200);
    expect((await fetch(`http://127.0.0.1:${port}/internal/v1/nope`)).status).toBe(404);
    await close(1_000);
  });
});

describe('health', () => {
  test('names what is missing, and says nothing of faults it does not know', async () => {
    const checks = [
      { name: 'database', missing: async () => undefined },
      { name: 'migrations', missing: async () => '2 migrations are pending' },
      { name: 'projections', missing: async () => Promise.reject(new Error('host db.internal refused')) },
    ];
    const sick = await serve({ healthChecks: checks });
    const answer = await fetch(`${sick.base}/readyz`);
    const told = (await answer.json()) as { missing: { name: string; missing: string }[] };
    expect(answer.status).toBe(503);
    expect(told.missing.map(({ name }) => name)).toEqual(['migrations', 'projections']);
    expect(told.missing[0]?.missing).toBe('2 migrations are pending');
    expect(JSON.stringify(told)).not.toContain('db.internal');
    expect((await fetch(`${sick.base}/livez`)).status).toBe(200);
    await sick.close(1_000);
  });

  test('tells what only warns, and is ready all the same', async () => {
    const warns = {
      name: 'identity providers',
      warns: true,
      missing: async () => 'okta is missing',
    } as const;
    const well = await serve({ healthChecks: [warns] });
    const answer = await fetch(`${well.base}/readyz`);
    expect([answer.status, await answer.json()]).toEqual([
      200,
      {
        status: 'ready',
        checks: ['identity providers'],
        missing: [],
        warnings: [{ name: 'identity providers', warning: 'okta is missing' }],
      },
    ]);
    await well.close(1_000);
  });
});

describe('metrics', () => {
  test('count requests by route and never by address', async () => {
    await get('/internal/v1/things/one');
    await get('/internal/v1/things/two');
    const text = await (await get('/metrics')).text();
    expect(text).toMatch(
      /quarterdeck_http_request_duration_seconds_count\{method="GET",route="\/internal\/v1\/things\/\{id\}",status="200"\} \d+/,
    );
    expect(text).not.toContain('/things/two');
  });
});

describe('closing', () => {
  test('lets a request under way end and takes no new one', async () => {
    const releasing = new EventEmitter();
    const slow = route('get', '/internal/v1/slow', async (_request, response) => {
      releasing.emit('begun');
      await once(releasing, 'release');
      sendJson(response, { done: true });
    });
    const closing = await serve({ routes: [slow] });
    const started = once(releasing, 'begun');
    const answer = fetch(`${closing.base}/internal/v1/slow`);
    await started;
    const closed = closing.close(10_000);
    await expect(fetch(`${closing.base}/livez`)).rejects.toThrow();
    releasing.emit('release');
    expect(await (await answer).json()).toEqual({ done: true });
    await closed;
  });
});

describe('a body that is answered before its end', () => {
  test('does not stand in the way of the connection’s next request', async () => {
    const early = route('post', '/internal/v1/early', async (request, response) => {
      for await (const _ of request.iterator({ destroyOnReturn: false })) break;
      sendJson(response, { early: true });
    });
    const serving = await serve({ routes: [early] });
    const socket = connect(serving.port, '127.0.0.1');
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
    });
    const size = 4 * 1024 * 1024;
    socket.write(`POST /internal/v1/early HTTP/1.1\r\nHost: x\r\nContent-Length: ${size}\r\n\r\n`);
    socket.write(Buffer.alloc(size));
    socket.write('GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    await once(socket, 'close');
    expect(text).toContain('{"early":true}');
    expect(text).toContain('{"status":"alive"}');
    await serving.close(1_000);
  });
});
