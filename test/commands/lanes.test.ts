import { z } from 'zod';
import { createCatalogue } from '../../src/commands/catalogue.ts';
import { defineCommand, reject } from '../../src/commands/definition.ts';
import type { CommandAnswer } from '../../src/commands/request.ts';
import { defineStream } from '../../src/commands/stream.ts';
import type { NewEvent } from '../../src/events/definition.ts';
import { emptyUnit } from '../../src/events/event-log.ts';
import { type TestDatabase, testDatabase } from '../setup/database.ts';
import { Filled, fill, jarId, jars, openWriteSide, sealJar } from './testbed.ts';

const done = (answer: CommandAnswer) => {
  if (answer.kind !== 'done') throw new Error('not carried out');
  return answer.done;
};

/** Another view of the jars: how often they were filled. */
const counts = defineStream<{ readonly times: number }, NewEvent>({
  name: 'jar-count',
  prefix: 'jar',
  initialState: { times: 0 },
  evolve: (state, { type }) => (type === 'Filled' ? { times: state.times + 1 } : state),
});

const common = { summary: 'A test.', permission: 'jars:fill', id: (input: { jarId: string }) => input.jarId };

const trip = defineCommand({
  ...common,
  name: 'trip-over-jar',
  input: z.object({ jarId }),
  stream: jars,
  decide: () => {
    throw new TypeError('tripped');
  },
});

/** Reads the stream that it writes, by another view. */
const fillFirst = defineCommand({
  ...common,
  name: 'fill-jar-first',
  input: z.object({ jarId }),
  stream: jars,
  reads: { count: { stream: counts, id: (input) => input.jarId } },
  decide: ({ jarId }, _jar, { read }) =>
    read.count.times > 0 ? reject('not_the_first', 'It was filled before.') : [Filled.of({ jarId, by: 1 })],
});

/** Writes the jars by another view. */
const fillTimes = defineCommand({
  ...common,
  name: 'fill-jar-by-times',
  input: z.object({ jarId }),
  stream: counts,
  decide: ({ jarId }, { times }) => [Filled.of({ jarId, by: times + 1 })],
});

describe('lanes', () => {
  let db: TestDatabase;
  let side: Awaited<ReturnType<typeof openWriteSide>>;
  let other: Awaited<ReturnType<typeof openWriteSide>>;
  const commands = [fill, sealJar, trip, fillFirst, fillTimes];
  beforeAll(async () => {
    db = await testDatabase();
    side = await openWriteSide(db.app, commands);
    other = await openWriteSide(db.app, commands);
  });
  afterAll(async () => {
    await side.log.stop();
    await other.log.stop();
    await db.drop();
  });

  const fills = (jar: string, n: number, from = side) =>
    Array.from({ length: n }, () => from.ask('fill-jar', { jarId: jar, by: 1 }));
  const filled = async (jar: string) =>
    (await side.log.readStreams([`jar-${jar}`])).filter(({ type }) => type === 'Filled').length;

  test('a state kept from before is never decided on once another process has written the stream', async () => {
    await side.ask('fill-jar', { jarId: 'kept', by: 1 });
    await other.ask('seal-jar', { jarId: 'kept' }, { reason: 'full' });
    await expect(side.ask('fill-jar', { jarId: 'kept', by: 1 })).rejects.toMatchObject({
      code: 'rejected',
      rejection: 'jar_sealed',
    });
    const sealed = done(await side.ask('seal-jar', { jarId: 'kept' }, { reason: 'full' }));
    expect(sealed).toMatchObject({ events: [], version: 2 });
  });

  test('a stream that this process commanded just before is not loaded again', async () => {
    let loads = 0;
    const counting = Object.create(db.app, {
      query: {
        value: (asked: { name?: string }) => {
          if (asked.name === 'load_streams') loads++;
          return db.app.query(asked as never);
        },
      },
    }) as typeof db.app;
    const watched = await openWriteSide(counting, commands);
    await watched.ask('fill-jar', { jarId: 'again', by: 1 });
    const { version } = done(await watched.ask('fill-jar', { jarId: 'again', by: 1 }));
    await watched.log.stop();
    expect({ version, loads }).toEqual({ version: 2, loads: 1 });
  });

  test('a decider that throws fails its own command and none that waits beside it', async () => {
    const others = fills('trip', 10);
    const tripped = side.ask('trip-over-jar', { jarId: 'trip' });
    const more = fills('trip', 10);
    await expect(tripped).rejects.toThrow('tripped');
    await Promise.all([...others, ...more]);
    expect(await filled('trip')).toBe(20);
  });

  test('an event that cannot be stored fails its own command and none that waits beside it', async () => {
    const others = fills('nul', 10);
    const poison = side.ask('fill-jar', { jarId: 'nul', by: 1 }, { reason: 'half a pair \ud800' });
    const more = fills('nul', 10);
    await expect(poison).rejects.toMatchObject({ code: 'invalid_input' });
    await Promise.all([...others, ...more]);
    expect(await filled('nul')).toBe(20);
  });

  test('a key that another process used first is replayed; those beside it are carried out', async () => {
    for (let round = 0; round < 10; round++) {
      const jar = `dup${round}`;
      const keyed = (from: typeof side) =>
        from.ask('fill-jar', { jarId: jar, by: 1 }, { idempotencyKey: `dup${round}` });
      const [a, b] = await Promise.all([
        keyed(side),
        keyed(other),
        ...fills(jar, 5),
        ...fills(jar, 5, other),
      ] as const);
      expect(done(a)).toEqual(done(b));
      expect(await filled(jar)).toBe(11);
    }
  });

  test('If-Match within a group means the version that those before it made', async () => {
    const at = (ifMatch: number) => side.ask('fill-jar', { jarId: 'match', by: 1 }, { ifMatch });
    const answers = await Promise.allSettled([at(0), at(0), at(1), at(2), at(2)]);
    expect(answers.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
      'fulfilled',
      'rejected',
    ]);
  });

  test('an unchanged command decided in a group is replayed with the answer that was given', async () => {
    const seal = (idempotencyKey: string) =>
      side.ask('seal-jar', { jarId: 'group' }, { reason: 'full', idempotencyKey });
    const [, , first, second] = await Promise.all([...fills('group', 2), seal('g1'), seal('g2')]);
    const answers = [first, second].map((answer) => done(answer as CommandAnswer));
    expect(answers.map(({ events }) => events.length).sort()).toEqual([0, 1]);
    expect(answers[0]).toMatchObject({ version: 3, position: answers[1]?.position });
    for (const [key, answer] of [
      ['g1', first],
      ['g2', second],
    ] as const)
      expect(await seal(key)).toEqual({ ...answer, replayed: true });
  });

  test('two streams that each read the other are both written, and nobody is refused', async () => {
    const asks = Array.from({ length: 40 }, (_, i) => [
      (i % 2 ? side : other).ask('fill-jar', { jarId: 'tick', by: 1, lid: 'tock' }),
      (i % 2 ? other : side).ask('fill-jar', { jarId: 'tock', by: 1, lid: 'tick' }),
    ]);
    await Promise.all(asks.flat());
    expect([await filled('tick'), await filled('tock')]).toEqual([40, 40]);
  });

  test('a state that a lane carries on is never believed against the log', async () => {
    for (let round = 0; round < 10; round++) {
      const jar = `carried${round}`;
      await side.ask('fill-jar', { jarId: jar, by: 1 });
      const answers = Promise.allSettled([
        ...fills(jar, 20),
        other.ask('seal-jar', { jarId: jar }, { reason: 'full' }),
        ...fills(jar, 20),
      ]);
      const late = Promise.allSettled(Array.from({ length: 20 }, () => fills(jar, 1)).flat());
      const all = [...(await answers), ...(await late)];
      const types = (await side.log.readStreams([`jar-${jar}`])).map(({ type }) => type);
      expect(types.indexOf('Sealed')).toBe(types.length - 1);
      for (const answer of all)
        if (answer.status === 'rejected') expect(answer.reason).toMatchObject({ rejection: 'jar_sealed' });
      expect(all.filter(({ status }) => status === 'fulfilled').length).toBe(types.length - 1);
    }
  });

  test('a command that reads its own stream sees what those before it in the group decided', async () => {
    const answers = await Promise.allSettled(
      Array.from({ length: 10 }, () => side.ask('fill-jar-first', { jarId: 'own' })),
    );
    expect(answers.filter(({ status }) => status === 'fulfilled').length).toBe(1);
    expect(await filled('own')).toBe(1);
  });

  test('commands with different views of one stream each decide on their own', async () => {
    const ask = (n: number) =>
      n % 3 ? fills('views', 1)[0] : side.ask('fill-jar-by-times', { jarId: 'views' });
    await Promise.all(Array.from({ length: 30 }, (_, n) => ask(n)));
    const events = await side.log.readStreams(['jar-views']);
    const byTimes = events.filter(({ metadata }) => metadata.command === 'fill-jar-by-times');
    expect(byTimes.length).toBe(10);
    for (const { data, version } of byTimes) expect(data.by).toBe(version);
  });

  test('two views under one name are refused at definition', () => {
    const same = defineCommand({
      ...common,
      name: 'fill-other',
      input: z.object({ jarId }),
      stream: defineStream({ prefix: 'jar', initialState: {}, evolve: (state) => state }),
      decide: () => [],
    });
    expect(() => createCatalogue([fill, same])).toThrow(/two views of streams are named jar/);
  });

  test('a stream that is read while others keep writing it holds nobody up for ever', async () => {
    await side.ask('fill-jar', { jarId: 'busy', by: 1 });
    let writing = true;
    const writers = Array.from({ length: 32 }, async (_, n) => {
      while (writing) await (n % 2 ? side : other).ask('fill-jar', { jarId: 'busy', by: 1 });
    });
    try {
      for (let n = 0; n < 20; n++) await side.ask('fill-jar', { jarId: `reader${n}`, by: 1, lid: 'busy' });
    } finally {
      writing = false;
      await Promise.all(writers);
    }
  });

  test('two processes that storm one stream refuse nobody', async () => {
    await Promise.all(
      [side, other].flatMap((from) =>
        Array.from({ length: 32 }, async () => {
          for (let n = 0; n < 10; n++) await from.ask('fill-jar', { jarId: 'storm', by: 1 });
        }),
      ),
    );
    expect(await filled('storm')).toBe(640);
  });

  test('a command that meets conflict after conflict is decided while nobody else appends, and not refused', async () => {
    await side.ask('fill-jar', { jarId: 'stormy', by: 1 });
    const metadata = (await side.log.readStreams(['jar-stormy']))[0]?.metadata;
    if (metadata === undefined) throw new Error('the jar was not filled');
    const event = { stream: 'jar-stormy', metadata, ...Filled.of({ jarId: 'stormy', by: 1 }) };
    let conflicts = 0;
    const stormy = await openWriteSide(db.app, [fill], async (log) => {
      conflicts++;
      await log.append({
        ...emptyUnit,
        writes: [{ stream: 'jar-stormy', base: 'any' }],
        events: [event],
      });
    });
    const request = { idempotencyKey: 'stormy' };
    const answers = await Promise.all([
      stormy.ask('fill-jar', { jarId: 'stormy', by: 500 }, request),
      stormy.ask('fill-jar', { jarId: 'beside', by: 500, lid: 'stormy' }),
    ]);
    expect(conflicts).toBe(10);
    expect(done(answers[0]).version).toBeGreaterThanOrEqual(7);
    expect(await stormy.ask('fill-jar', { jarId: 'stormy', by: 500 }, request)).toEqual({
      ...answers[0],
      replayed: true,
    });
    await stormy.log.stop();
  });
});
