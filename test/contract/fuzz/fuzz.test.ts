/**
 * Random requests at a whole running system, without a session and as the weakest role: none is a fault of
 * ours, and none succeeds that the matrix does not allow. `QUARTERDECK_FUZZ_REQUESTS` says how many (1,500),
 * `QUARTERDECK_FUZZ_SEED` repeats a run.
 */
import { randomInt } from 'node:crypto';
import { Agent, request } from 'node:http';
import fc from 'fast-check';
import { cellOfRoute, samplePolicy } from '../../access/matrix/matrix.ts';
import { account } from '../bad-input.ts';
import { ask, type Running, startQuarterdeck } from '../running.ts';
import { type Fuzzed, type Operation, requestsOf } from './requests.ts';

const total = Number(process.env.QUARTERDECK_FUZZ_REQUESTS ?? 1_500);
const seed = Number(process.env.QUARTERDECK_FUZZ_SEED ?? randomInt(2 ** 31));
const atOnce = 16;
/** Jest's own bound is made for a handful of requests. */
const minutes = 120_000 + total * 20;
const weakest = 'support';

interface Answered {
  readonly status: number;
  readonly code: unknown;
  readonly text: string;
}

let running: Running;
let operations: readonly Operation[];
let cookie: string;
beforeAll(async () => {
  running = await startQuarterdeck();
  cookie = await running.cookieOf(weakest);
  const { body } = await ask(running.base, cookie, { path: '/internal/openapi.json' });
  const paths = body.paths as Record<string, Record<string, Omit<Operation, 'method' | 'path'>>>;
  operations = Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ ...operation, method, path })),
  );
  const admin = await running.cookieOf('admin');
  for (const accountId of ['fuzz-1', 'fuzz-2'])
    await ask(running.base, admin, {
      path: '/internal/v1/commands/open-account',
      body: account({ accountId, region: 'EMEA' }),
    });
});
afterAll(() => running.stop());

const agent = new Agent({ keepAlive: true, maxSockets: atOnce });
afterAll(() => agent.destroy());

const send = (fuzzed: Fuzzed, as: string | undefined): Promise<Answered> =>
  new Promise((resolve, reject) => {
    const { port } = new URL(running.base);
    const { method, path, headers, body } = fuzzed;
    const asked = request({
      agent,
      port,
      method,
      path,
      host: '127.0.0.1',
      headers: {
        origin: running.base,
        ...headers,
        ...(as === undefined ? {} : { cookie: as }),
        ...(body === undefined ? {} : { 'content-length': body.length }),
      },
    });
    const lost = (cause: Error) =>
      reject(new Error(`${cause.message}: ${JSON.stringify({ ...fuzzed, body: body?.toString('latin1') })}`));
    asked.on('error', lost);
    asked.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', lost);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        const isProblem = response.headers['content-type']?.startsWith('application/problem+json') === true;
        const code = isProblem && text !== '' ? JSON.parse(text).code : undefined;
        resolve({ status: response.statusCode ?? 0, code, text: text.slice(0, 500) });
      });
    });
    asked.end(body);
  });

/** The operation that answers there; express decodes a segment, so a template takes whatever is no slash. */
const operationAt = ({ method, path }: Fuzzed): Operation | undefined => {
  const place = path.split(/[?#]/, 1)[0] ?? '';
  const asked = method === 'HEAD' ? 'get' : method.toLowerCase();
  const fits = (template: string): boolean =>
    new RegExp(`^${template.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(place);
  const found = operations.filter((one) => one.method === asked && fits(one.path));
  return found.find((one) => !one.path.includes('{')) ?? found[0];
};

const isOpen = ({ security }: Operation): boolean => security?.length === 0;

/** Asked to read at another moment, to wait, or how it is: then these are answers and no faults. */
const asExpected = ({ status, code }: Answered, { path }: Fuzzed): boolean =>
  (status === 503 && code === 'snapshot_building' && path.includes('asOf')) ||
  (status === 504 && code === 'projection_behind') ||
  (status === 503 && path.startsWith('/readyz'));

const isAllowed = (fuzzed: Fuzzed, role: string | undefined): boolean => {
  if (fuzzed.method === 'OPTIONS') return true;
  const operation = operationAt(fuzzed);
  // The console, which is the same for everybody and holds nothing.
  if (operation === undefined) return !/^\/(internal|scim)(\/|$)/.test(fuzzed.path);
  if (isOpen(operation)) return true;
  if (operation.path.startsWith('/scim/') || role === undefined) return false;
  return cellOfRoute(samplePolicy(), role, operation) !== '-';
};

const run = async (role: string | undefined, count: number) => {
  const requests = fc.sample(requestsOf(operations), { numRuns: count, seed });
  const statuses = new Map<number, number>();
  const wrong: unknown[] = [];
  const work = async (): Promise<void> => {
    for (let fuzzed = requests.pop(); fuzzed !== undefined; fuzzed = requests.pop()) {
      // Signing out for real would make nobody of the rest of the run.
      const as = role === undefined || fuzzed.path.includes('logout') ? undefined : cookie;
      const answered = await send(fuzzed, as);
      statuses.set(answered.status, (statuses.get(answered.status) ?? 0) + 1);
      const isFault = answered.status >= 500 && !asExpected(answered, fuzzed);
      const succeeds = answered.status >= 200 && answered.status < 300;
      if (isFault || (succeeds && !isAllowed(fuzzed, as === undefined ? undefined : role)))
        wrong.push({ ...fuzzed, body: fuzzed.body?.toString('latin1').slice(0, 500), answered });
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  if (process.env.QUARTERDECK_FUZZ_REQUESTS !== undefined)
    console.log(
      role ?? 'nobody',
      `seed ${seed}`,
      Object.fromEntries([...statuses].sort(([a], [b]) => a - b)),
    );
  return { seed, wrong: wrong.slice(0, 5), count: wrong.length };
};

test(
  'without a session no random request is a fault, and none opens what is closed',
  async () => {
    expect(await run(undefined, Math.ceil(total / 2))).toEqual({ seed, wrong: [], count: 0 });
  },
  minutes,
);

test(
  'as the weakest role no random request is a fault, and none does what the matrix refuses',
  async () => {
    expect(await run(weakest, Math.floor(total / 2))).toEqual({ seed, wrong: [], count: 0 });
    expect((await ask(running.base, cookie, { path: '/internal/v1/me' })).status).toBe(200);
  },
  minutes,
);
