/** Ceilings of tools: what is above is 429 with when to come back, counted in the log, over all processes. */
import { type TestDatabase, testDatabase } from '../setup/database.ts';
import { until } from '../setup/until.ts';
import { Browser } from './browser.ts';
import { dropKeys, type Keys, newKeys, type Served, samplePolicy, serve } from './serving.ts';

let db: TestDatabase;
let keys: Keys;
let app: Served;
let beside: Served;
let session: string;

/** Everybody here comes through the console, which is a tool like any other. */
const policyWith = (ceiling: string): string =>
  samplePolicy.replace("console: { scope: ['*'] }", `console: { scope: ['*']${ceiling} }`);

const apply = async (ceiling: string): Promise<void> => {
  await app.access.applyPolicy(policyWith(ceiling), 'p.yaml');
  await beside.access.policy.refresh();
};

beforeAll(async () => {
  db = await testDatabase();
  keys = await newKeys();
  app = await serve(db, keys);
  beside = await serve(db, keys);
  await apply('');
  const browser = new Browser(app.url);
  await browser.signIn('ops@dev.test');
  session = /quarterdeck=[\w-]{43}/.exec(browser.cookies())?.[0] ?? '';
});
afterAll(async () => {
  await beside.stop();
  await app.stop();
  await dropKeys(keys);
  await db.drop();
});

const ask = async (of: Served = app) => {
  const answer = await fetch(`${of.url}/internal/v1/me`, { headers: { cookie: session } });
  const { code } = (await answer.json()) as { code?: string };
  return { status: answer.status, code, retryAfter: answer.headers.get('retry-after') };
};

const statuses = async (times: number, of: Served = app): Promise<readonly number[]> => {
  const seen: number[] = [];
  for (let n = 0; n < times; n++) seen.push((await ask(of)).status);
  return seen;
};

const pass = (ms: number): void => {
  for (const { clock } of [app, beside]) clock.now = new Date(clock.now.getTime() + ms);
};

test('by default nobody is limited, a person in the console neither', async () => {
  expect(await statuses(300)).toEqual(Array(300).fill(200));
});

describe('above its ceiling', () => {
  beforeAll(() => apply(', ceiling: { requestsPerMinute: 60, burst: 3 }'));
  beforeEach(() => pass(120_000));

  test('a tool is told when to come back, and may then', async () => {
    expect(await statuses(3)).toEqual([200, 200, 200]);
    expect(await ask()).toEqual({ status: 429, code: 'too_many_requests', retryAfter: '1' });
    pass(999);
    expect((await ask()).status).toBe(429);
    pass(1);
    expect(await statuses(2)).toEqual([200, 429]);
  });

  test('waiting longer earns no more than the burst', async () => {
    expect(await statuses(3)).toEqual([200, 200, 200]);
    pass(3_600_000);
    expect(await statuses(4)).toEqual([200, 200, 200, 429]);
  });

  test('a slow one is told to wait as long as it takes', async () => {
    await apply(', ceiling: { requestsPerMinute: 2, burst: 1 }');
    pass(120_000);
    expect((await ask()).status).toBe(200);
    expect((await ask()).retryAfter).toBe('30');
    await apply(', ceiling: { requestsPerMinute: 60, burst: 3 }');
  });

  test('refusals are recorded as the tool’s, ten a minute and then a count', async () => {
    const about = async () => (await app.recorded()).filter(({ data }) => data.code === 'too_many_requests');
    const before = (await about()).length;
    app.clock.now = new Date(Math.ceil(app.clock.now.getTime() / 60_000) * 60_000);
    await statuses(43);
    pass(60_000);
    const events = (await about()).slice(before);
    expect(events.map(({ type }) => type)).toEqual([...Array(10).fill('AccessDenied'), 'DenialsCounted']);
    expect(events.at(-1)).toMatchObject({
      data: { count: 30 },
      metadata: { actor: { id: 'service:console', kind: 'service' }, tool: 'console' },
    });
    expect(events[0]?.data).toEqual({ code: 'too_many_requests', method: 'GET', path: '/internal/v1/me' });
  });

  test('what another process let in counts here too', async () => {
    // What the tests before asked may still be on its way.
    await until(async () => {
      pass(120_000);
      return (await statuses(3, beside)).every((status) => status === 200);
    });
    // The clock stands still, so nothing is refilled meanwhile.
    await until(async () => (await ask(app)).status === 429);
    expect((await ask(beside)).status).toBe(429);
  });
});
