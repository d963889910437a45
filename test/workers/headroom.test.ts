/** Bulk work yields to people and to read models, in whichever process they are, and goes on afterwards. */
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { createHeadroom, type Headroom, headroomChannel } from '../../src/workers/index.ts';
import { type TestDatabase, testDatabase } from '../setup/database.ts';
import { until } from '../setup/until.ts';
import { type House, ids, openHouse } from './house.ts';

let db: TestDatabase;
let lagMs = 0;
const opened: Headroom[] = [];

beforeAll(async () => {
  db = await testDatabase();
});
beforeEach(() => {
  lagMs = 0;
});
afterEach(() => {
  for (const headroom of opened.splice(0)) headroom.stop();
});
afterAll(() => db.drop());

const open = (
  processId: string,
  budgets: { latencyBudgetMs?: number; lagBudgetMs?: number } = {},
): Headroom => {
  const headroom = createHeadroom({
    pool: db.app,
    processId,
    latencyBudgetMs: 25,
    lagBudgetMs: 1_000,
    lagMs: async () => lagMs,
    onError: (error) => {
      throw error;
    },
    ...budgets,
  });
  opened.push(headroom);
  return headroom;
};

/** Commands of so many milliseconds, until told to end. */
const commandsOf = (headroom: Headroom, ms: number): (() => void) => {
  const timer = setInterval(() => headroom.took(ms), 10);
  return () => clearInterval(timer);
};

const turnMs = async (headroom: Headroom): Promise<number> => {
  const begun = performance.now();
  await headroom.turn();
  return performance.now() - begun;
};

describe('Headroom', () => {
  test('commands over their budget make rounds wait, and when they are quick again none waits', async () => {
    const headroom = open('a');
    const quick = commandsOf(headroom, 5);
    await sleep(600);
    expect(headroom.standing()).toMatchObject({ yielding: false, commandP95Ms: 5, yieldedSeconds: 0 });
    quick();
    const slow = commandsOf(headroom, 100);
    await until(() => headroom.standing().yielding);
    expect(await turnMs(headroom)).toBeGreaterThanOrEqual(9);
    expect(headroom.standing().yieldedSeconds).toBeGreaterThan(0);
    slow();
    await until(() => !headroom.standing().yielding);
    expect(await turnMs(headroom)).toBeLessThan(9);
  });

  test('while it waits, rounds of a process go one at a time', async () => {
    const headroom = open('a');
    const slow = commandsOf(headroom, 100);
    await until(() => headroom.standing().yielding);
    const ends: number[] = [];
    await Promise.all(
      [1, 2, 3].map(async () => {
        await headroom.turn();
        ends.push(performance.now());
      }),
    );
    slow();
    const gaps = ends.slice(1).map((at, n) => at - (ends[n] ?? 0));
    for (const gap of gaps) expect(gap).toBeGreaterThan(5);
  });

  test('beside people rounds run one at a time, and at once when they have gone', async () => {
    const headroom = open('a');
    let running = 0;
    let most = 0;
    const round = async () => {
      most = Math.max(most, ++running);
      await sleep(20);
      running--;
    };
    const three = () => Promise.all([1, 2, 3].map(() => headroom.inLine(round)));
    expect(headroom.besidePeople()).toBe(false);
    await three();
    expect(most).toBe(3);
    headroom.took(1);
    expect(headroom.besidePeople()).toBe(true);
    most = 0;
    await three();
    expect(most).toBe(1);
    await until(() => !headroom.besidePeople());
  });

  test('a round that failed lets the next one begin', async () => {
    const headroom = open('a');
    headroom.took(1);
    const failed = headroom.inLine(() => Promise.reject(new Error('the database is away')));
    const next = headroom.inLine(async () => 'done');
    await expect(failed).rejects.toThrow('the database is away');
    expect(await next).toBe('done');
  });

  test('beside people rounds are small', async () => {
    const headroom = open('a');
    const decided: number[] = [];
    const house: House = await openHouse({
      db,
      headroom,
      deciding: (inner) => ({
        ...inner,
        decideAll: (asks) => {
          decided.push(asks.length);
          return inner.decideAll(asks);
        },
      }),
    });
    await house.bulk.start();
    const quick = commandsOf(headroom, 1);
    await until(() => headroom.besidePeople());
    const done = async (prefix: string) => {
      const rows = ids(prefix, 600).map((id) => `${id},1`);
      const job = await house.upload({ command: 'pack-crate' }, ['crateId,weight', ...rows].join('\n'));
      expect(await house.ended(job.id)).toMatchObject({ succeeded: 600 });
    };
    await done('beside');
    expect(Math.max(...decided)).toBe(40);
    quick();
    await until(() => !headroom.besidePeople());
    await done('alone');
    expect(Math.max(...decided)).toBe(250);
    await house.close();
  });

  test('a read model that is too far behind makes rounds wait', async () => {
    const headroom = open('a');
    lagMs = 3_000;
    await until(async () => {
      await headroom.turn();
      return headroom.standing().yielding;
    });
    lagMs = 100;
    await until(() => !headroom.standing().yielding);
  });

  test('another process’s workers learn of slow commands, and of their end', async () => {
    const [serving, working] = [open('serving'), open('working')];
    const listener = new pg.Client(db.applicationUrl);
    await listener.connect();
    await listener.query(`LISTEN ${headroomChannel}`);
    const payloads: string[] = [];
    listener.on('notification', ({ payload = '' }) => {
      payloads.push(payload);
      working.heard(payload);
      serving.heard(payload);
    });
    const slow = commandsOf(serving, 60);
    await until(() => working.standing().yielding);
    slow();
    await until(() => !working.standing().yielding);
    expect(payloads.every((payload) => payload.startsWith('serving '))).toBe(true);
    await listener.end();
  });

  test('without budgets nothing makes it wait', async () => {
    const headroom = open('a', { latencyBudgetMs: 0, lagBudgetMs: 0 });
    lagMs = 1_000_000;
    const slow = commandsOf(headroom, 10_000);
    await headroom.turn();
    await sleep(1_200);
    expect(headroom.standing().yielding).toBe(false);
    expect(headroom.besidePeople()).toBe(false);
    slow();
  });

  test('commands that are slow while it rests do not hold it up for good', async () => {
    const headroom = open('a');
    const slow = commandsOf(headroom, 100);
    await until(() => headroom.standing().yielding);
    await until(() => !headroom.standing().yielding);
    slow();
    const slower = commandsOf(headroom, 300);
    await until(() => headroom.standing().yielding);
    slower();
  });

  test('a job that makes people wait yields to them, and is done all the same', async () => {
    const headroom = open('a');
    let decidedAt = 0;
    const house: House = await openHouse({
      db,
      headroom,
      deciding: (inner) => ({
        ...inner,
        decideAll: (asks) => {
          decidedAt = performance.now();
          return inner.decideAll(asks);
        },
      }),
    });
    await house.bulk.start();
    // Commands are slow while rounds are decided, and quick when none was for a moment.
    const people = setInterval(() => headroom.took(performance.now() - decidedAt < 30 ? 200 : 5), 5);
    const rows = ids('yield', 6_000).map((id) => `${id},1`);
    const job = await house.upload({ command: 'pack-crate' }, ['crateId,weight', ...rows].join('\n'));
    await until(() => headroom.standing().yielding);
    expect(await house.ended(job.id)).toMatchObject({ state: 'completed', succeeded: 6_000 });
    expect(headroom.standing().yieldedSeconds).toBeGreaterThan(0.1);
    await until(() => !headroom.standing().yielding);
    clearInterval(people);
    await house.close();
  });
});
