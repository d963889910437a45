/** A restored copy: nothing reaches outside until somebody adopts it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { v7 as newId } from 'uuid';
import { createEnvironment } from '../../../src/environment.ts';
import { defineReactor } from '../../../src/workers/reactors/definition.ts';
import type { Reactors } from '../../../src/workers/reactors/index.ts';
import { type TestDatabase, testDatabase } from '../../setup/database.ts';
import { ann, openYard, type Yard } from './yard.ts';

let db: TestDatabase;
let yard: Yard;
beforeEach(async () => {
  db = await testDatabase();
  yard = await openYard({ db });
});
afterEach(async () => {
  await yard.close();
  await db.drop();
});

const environmentNamed = (name: string) =>
  createEnvironment({
    pool: db.app,
    log: yard.log,
    clock: () => new Date().toISOString().replace('Z', '000Z'),
    newId,
    name,
  });

/** What each process of an environment did outside. */
const openIn = async (name: string, done: string[]): Promise<Reactors> =>
  yard.openIn(
    name,
    defineReactor({
      name: 'mailer',
      summary: 'Reaches outside.',
      events: ['BellHung'],
      startAt: 'beginning',
      handle: async ({ data }) => void done.push(`${name} ${String(data.bellId)}`),
    }),
  );

/** An event was read in production and is outstanding when the copy is taken. */
const copyOfProduction = async (): Promise<string[]> => {
  const done: string[] = [];
  await environmentNamed('production').claim();
  const production = await openIn('production', done);
  await yard.run('hang-bell', { bellId: 'before' });
  await yard.settled(production, 'mailer');
  await production.desk.pause({ principal: ann, name: 'mailer' });
  await db.owner.query(
    `INSERT INTO reactor_deliveries (reactor, position, state) VALUES ('mailer', 1, 'pending')`,
  );
  await production.stop();
  await yard.run('hang-bell', { bellId: 'unread' });
  return done;
};

test('in a copy nothing is read, queued or handled, and it says so', async () => {
  const done = await copyOfProduction();
  const staging = environmentNamed('staging');
  await staging.claim();
  expect(await staging.kept()).toBe('production');
  expect(await staging.isOurs()).toBe(false);
  const copy = await openIn('staging', done);
  await copy.desk.resume({ principal: ann, name: 'mailer' });
  await sleep(1_500);
  expect(done).toEqual(['production before']);
  expect(await yard.standing(copy, 'mailer')).toMatchObject({ pending: 1, paused: null });
});

test('adopted, it goes on from there: what was outstanding is for where the copy came from', async () => {
  const done = await copyOfProduction();
  const copy = await openIn('staging', done);
  await copy.desk.resume({ principal: ann, name: 'mailer' });
  const staging = environmentNamed('staging');
  expect(await staging.adopt(false)).toBe(true);
  expect(await staging.adopt(false)).toBe(false);
  expect(await staging.isOurs()).toBe(true);
  await yard.run('hang-bell', { bellId: 'after' });
  await yard.settled(copy, 'mailer');
  expect(done).toEqual(['production before', 'staging after']);
  expect((await yard.events('EnvironmentAdopted')).map(({ data }) => data)).toEqual([
    { from: 'production', to: 'staging', kept: false },
  ]);
});

test('adopted with what was outstanding, nothing is left out', async () => {
  const done = await copyOfProduction();
  const copy = await openIn('standby', done);
  await copy.desk.resume({ principal: ann, name: 'mailer' });
  await environmentNamed('standby').adopt(true);
  await yard.settled(copy, 'mailer');
  // It promised no order, and what was paused may come after what was not.
  expect(done.toSorted()).toEqual(['production before', 'standby before', 'standby unread']);
});

test('a process that still runs under the old name stops reaching outside at once', async () => {
  const done: string[] = [];
  await environmentNamed('production').claim();
  const production = await openIn('production', done);
  await yard.settled(production, 'mailer');
  await environmentNamed('recovery').adopt(true);
  await yard.run('hang-bell', { bellId: 'late' });
  await sleep(1_500);
  expect(done).toEqual([]);
});
