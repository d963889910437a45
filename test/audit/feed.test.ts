/** The feed for other services: in order, whole, and no more than one may see. */
import { setTimeout as sleep } from 'node:timers/promises';
import { permissions } from '../../src/access/principal.ts';
import type { FeedAsked, FeedPage } from '../../src/audit/feed.ts';
import { account, ann, type Office, openOffice, person } from '../webhooks/office.ts';

let office: Office;
beforeAll(async () => {
  office = await openOffice();
});
afterAll(() => office.close());

const read = (asked: Partial<FeedAsked> = {}): Promise<FeedPage> =>
  office.engine.feed.read({
    principal: ann,
    after: 0,
    limit: 1_000,
    wait: 0,
    signal: new AbortController().signal,
    ...asked,
  });

const open = (id: string, more: object = {}) => office.run('open-account', account(id, more));

test('page by page it is every event of the areas, once and in order, and nothing of the engine’s', async () => {
  for (let n = 0; n < 25; n++) await open(`paged-${n}`);
  await expect(office.run('open-account', account('paged-1'))).rejects.toMatchObject({ code: 'rejected' });
  const positions: number[] = [];
  for (let after = 0; ; ) {
    const page = await read({ after, limit: 7 });
    positions.push(...page.events.map(({ position }) => position));
    if (page.position === after) break;
    after = page.position;
  }
  const { events } = await office.engine.log.read({ after: 0, limit: 10_000 });
  const own = events.filter(({ stream }) => !stream.startsWith('$'));
  expect(positions).toEqual(own.map(({ position }) => position));
  expect(events.length).toBeGreaterThan(own.length);
});

test('of a page of few types the position moves on over all others', async () => {
  const { position: head } = await office.engine.log.head();
  const page = await read({ types: ['AccountClosed'] });
  expect(page).toEqual({ events: [], position: head });
});

test('it waits for the first event, and answers at once when there is one', async () => {
  const { position } = await office.engine.log.head();
  const waiting = read({ after: position, wait: 30, types: ['AccountSuspended'] });
  await sleep(200);
  await open('waited-1');
  await office.run('suspend-account', { accountId: 'waited-1', reason: 'Unpaid.' });
  const begun = Date.now();
  const page = await waiting;
  expect(Date.now() - begun).toBeLessThan(10_000);
  expect(page.events.map(({ type, subject }) => [type, subject])).toEqual([
    ['AccountSuspended', 'account-waited-1'],
  ]);
});

test('where nothing comes in time the answer is empty', async () => {
  const { position } = await office.engine.log.head();
  const begun = Date.now();
  expect(await read({ after: position, wait: 1 })).toEqual({ events: [], position });
  expect(Date.now() - begun).toBeGreaterThanOrEqual(950);
});

test('who went away is not waited for', async () => {
  const { position } = await office.engine.log.head();
  const gone = new AbortController();
  const begun = Date.now();
  const waiting = read({ after: position, wait: 30, signal: gone.signal });
  setTimeout(() => gone.abort(), 50);
  await waiting;
  expect(Date.now() - begun).toBeLessThan(20_000);
});

test('personal fields are there with feed:personal alone', async () => {
  const position = await open('personal-1', { name: 'Ada Lovelace', ownerEmail: 'ada@example.test' });
  const asked = { after: position - 1 };
  const plain = await read({ ...asked, principal: person(['feed:read']) });
  expect(plain.events[0]).toMatchObject({ type: 'AccountOpened', data: { accountId: 'personal-1' } });
  expect(JSON.stringify(plain)).not.toMatch(/Ada|ada@/);
  const whole = await read({ ...asked, principal: person(['feed:read', 'feed:personal']) });
  expect(whole.events[0]?.data).toMatchObject({ name: 'Ada Lovelace', ownerEmail: 'ada@example.test' });
});

test('roles that reach some rows are fed the events of those', async () => {
  const first = await open('emea-1', { region: 'EMEA' });
  await open('amer-1', { region: 'AMER' });
  const all = permissions(['feed:read', 'feed:personal']);
  const rows = [[{ projection: 'accounts', anyOf: [{ region: 'EMEA' }] }]];
  const principal = { ...ann, permissions: { ...all, rows: () => rows, rowsFor: () => rows } };
  const page = await read({ after: first - 1, principal });
  expect(page.events.map(({ subject }) => subject)).toEqual(['account-emea-1']);
});

test('what cannot be is refused by name', async () => {
  const invalid = (path: string) => ({ code: 'invalid_input', errors: [{ path }] });
  await expect(read({ after: 10_000_000 })).rejects.toMatchObject(invalid('after'));
  await expect(read({ limit: 1_001 })).rejects.toMatchObject(invalid('limit'));
  await expect(read({ wait: 31 })).rejects.toMatchObject(invalid('wait'));
  await expect(read({ types: ['AccountVanished'] })).rejects.toMatchObject(invalid('types'));
  await expect(read({ principal: person(['audit:read']) })).rejects.toMatchObject({ code: 'not_permitted' });
});

test('an answer is bounded by its size too', async () => {
  const { position } = await office.engine.log.head();
  await open('large-1');
  const text = 'x'.repeat(1_990);
  for (let n = 0; n < 30; n++)
    await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        office.run('add-note', { noteId: `large-${n}-${i}`, accountId: 'large-1', text }),
      ),
    );
  const page = await read({ after: position });
  expect(page.events.length).toBeLessThan(601);
  expect(page.events.length).toBeGreaterThan(300);
  const rest = await read({ after: page.position });
  expect(page.events.length + rest.events.length).toBe(601);
});
