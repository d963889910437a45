/**
 * Row scopes on the write side: what is out of reach is not there, nothing is put out of reach, and all of
 * it is told from the log at its head.
 */
import type { Principal } from '../../../src/access/principal.ts';
import { type Ask, createDeciding } from '../../../src/commands/deciding.ts';
import { createLanes } from '../../../src/commands/lanes.ts';
import { permittedFor } from '../../../src/commands/permitting.ts';
import type { EventLog, LoadRequest } from '../../../src/events/log.ts';
import { type TestDatabase, testDatabase } from '../../setup/database.ts';
import { holder, openZoo, policyOf, type Zoo, zooArea } from './zoo.ts';

const policy = policyOf({
  all: { permissions: ['*'] },
  regional: { permissions: ['*'], rows: ['houses where region in {principal.regions}'] },
  feeder: { permissions: ['animals:feed'] },
  'small-feeder': {
    permissions: ['animals:feed', 'animals:feast'],
    limits: { 'feed-animal': { grams: { lte: '100' } } },
  },
  'north-feeder': { permissions: ['animals:feed', 'animals:feast'], rows: ['houses where region eq north'] },
});
const all = holder(policy, ['all'], {}, 'person:all');
const north = holder(policy, ['regional'], { regions: ['north'] }, 'person:north');

let db: TestDatabase;
let zoo: Zoo;
beforeAll(async () => {
  db = await testDatabase();
  zoo = await openZoo(db);
  for (const region of ['north', 'south']) {
    expect(await zoo.act(all, 'build-house', { houseId: region, region })).toBe('ok');
    expect(await zoo.act(all, 'take-animal', { animalId: `${region}-bear`, houseId: region })).toBe('ok');
  }
});
afterAll(async () => {
  await zoo.stop();
  await db.drop();
});

/** To feed an animal one gram, as the pipeline hands it on to be decided. */
const feeding = (animalId: string, principal: Principal): Ask => {
  const command = zooArea.commands.find(({ name }) => name === 'feed-animal');
  if (command === undefined) throw new Error('there is no such command');
  const input = { animalId, grams: 1 };
  const actor = { id: principal.id, kind: 'person' as const };
  const commandId = crypto.randomUUID();
  const metadata = {
    actor,
    tool: 'console',
    commandId,
    correlationId: commandId,
    decidedAt: '2026-01-01T00:00:00.000000Z',
  };
  return {
    command,
    input,
    metadata,
    can: () => true,
    ...permittedFor(principal.permissions, command, input),
  };
};

const missing = (answer: string, there: string, nowhere: string): string => answer.replaceAll(there, nowhere);

describe('a command on a row out of reach', () => {
  test.each([
    ['move-house', { region: 'north' }, 'houseId', 'south'],
    ['feed-animal', { grams: 5 }, 'animalId', 'south-bear'],
    ['move-animal', { houseId: 'north' }, 'animalId', 'south-bear'],
    ['take-animal', { animalId: 'new' }, 'houseId', 'south'],
  ])('%s is answered to the letter as one on a row that is not there', async (name, input, field, there) => {
    const hidden = await zoo.act(north, name, { ...input, [field]: there });
    expect(hidden).toMatch(/^not_found: /);
    expect(missing(hidden, there, 'nowhere')).toBe(
      await zoo.act(north, name, { ...input, [field]: 'nowhere' }),
    );
  });

  test('tells nothing by If-Match either', async () => {
    for (const ifMatch of [0, 1, 7]) {
      const hidden = await zoo.act(north, 'move-house', { houseId: 'south', region: 'x' }, ifMatch);
      const nowhere = await zoo.act(north, 'move-house', { houseId: 'nowhere', region: 'x' }, ifMatch);
      expect(missing(hidden, 'south', 'nowhere')).toBe(nowhere);
    }
  });

  test('cannot take an id that is taken, and does not tell whose it is', async () => {
    expect(await zoo.act(north, 'build-house', { houseId: 'south', region: 'north' })).toMatch(
      /^not_found: /,
    );
    expect(await zoo.act(north, 'build-house', { houseId: 'north', region: 'north' })).toMatch(/^rejected: /);
  });

  test('is refused in the log with its stream, for those who may see all of it', async () => {
    await zoo.act(north, 'move-house', { houseId: 'south', region: 'north' });
    const { events } = await zoo.engine.log.read({ after: 0, limit: 1_000, types: ['CommandRefused'] });
    expect(events.at(-1)?.data).toMatchObject({
      command: 'move-house',
      code: 'not_found',
      stream: 'house-south',
    });
  });
});

describe('a command that would put a row out of reach', () => {
  const beyond = /^not_permitted: This would leave a row outside/;

  test('is refused: made there, moved there, or given to a row that is not reached', async () => {
    expect(await zoo.act(north, 'build-house', { houseId: 'new', region: 'south' })).toMatch(beyond);
    expect(await zoo.act(north, 'build-house', { houseId: 'new' })).toMatch(beyond);
    expect(await zoo.act(north, 'move-house', { houseId: 'north', region: 'south' })).toMatch(beyond);
    expect(await zoo.act(north, 'move-animal', { animalId: 'north-bear', houseId: 'south' })).toMatch(beyond);
    expect(await zoo.act(north, 'move-animal', { animalId: 'north-bear', houseId: 'nowhere' })).toMatch(
      beyond,
    );
  });

  test('is carried out where the row stays within reach, or goes altogether', async () => {
    expect(await zoo.act(north, 'build-house', { houseId: 'hut', region: 'north' })).toBe('ok');
    expect(await zoo.act(north, 'take-animal', { animalId: 'fox', houseId: 'hut' })).toBe('ok');
    expect(await zoo.act(north, 'move-animal', { animalId: 'fox', houseId: 'north' })).toBe('ok');
    expect(await zoo.act(north, 'raze-house', { houseId: 'hut' })).toBe('ok');
  });
});

describe('what is reached', () => {
  test('nothing, where the person has no value of the attribute', async () => {
    for (const attributes of [{}, { regions: [] }, { region: ['north'] }]) {
      const nobody = holder(policy, ['regional'], attributes);
      expect(await zoo.act(nobody, 'feed-animal', { animalId: 'north-bear', grams: 1 })).toMatch(
        /^not_found/,
      );
    }
  });

  test('the union of what roles grant, each with its own rows and limits', async () => {
    const both = holder(policy, ['small-feeder', 'north-feeder']);
    const feed = (animalId: string, grams: number) => zoo.act(both, 'feed-animal', { animalId, grams });
    expect(await feed('south-bear', 100)).toBe('ok');
    expect(await feed('north-bear', 5_000)).toBe('ok');
    expect(await feed('south-bear', 101)).toMatch(/^not_found/);
    const small = holder(policy, ['small-feeder']);
    expect(await zoo.act(small, 'feed-animal', { animalId: 'south-bear', grams: 101 })).toMatch(
      /^not_permitted: Your roles allow feed-animal within limits/,
    );
  });

  test('where an input needs two permissions, only rows that both reach', async () => {
    const some = holder(policy, ['feeder', 'north-feeder']);
    const feed = (animalId: string, grams: number) => zoo.act(some, 'feed-animal', { animalId, grams });
    expect(await feed('south-bear', 900)).toBe('ok');
    expect(await feed('north-bear', 1_100)).toBe('ok');
    expect(await feed('south-bear', 1_100)).toMatch(/^not_found/);
  });
});

describe('the moment that counts', () => {
  test('is the head of the log: a row that has just moved away is not there', async () => {
    for (let n = 0; n < 20; n++) {
      const houseId = `away-${n}`;
      await zoo.act(all, 'build-house', { houseId, region: 'north' });
      await zoo.act(all, 'take-animal', { animalId: houseId, houseId });
      expect(await zoo.act(north, 'feed-animal', { animalId: houseId, grams: 1 })).toBe('ok');
      await zoo.act(all, 'move-house', { houseId, region: 'south' });
      expect(await zoo.act(north, 'feed-animal', { animalId: houseId, grams: 1 })).toMatch(/^not_found/);
    }
  });

  test('under any concurrency: nothing is done to a row after it moved away', async () => {
    const ids = Array.from({ length: 30 }, (_, n) => `race-${n}`);
    for (const houseId of ids) {
      await zoo.act(all, 'build-house', { houseId, region: 'north' });
      await zoo.act(all, 'take-animal', { animalId: houseId, houseId });
    }
    const feedUntilGone = async (animalId: string, onFed: () => unknown): Promise<string> => {
      for (;;) {
        const answer = await zoo.act(north, 'feed-animal', { animalId, grams: 1 });
        if (answer !== 'ok') return answer;
        onFed();
      }
    };
    const raceFor = async (id: string): Promise<readonly string[]> => {
      let onFed: () => unknown = () => undefined;
      const fed = new Promise<void>((resolve) => {
        let times = 0;
        onFed = () => ++times === 3 && resolve();
      });
      const moving = fed.then(() => zoo.act(all, 'move-house', { houseId: id, region: 'south' }));
      return Promise.all([moving, ...Array.from({ length: 4 }, () => feedUntilGone(id, onFed))]);
    };
    const answers = (await Promise.all(ids.map(raceFor))).flat();
    expect(answers.filter((answer) => answer !== 'ok' && !answer.startsWith('not_found'))).toEqual([]);
    const { events } = await zoo.engine.log.read({ after: 0, limit: 10_000 });
    const movedAt = new Map(
      events.flatMap(({ type, data, position }) =>
        type === 'HouseMoved' ? [[String(data.houseId), position] as const] : [],
      ),
    );
    const fed = events.filter(({ type, metadata }) => type === 'AnimalFed' && metadata.actor.id === north.id);
    const late = fed.filter(({ data, position }) => position > (movedAt.get(String(data.animalId)) ?? 1e9));
    expect(late).toEqual([]);
    expect(fed.filter(({ data }) => String(data.animalId).startsWith('race-')).length).toBeGreaterThan(30);
  });

  test('is that of the append: a row that moves away after it was looked at is not touched', async () => {
    const { log, readSide } = zoo.engine;
    for (const hotel of ['hotel', 'hostel'])
      await zoo.act(all, 'build-house', { houseId: hotel, region: 'north' });
    await zoo.act(all, 'take-animal', { animalId: 'guest', houseId: 'hotel' });
    const deciding = createDeciding(log, readSide.judging);
    let moved = false;
    const append: EventLog['append'] = async (unit) => {
      if (!moved) await zoo.act(all, 'move-house', { houseId: 'hotel', region: 'south' });
      moved = true;
      return log.append(unit);
    };
    const settled = await createLanes({ append, appendDecided: log.appendDecided }, deciding).run(
      feeding('guest', north),
      () => ({}),
    );
    expect(settled).toMatchObject({
      verdict: { outcome: 'rejected', rejection: { rejection: 'not_found' } },
    });
  });

  test('commands of one stream that are decided together see what the one before did to the row', async () => {
    await zoo.act(all, 'build-house', { houseId: 'hot', region: 'north' });
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, n) =>
        n === 4
          ? zoo.act(all, 'move-house', { houseId: 'hot', region: 'south' })
          : zoo.act(north, 'move-house', { houseId: 'hot', region: 'north' }),
      ),
    );
    const after = answers.slice(5);
    expect(answers[4]).toBe('ok');
    expect(after.every((answer) => answer.startsWith('not_found'))).toBe(true);
  });
});

describe('what it costs', () => {
  const decided = async (principal: Principal, count: number) => {
    const loads: (readonly LoadRequest[])[] = [];
    const log: Pick<EventLog, 'load'> = {
      load: (requests) => {
        loads.push(requests);
        return zoo.engine.log.load(requests);
      },
    };
    const deciding = createDeciding(log, zoo.engine.readSide.judging);
    const decisions = await deciding.decideAll(
      Array.from({ length: count }, (_, n) => feeding(`cost-${n}`, principal)),
    );
    return { loads: loads.filter((requests) => requests.length > 0), decisions };
  };

  test('a few loads for a whole round, none an item; nothing for whoever reaches every row', async () => {
    await zoo.act(all, 'build-house', { houseId: 'inn', region: 'north', beds: 200 });
    for (let n = 0; n < 40; n++) await zoo.act(all, 'take-animal', { animalId: `cost-${n}`, houseId: 'inn' });
    const narrowed = await decided(north, 40);
    expect(narrowed.decisions.every(({ verdicts }) => verdicts[0]?.outcome === 'succeeded')).toBe(true);
    expect(narrowed.loads.map((requests) => requests.length)).toEqual([80, 1]);
    const unnarrowed = await decided(all, 40);
    expect(unnarrowed.loads.map((requests) => requests.length)).toEqual([40]);
  });
});
