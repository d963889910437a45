/** Row scopes and limits of a service account: the same rows are reached as with a role, by itself and as somebody. */

import { PolicyFileError } from '../../../src/access/policy-file.ts';
import type { Principal } from '../../../src/access/principal.ts';
import { QuarterdeckError } from '../../../src/errors.ts';
import { type TestDatabase, testDatabase } from '../../setup/database.ts';
import { until } from '../../setup/until.ts';
import { holder, openZoo, policyOf, type Zoo } from './zoo.ts';

const key = '{ kty: EC, crv: P-256, x: a, y: b }';
const service = (more: string) => `
roles: { keeper: { permissions: ['*'] } }
tools:
  robot:
    kind: service
    scope: ['*']
    keys: [${key}]
${more}`;
const narrowed = service(`    rows: ['houses where region in [north, east]']
    limits: { feed-animal: { grams: { lte: '100' } } }
`);

let db: TestDatabase;
let zoo: Zoo;
let robot: Principal;
const all = holder(policyOf({ all: { permissions: ['*'] } }), ['all'], {}, 'person:all');

beforeAll(async () => {
  db = await testDatabase();
  zoo = await openZoo(db);
  await zoo.engine.access.applyPolicy(narrowed, 'policy.yaml');
  for (const region of ['north', 'east', 'south']) {
    expect(await zoo.act(all, 'build-house', { houseId: region, region })).toBe('ok');
    expect(await zoo.act(all, 'take-animal', { animalId: `${region}-bear`, houseId: region })).toBe('ok');
  }
  const found = await zoo.engine.access.principalOf('service:robot', 'robot');
  if (found === undefined) throw new Error('there is no such service');
  robot = found;
});
afterAll(async () => {
  await zoo.stop();
  await db.drop();
});

const codeOf = (doing: Promise<unknown>): Promise<string> =>
  doing.then(
    () => 'ok',
    (error: unknown) => (error instanceof QuarterdeckError ? error.code : String(error)),
  );

test('lists and single rows hold what it reaches, now and as of a moment', async () => {
  const position = await zoo.caughtUp();
  for (const query of ['', `asOf=${position}`]) {
    expect(await zoo.keys(robot, 'houses', query)).toEqual(['east', 'north']);
    expect(await zoo.keys(robot, 'animals', query)).toEqual(['east-bear', 'north-bear']);
    const one = (row: string) =>
      codeOf(
        zoo.engine.readSide.queries.get({
          principal: robot,
          projection: 'houses',
          key: row,
          query: new URLSearchParams(query),
        }),
      );
    expect([await one('north'), await one('south'), await one('nowhere')]).toEqual([
      'ok',
      'not_found',
      'not_found',
    ]);
  }
});

test('commands reach no other row, and put none beyond its reach', async () => {
  expect(await zoo.act(robot, 'feed-animal', { animalId: 'north-bear', grams: 5 })).toBe('ok');
  expect(await zoo.act(robot, 'feed-animal', { animalId: 'south-bear', grams: 5 })).toMatch(/^not_found/);
  expect(await zoo.act(robot, 'move-house', { houseId: 'north', region: 'south' })).toMatch(/^not_permitted/);
});

test('its limits hold', async () => {
  expect(await zoo.act(robot, 'feed-animal', { animalId: 'north-bear', grams: 100 })).toBe('ok');
  expect(await zoo.act(robot, 'feed-animal', { animalId: 'north-bear', grams: 101 })).toMatch(
    /^not_permitted/,
  );
});

test('bulk work reaches no other row, whatever it names', async () => {
  const { bulk } = zoo.engine;
  const targets = ['north-bear', 'south-bear', 'east-bear'];
  const body = { command: 'feed-animal', input: { grams: 1 }, targets };
  const { job } = await bulk.accept.fromBody({ principal: robot, body });
  const ended = async () => (await bulk.jobs.get({ principal: robot, id: job.id })).finishedAt !== null;
  await until(ended);
  expect(await bulk.jobs.get({ principal: robot, id: job.id })).toMatchObject({ succeeded: 2, rejected: 1 });
});

test('the audit shows it events of rows that it reaches', async () => {
  const page = await zoo.engine.audit.search({ principal: robot, filter: {} });
  const streams = new Set(page.data.map(({ stream }) => stream));
  expect([streams.has('house-north'), streams.has('house-south')]).toEqual([true, false]);
});

test('another policy holds from the next look on', async () => {
  await zoo.engine.access.applyPolicy(service(''), 'policy.yaml');
  const wide = await zoo.engine.access.principalOf('service:robot', 'robot');
  expect(await zoo.keys(wide as Principal, 'houses')).toEqual(['east', 'north', 'south']);
  await zoo.engine.access.applyPolicy(narrowed, 'policy.yaml');
});

test.each([
  [
    "    rows: ['houses where region in {principal.regions}']\n",
    'policy.yaml line 8: tools.robot.rows.0: a service has no {principal.regions}: write the values themselves',
  ],
  [
    "    rows: ['huts where region in [a]']\n",
    'policy.yaml line 8: tools.robot.rows.0: there is no projection "huts"',
  ],
  [
    "    limits: { fly: { high: { eq: 'a' } } }\n",
    'policy.yaml line 8: tools.robot.limits.fly: there is no command "fly"',
  ],
  [
    '    rows: []\n',
    'policy.yaml line 8: tools.robot.rows: leave rows out where the service reaches every row',
  ],
])('a rule that cannot be is told with its line: %s', async (more, told) => {
  const problems = await zoo.engine.access.previewPolicy(service(more), 'policy.yaml').then(
    () => [],
    (error: unknown) => (error instanceof PolicyFileError ? error.problems : [String(error)]),
  );
  expect(problems.map((problem) => problem.slice(0, told.length))).toContain(told);
});
