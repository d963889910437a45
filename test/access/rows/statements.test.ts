/**
 * How long an answer takes must not tell a row out of reach from one that is not there: both ask the very same
 * things of the database, whatever is cached.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { type Principal, permissions } from '../../../src/access/principal.ts';
import type { Db } from '../../../src/db/pool.ts';
import { account, type Office, openOffice, person } from '../../webhooks/office.ts';

const asked = new AsyncLocalStorage<string[]>();

/** Notes the text of each statement, in whose asking it was made. */
const listenTo = (pool: Db): void => {
  const query = pool.query.bind(pool) as (...given: unknown[]) => unknown;
  const listening = (...given: unknown[]): unknown => {
    const [first] = given;
    asked.getStore()?.push(typeof first === 'string' ? first : (first as { readonly text: string }).text);
    return query(...given);
  };
  Object.assign(pool, { query: listening });
};

let first: Office;
/** Over the same log, with nothing in its caches. */
let office: Office;
let position: number;
beforeAll(async () => {
  first = await openOffice();
  const { run } = first;
  for (const region of ['EMEA', 'AMER']) {
    const accountId = region.toLowerCase();
    const amount = { amount: '10.00', dueOn: '2026-05-01' };
    await run('open-account', account(accountId, { region, name: 'Ada', ownerEmail: 'ada@example.test' }));
    position = await run('raise-invoice', { invoiceId: accountId, accountId, ...amount });
  }
  listenTo(first.pool);
  office = await openOffice({ pool: first.pool, directUrl: first.db.applicationUrl });
});
afterAll(async () => {
  await office.close();
  await first.close();
});

const regional = (where: object): Principal => {
  const whole = permissions(['*']);
  const rows = [[{ projection: 'accounts', anyOf: [where as Readonly<Record<string, unknown>>] }]];
  return { ...person(['*']), permissions: { ...whole, rows: () => rows, rowsFor: () => rows } };
};
const emea = regional({ region: 'EMEA' });

const statementsOf = async (ask: () => Promise<unknown>) => {
  const statements: string[] = [];
  const answer = await asked.run(statements, () =>
    ask().then(
      (given) => JSON.stringify(given),
      (error: Error) => error.message,
    ),
  );
  return { answer, statements };
};

const ways = (principal: Principal, key: string, projection: string, prefix: string) => {
  const { readSide, audit } = office.engine;
  const stream = `${prefix}-${key}`;
  const query = new URLSearchParams({ asOf: String(position) });
  return {
    'as of a moment': () => readSide.queries.get({ principal, projection, key, query }),
    'by search': () => audit.search({ principal, filter: { stream } }),
    'by replay': () => audit.replay({ principal, stream }),
  };
};

test.each([
  ['accounts', 'account'],
  ['invoices', 'invoice'],
])('of %s the hidden and the missing take the same statements', async (projection, prefix) => {
  for (const [way, ask] of Object.entries(ways(emea, 'amer', projection, prefix))) {
    const missing = Object.entries(ways(emea, 'nowhere', projection, prefix)).find(([name]) => name === way);
    const hidden = await statementsOf(ask);
    const none = await statementsOf(missing?.[1] ?? ask);
    expect([way, hidden.statements]).toEqual([way, none.statements]);
    expect(hidden.statements.length).toBeGreaterThan(0);
    expect(hidden.answer).toBe(none.answer.replaceAll('nowhere', 'amer'));
  }
});

test('what is reached is answered, also where a rule looks at a personal field', async () => {
  for (const principal of [emea, regional({ name: 'Ada' })])
    for (const ask of Object.values(ways(principal, 'emea', 'accounts', 'account')))
      expect((await statementsOf(ask)).answer).toMatch(/"Ada"/);
});
