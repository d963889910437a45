/** What reactors promise, on every queue. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  defineReactor,
  GiveUp,
  type HandleEvent,
  type ReactorDefinition,
} from '../../../src/workers/reactors/definition.ts';
import { type TestDatabase, testDatabase } from '../../setup/database.ts';
import { describeWhere } from '../../setup/needs.ts';
import { until } from '../../setup/until.ts';
import { backends, type StartedBackend } from '../backends.ts';
import { ann, openYard, person, type Yard } from './yard.ts';

type Wanted = Partial<Parameters<typeof defineReactor>[0]>;

const reactor = (name: string, handle: HandleEvent, wanted: Wanted = {}): ReactorDefinition =>
  defineReactor({
    name,
    summary: 'Under test.',
    events: ['BellHung', 'BellRung'],
    handle,
    retrying: { attemptsMax: 3, firstSeconds: 0.05 },
    ...wanted,
  });

const noop: HandleEvent = async () => undefined;

for (const backend of backends) {
  describeWhere(backend.need, `Reactors ${backend.name}`, () => {
    let db: TestDatabase;
    let queue: StartedBackend;
    let yard: Yard;
    beforeAll(async () => {
      db = await testDatabase();
      queue = await backend.start();
      yard = await openYard({ db, redisUrl: queue.redisUrl });
    });
    afterAll(async () => {
      await yard.close();
      await queue.stop();
      await db.drop();
    });

    afterEach(() => yard.stopAll());

    test('an event is handled once by each reactor that is told of its type, readable and whole', async () => {
      const seen: string[] = [];
      const reactors = await yard.open(
        reactor('once', async (event, { idempotencyKey, attempt }) => {
          seen.push(
            `once ${event.type} ${String(event.data.owner)} ${idempotencyKey === event.id} ${attempt}`,
          );
        }),
        reactor('only-rung', async ({ type }) => void seen.push(`only-rung ${type}`), {
          events: ['BellRung'],
        }),
      );
      await yard.run('hang-bell', { bellId: 'once', owner: 'Ada' });
      await yard.run('ring-bell', { bellId: 'once' });
      await yard.settled(reactors, 'once');
      await yard.settled(reactors, 'only-rung');
      expect(seen.sort()).toEqual([
        'once BellHung Ada true 1',
        'once BellRung undefined true 1',
        'only-rung BellRung',
      ]);
    });

    test('the queue and the table of what is outstanding hold nothing personal', async () => {
      let release: () => void = () => undefined;
      const gate = new Promise<void>((resolve) => {
        release = resolve;
      });
      const reactors = await yard.open(reactor('discreet', () => gate));
      await yard.run('hang-bell', { bellId: 'discreet', owner: 'Grace Hopper' });
      await until(() => reactors.health().inHand > 0);
      const { rows } = await db.app.query('SELECT * FROM reactor_deliveries');
      expect(rows.length).toBeGreaterThan(0);
      expect(JSON.stringify(rows)).not.toContain('Grace');
      if (queue.hashes !== undefined) {
        const jobs = (await queue.hashes('*reactors*')).filter(({ key }) => /discreet-\d+-\d+$/.test(key));
        expect(jobs.map(({ fields }) => fields.data)).toEqual([
          expect.stringMatching(/^\{"reactor":"discreet","position":\d+\}$/),
        ]);
      }
      release();
      await yard.settled(reactors, 'discreet');
    });

    test('a new reactor begins at the head, or at the beginning where it says so', async () => {
      await yard.run('hang-bell', { bellId: 'before' });
      const seen: string[] = [];
      const say =
        (name: string): HandleEvent =>
        async ({ data }) =>
          void seen.push(`${name} ${String(data.bellId)}`);
      const reactors = await yard.open(
        reactor('from-head', say('head')),
        reactor('from-beginning', say('beginning'), { startAt: 'beginning' }),
      );
      await yard.run('hang-bell', { bellId: 'after' });
      await yard.settled(reactors, 'from-head');
      await yard.settled(reactors, 'from-beginning');
      expect(seen.filter((one) => one.startsWith('head'))).toEqual(['head after']);
      expect(seen).toEqual(expect.arrayContaining(['beginning before', 'beginning after']));
    });

    test('another process goes on where one stopped: nothing is handled twice or left out', async () => {
      const seen: number[] = [];
      const definition = reactor('handed-over', async ({ position }) => void seen.push(position));
      const first = await yard.open(definition);
      await yard.run('hang-bell', { bellId: 'over' });
      for (let n = 0; n < 8; n++) await yard.run('ring-bell', { bellId: 'over' });
      await first.stop();
      for (let n = 0; n < 8; n++) await yard.run('ring-bell', { bellId: 'over' });
      const second = await yard.open(definition);
      await yard.settled(second, 'handed-over');
      const all = (await yard.events('BellHung', 'BellRung')).filter((e) => e.data.bellId === 'over');
      expect([...seen].sort((a, b) => a - b)).toEqual(all.map((e) => e.position));
    });

    test('two processes at once share the work and handle each event once', async () => {
      const seen: number[] = [];
      const definition = reactor('shared', async ({ position }) => {
        seen.push(position);
        await sleep(1);
      });
      const both = [await yard.open(definition), await yard.open(definition)] as const;
      const bells = Array.from({ length: 80 }, (_, n) => `shared-${n}`);
      await Promise.all(bells.map((bellId) => yard.run('hang-bell', { bellId })));
      await yard.settled(both[0], 'shared');
      expect(new Set(seen).size).toBe(80);
      expect(seen).toHaveLength(80);
      // Counted when the delivery is settled, a moment after the handler has returned.
      await until(() => both[0].health().handled + both[1].health().handled === 80);
    });

    test('a failure is tried again after a while, with the same key, until it succeeds', async () => {
      const tries: [number, string, number][] = [];
      const reactors = await yard.open(
        reactor('failing', async (_event, { attempt, idempotencyKey }) => {
          tries.push([attempt, idempotencyKey, Date.now()]);
          if (attempt < 3) throw new Error('not yet');
        }),
      );
      await yard.run('hang-bell', { bellId: 'failing' });
      await yard.settled(reactors, 'failing');
      expect(tries.map(([attempt]) => attempt)).toEqual([1, 2, 3]);
      expect(new Set(tries.map(([, key]) => key)).size).toBe(1);
      expect((tries[2]?.[2] ?? 0) - (tries[1]?.[2] ?? 0)).toBeGreaterThanOrEqual(75);
      expect((await yard.standing(reactors, 'failing')).failures).toBe(0);
    });

    test('after its attempts an event is a dead letter; the operator sees why and retries it', async () => {
      let broken = true;
      const handled: number[] = [];
      const reactors = await yard.open(
        reactor('dying', async ({ position, data }) => {
          if (broken) throw new Error(`the receiver does not know ${String(data.owner)}`);
          handled.push(position);
        }),
      );
      const position = await yard.run('hang-bell', { bellId: 'dying', owner: 'Alan Turing' });
      await until(async () => (await yard.standing(reactors, 'dying')).dead === 1);
      const letters = await reactors.desk.deadLetters({ principal: ann, name: 'dying' });
      expect(letters).toMatchObject({
        data: [
          {
            position,
            type: 'BellHung',
            stream: 'bell-dying',
            attempts: 3,
            error: 'the receiver does not know Alan Turing',
            held: 0,
          },
        ],
        nextCursor: null,
      });
      const { rows } = await db.app.query<{ error: string }>(
        'SELECT error FROM reactor_deliveries WHERE error IS NOT NULL',
      );
      expect(JSON.stringify(rows)).not.toContain('Turing');
      expect((await yard.events('ReactorGaveUp')).at(-1)).toMatchObject({
        stream: '$reactors',
        data: { reactor: 'dying', position, eventType: 'BellHung', stream: 'bell-dying', attempts: 3 },
      });
      broken = false;
      expect(await reactors.desk.retry({ principal: ann, name: 'dying', position })).toBe(1);
      await yard.settled(reactors, 'dying');
      expect(handled).toEqual([position]);
      expect((await yard.events('DeadLettersRetried')).at(-1)).toMatchObject({
        data: { reactor: 'dying', count: 1, positions: [position] },
        metadata: { actor: { id: 'person:ann' } },
      });
    });

    test('what no attempt can cure is given up at the first', async () => {
      let tries = 0;
      const reactors = await yard.open(
        reactor('hopeless', async () => {
          tries++;
          throw new GiveUp('410 Gone');
        }),
      );
      await yard.run('hang-bell', { bellId: 'hopeless' });
      await until(async () => (await yard.standing(reactors, 'hopeless')).dead === 1);
      expect(tries).toBe(1);
      expect(await reactors.desk.discard({ principal: ann, name: 'hopeless' })).toBe(1);
      expect((await yard.standing(reactors, 'hopeless')).dead).toBe(0);
      expect((await yard.events('DeadLettersDiscarded')).at(-1)).toMatchObject({
        data: { reactor: 'hopeless', count: 1 },
      });
    });

    test('within a sequence later events wait for one that is retried or dead; other sequences do not', async () => {
      const seen: string[] = [];
      let broken = true;
      const reactors = await yard.open(
        reactor(
          'ordered',
          async ({ stream, data, type }) => {
            if (broken && data.bellId === 'ill' && type === 'BellRung' && data.times === 2)
              throw new Error('ill');
            seen.push(`${stream} ${String(data.times ?? 'hung')}`);
          },
          { sequence: 'stream' },
        ),
      );
      for (const bellId of ['ill', 'well']) await yard.run('hang-bell', { bellId });
      for (let n = 0; n < 5; n++)
        for (const bellId of ['ill', 'well']) await yard.run('ring-bell', { bellId });
      await until(async () => (await yard.standing(reactors, 'ordered')).dead === 1);
      await until(() => seen.filter((one) => one.startsWith('bell-well')).length === 6);
      // What was handled is written down a moment later.
      await until(async () => (await yard.standing(reactors, 'ordered')).pending === 0);
      expect(await yard.standing(reactors, 'ordered')).toMatchObject({ dead: 1, held: 3 });
      const { data } = await reactors.desk.deadLetters({ principal: ann, name: 'ordered' });
      expect(data).toMatchObject([{ held: 3 }]);
      expect(seen.filter((one) => one.startsWith('bell-ill'))).toEqual(['bell-ill hung', 'bell-ill 1']);
      broken = false;
      await reactors.desk.retry({ principal: ann, name: 'ordered' });
      await yard.settled(reactors, 'ordered');
      const told = ['hung', '1', '2', '3', '4', '5'];
      expect(seen.filter((one) => one.startsWith('bell-ill'))).toEqual(told.map((n) => `bell-ill ${n}`));
      expect(seen.filter((one) => one.startsWith('bell-well'))).toEqual(told.map((n) => `bell-well ${n}`));
    });

    test('order holds under concurrent appends, in two processes, whatever fails in between', async () => {
      const seen = new Map<string, number[]>();
      const definition = reactor(
        'orderly',
        async ({ data, position }, { attempt }) => {
          if (attempt === 1 && position % 7 === 0) throw new Error('by the way');
          const key = String(data.bellId);
          seen.set(key, [...(seen.get(key) ?? []), Number(data.times ?? 0)]);
        },
        {
          sequence: ({ data }) => String(data.bellId),
          events: ['BellRung'],
          retrying: { attemptsMax: 9, firstSeconds: 0.02 },
        },
      );
      const both = [await yard.open(definition), await yard.open(definition)] as const;
      const bells = Array.from({ length: 6 }, (_, n) => `orderly-${n}`);
      await Promise.all(bells.map((bellId) => yard.run('hang-bell', { bellId })));
      await Promise.all(
        bells.flatMap((bellId) => Array.from({ length: 10 }, () => yard.run('ring-bell', { bellId }))),
      );
      await yard.settled(both[0], 'orderly');
      const order = Array.from({ length: 10 }, (_, n) => n + 1);
      expect([...seen].sort()).toEqual(bells.sort().map((bellId) => [bellId, order]));
    });

    test('an attempt that takes too long is told to end, and tried again', async () => {
      const aborted: number[] = [];
      const reactors = await yard.open(
        reactor(
          'slow',
          (_event, { signal, attempt }) =>
            attempt > 1
              ? Promise.resolve()
              : new Promise((resolve) => {
                  signal.addEventListener('abort', () => {
                    aborted.push(attempt);
                    resolve();
                  });
                }),
          { timeoutSeconds: 1 },
        ),
      );
      await yard.run('hang-bell', { bellId: 'slow' });
      await yard.settled(reactors, 'slow');
      expect(aborted).toEqual([1]);
    });

    test('it pauses after repeated failure, reads no further, and goes on when it is resumed', async () => {
      let broken = true;
      let tries = 0;
      const reactors = await yard.open(
        reactor(
          'pausing',
          async () => {
            tries++;
            if (broken) throw new Error('down');
          },
          { pauseAfter: 4, retrying: { attemptsMax: 100, firstSeconds: 0.02, secondsMax: 0.05 } },
        ),
      );
      await yard.run('hang-bell', { bellId: 'pausing' });
      await until(async () => (await yard.standing(reactors, 'pausing')).paused !== null);
      expect((await yard.standing(reactors, 'pausing')).paused).toMatchObject({ reason: 'repeated_failure' });
      const { position } = await yard.standing(reactors, 'pausing');
      for (let n = 0; n < 3; n++) await yard.run('ring-bell', { bellId: 'pausing' });
      await sleep(300);
      expect(tries).toBe(4);
      expect((await yard.standing(reactors, 'pausing')).position).toBe(position);
      broken = false;
      expect(await reactors.desk.resume({ principal: ann, name: 'pausing' })).toMatchObject({ paused: null });
      await yard.settled(reactors, 'pausing');
      expect(tries).toBe(8);
      const said = (await yard.events('ReactorPaused', 'ReactorResumed')).filter(
        (e) => e.data.reactor === 'pausing',
      );
      expect(said.map(({ type, data }) => [type, data.failures])).toEqual([
        ['ReactorPaused', 4],
        ['ReactorResumed', undefined],
      ]);
    });

    test('a command of a reactor takes effect once an event, however often it is attempted', async () => {
      const reactors = await yard.open(
        reactor(
          'acting',
          async ({ data }, { execute, attempt }) => {
            await execute({ name: 'ring-bell', input: { bellId: data.bellId } });
            if (attempt < 3) throw new Error('after the command');
          },
          { events: ['BellHung'], permissions: ['bells:ring'] },
        ),
      );
      await yard.run('hang-bell', { bellId: 'acting' });
      await yard.settled(reactors, 'acting');
      const [hung, ...rung] = (await yard.events('BellHung', 'BellRung')).filter(
        (e) => e.data.bellId === 'acting',
      );
      expect(rung).toMatchObject([
        { metadata: { actor: { id: 'reactor:acting', kind: 'system' }, causationId: hung?.id } },
      ]);
    });

    test('a reactor may do what its definition grants and nothing else', async () => {
      const reactors = await yard.open(
        reactor('powerless', ({ data }, { execute }) =>
          execute({ name: 'ring-bell', input: { bellId: data.bellId } }).then(() => undefined),
        ),
      );
      await yard.run('hang-bell', { bellId: 'powerless' });
      await until(async () => (await yard.standing(reactors, 'powerless')).dead === 1);
      const { data } = await reactors.desk.deadLetters({ principal: ann, name: 'powerless' });
      expect(data[0]?.error).toContain('bells:ring');
    });

    test('looking needs reactors:read, and changing anything reactors:steer', async () => {
      const reactors = await yard.open(reactor('guarded', noop));
      const reader = person(['reactors:read']);
      const refused = { code: 'not_permitted' };
      const { desk } = reactors;
      await expect(desk.list({ principal: person([]) })).rejects.toMatchObject(refused);
      await expect(desk.deadLetters({ principal: person([]), name: 'none' })).rejects.toMatchObject(refused);
      for (const act of [desk.retry, desk.discard, desk.pause, desk.resume])
        await expect(act({ principal: reader, name: 'guarded' })).rejects.toMatchObject(refused);
      await expect(desk.retry({ principal: ann, name: 'none' })).rejects.toMatchObject({ code: 'not_found' });
      await expect(desk.retry({ principal: ann, name: 'guarded', position: 1 })).rejects.toMatchObject({
        code: 'not_found',
      });
      expect((await desk.list({ principal: reader })).data.map(({ name }) => name)).toContain('guarded');
    });

    if (backend.flushes) {
      test('Redis is flushed in the middle: nothing is lost', async () => {
        const seen = new Set<number>();
        const reactors = await yard.open(
          reactor('flushed', async ({ position }) => {
            await sleep(5);
            seen.add(position);
          }),
        );
        const bells = Array.from({ length: 150 }, (_, n) => `flushed-${n}`);
        const running = Promise.all(bells.map((bellId) => yard.run('hang-bell', { bellId })));
        await until(() => seen.size > 20);
        expect(seen.size).toBeLessThan(150);
        await queue.flush?.();
        await running;
        await yard.settled(reactors, 'flushed');
        expect(seen.size).toBe(150);
        await reactors.stop();
      });
    }
  });
}

describe('Defining a reactor', () => {
  test('refuses what contradicts itself', async () => {
    const wanted = { summary: '', events: ['BellHung'], handle: noop };
    expect(() => defineReactor({ ...wanted, name: 'Not Kebab' })).toThrow('kebab-case');
    expect(() => defineReactor({ ...wanted, name: 'none', events: [] })).toThrow('no event types');
    expect(() => defineReactor({ ...wanted, name: 'bad', timeoutSeconds: 0 })).toThrow('timeoutSeconds');
  });
});
