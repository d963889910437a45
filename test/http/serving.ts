/**
 * An app of real parts around routes of a test's own: network rules, headers, problems and metrics are
 * the product's; who asks is said by the test, because signing in is not what these tests are about.
 */
import { randomUUID } from 'node:crypto';
import { PassThrough } from 'node:stream';
import { createNetwork, type NetworkRules } from '../../src/access/network.ts';
import { type Principal, permissions } from '../../src/access/principal.ts';
import { QuarterdeckError } from '../../src/errors.ts';
import { type AppDependencies, createApp } from '../../src/http/app.ts';
import { setCaller } from '../../src/http/caller.ts';
import { createLogger } from '../../src/http/log.ts';
import { createMetrics } from '../../src/http/metrics.ts';
import { type Listening, listenOn } from '../../src/http/server.ts';

export const somebody: Principal = {
  id: 'person:test:1',
  kind: 'person',
  roles: ['admin'],
  permissions: permissions(['*']),
  tool: 'console',
};

export interface Served extends Listening {
  readonly base: string;
  /** Everything that was logged so far. */
  logged(): string;
}

interface Options extends Partial<AppDependencies> {
  readonly rules?: NetworkRules;
  /** Nobody is signed in. */
  readonly nobody?: boolean;
}

/** The dependencies of an app as a test wants it. */
export const dependencies = (options: Options, logTo: PassThrough): AppDependencies => {
  const network = createNetwork(options.rules ?? { allowed: [], trustedProxies: [] });
  return {
    log: createLogger({ destination: logTo }),
    newId: randomUUID,
    metrics: createMetrics({ projectionLag: async () => ({}) }),
    gates: {
      network: (request, response) => {
        response.locals.ip = network.admit(request.socket.remoteAddress, request.get('x-forwarded-for'));
      },
      credentials: () => undefined,
      session: async (_request, response) => {
        if (options.nobody === true) throw new QuarterdeckError('not_authenticated', 'Sign in first.');
        setCaller(response, somebody, '127.0.0.1');
      },
    },
    onDenied: () => undefined,
    healthChecks: [],
    security: { publicUrl: 'http://127.0.0.1:7400', formTargets: () => [] },
    auth: (_request, _response, next) => next(),
    oidc: (_request, _response, next) => next(),
    crossOrigin: () => false,
    routes: [],
    ...options,
  };
};

export const serve = async (options: Options = {}): Promise<Served> => {
  const logTo = new PassThrough();
  let logged = '';
  logTo.on('data', (chunk) => {
    logged += chunk;
  });
  const listening = await listenOn(createApp(dependencies(options, logTo)), '127.0.0.1', 0);
  return { ...listening, base: `http://127.0.0.1:${listening.port}`, logged: () => logged };
};

/** A route that answers what its handler returns. */
export const route = (
  method: 'get' | 'post',
  path: string,
  handle: AppDependencies['routes'][number]['handle'],
): AppDependencies['routes'][number] => ({
  method,
  path,
  operationId: `${method}${path.replaceAll(/\W/g, '_')}`,
  tag: 'Test',
  summary: 'A route of a test',
  answers: [{ status: 200, description: 'Fine.' }],
  codes: [],
  handle,
});
