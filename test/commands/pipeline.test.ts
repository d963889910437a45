import type { CommandAnswer } from '../../src/commands/request.ts';
import { type TestDatabase, testDatabase } from '../setup/database.ts';
import { openWriteSide, tester } from './testbed.ts';

const done = (answer: CommandAnswer) => {
  if (answer.kind !== 'done') throw new Error('not carried out');
  return answer;
};

describe('the pipeline', () => {
  let db: TestDatabase;
  let side: Awaited<ReturnType<typeof openWriteSide>>;
  beforeAll(async () => {
    db = await testDatabase();
    side = await openWriteSide(db.app);
  });
  afterAll(async () => {
    await side.log.stop();
    await db.drop();
  });

  const recorded = async (type: string) =>
    (await side.log.read({ after: 0, limit: 10_000, types: [type] })).events.map((e) => e.data);

  test('a command becomes events, and its answer says where they are', async () => {
    const { done: first } = done(await side.ask('fill-jar', { jarId: 'a', by: 3 }));
    expect(first).toMatchObject({ stream: 'jar-a', version: 1, events: [{ type: 'Filled', version: 1 }] });
    const [event] = await side.log.readStreams(['jar-a']);
    expect(event).toMatchObject({ position: first.position, data: { jarId: 'a', by: 3 } });
    expect(event?.metadata).toMatchObject({
      command: 'fill-jar',
      commandId: first.commandId,
      tool: 'console',
    });
  });

  test('permission is checked before the input is looked at, and a denial is recorded', async () => {
    const request = { principal: tester([]) };
    await expect(side.ask('fill-jar', 'rubbish', request)).rejects.toMatchObject({ code: 'not_permitted' });
    expect(side.denials.at(-1)?.denial).toEqual({ command: 'fill-jar', permission: 'jars:fill' });
  });

  test('an input may need a further permission', async () => {
    await expect(side.ask('fill-jar', { jarId: 'b', by: 501 })).rejects.toMatchObject({
      extra: { permission: 'jars:fill-large' },
    });
    const principal = tester(['jars:fill', 'jars:fill-large']);
    expect(done(await side.ask('fill-jar', { jarId: 'b', by: 501 }, { principal })).done.version).toBe(1);
  });

  test('every problem of an input is told, each with its path; the refusal keeps its size, never the input', async () => {
    const refused = side.ask('fill-jar', { jarId: 'NO', by: 0.5, colour: 'secret red' });
    await expect(refused).rejects.toMatchObject({ code: 'invalid_input' });
    const { errors } = await refused.catch((e) => e);
    expect(errors.map((e: { path: string }) => e.path).sort()).toEqual(['by', 'colour', 'jarId']);
    const event = (await recorded('CommandRefused')).at(-1);
    expect(event).toEqual({ command: 'fill-jar', code: 'invalid_input', size: 45 });
  });

  test("a rule that says no is a rejection with the rule's own code, and is recorded", async () => {
    await side.ask('fill-jar', { jarId: 'c', by: 1 });
    await side.ask('seal-jar', { jarId: 'c' }, { reason: 'full' });
    const refused = side.ask('fill-jar', { jarId: 'c', by: 1 });
    await expect(refused).rejects.toMatchObject({ code: 'rejected', rejection: 'jar_sealed' });
    expect((await recorded('CommandRefused')).at(-1)).toMatchObject({
      code: 'rejected',
      rejection: 'jar_sealed',
      stream: 'jar-c',
    });
  });

  test('what does not exist is not_found; a reason that is missing is reason_required', async () => {
    await expect(side.ask('seal-jar', { jarId: 'nowhere' }, { reason: 'x' })).rejects.toMatchObject({
      code: 'not_found',
    });
    await expect(side.ask('seal-jar', { jarId: 'c' })).rejects.toMatchObject({ code: 'reason_required' });
    await expect(side.ask('open-sesame', {})).rejects.toMatchObject({ code: 'not_found' });
  });

  test("a command that changes nothing answers without events and the position of the stream's last event", async () => {
    const { done: sealed } = done(await side.ask('fill-jar', { jarId: 'd', by: 1 }));
    const first = done(await side.ask('seal-jar', { jarId: 'd' }, { reason: 'full' })).done;
    const again = done(await side.ask('seal-jar', { jarId: 'd' }, { reason: 'full' })).done;
    expect(again).toMatchObject({ events: [], version: 2, position: first.position });
    expect(first.position).toBeGreaterThan(sealed.position);
    expect((await recorded('CommandUnchanged')).at(-1)).toEqual({
      command: 'seal-jar',
      stream: 'jar-d',
      version: 2,
    });
  });

  test('If-Match means the version of the primary stream; 0 that it must not exist', async () => {
    expect(done(await side.ask('fill-jar', { jarId: 'e', by: 1 }, { ifMatch: 0 })).done.version).toBe(1);
    await expect(side.ask('fill-jar', { jarId: 'e', by: 1 }, { ifMatch: 0 })).rejects.toMatchObject({
      code: 'version_conflict',
    });
    expect(done(await side.ask('fill-jar', { jarId: 'e', by: 1 }, { ifMatch: 1 })).done.version).toBe(2);
  });

  test('a dry run shows events and difference and stores nothing', async () => {
    const before = await side.log.head();
    const answer = await side.ask('fill-jar', { jarId: 'f', by: 4 }, { dryRun: true });
    expect(answer).toEqual({
      kind: 'dry-run',
      dryRun: {
        dryRun: true,
        events: [{ type: 'Filled', data: { jarId: 'f', by: 4 } }],
        diff: [{ op: 'replace', path: '/filled', value: 4 }],
      },
    });
    expect(await side.log.head()).toEqual(before);
  });

  test('64 clients on one stream: none refused, each with a version of its own', async () => {
    const answers = await Promise.all(
      Array.from({ length: 64 }, () => side.ask('fill-jar', { jarId: 'hot', by: 1 })),
    );
    const versions = answers.map((a) => done(a).done.version).sort((a, b) => a - b);
    expect(versions).toEqual(Array.from({ length: 64 }, (_, i) => i + 1));
    const positions = new Set(answers.map((a) => done(a).done.position));
    expect(positions.size).toBe(64);
  });

  test('two processes on one stream: conflicts are decided anew, none is an outcome', async () => {
    const other = await openWriteSide(db.app);
    const asks = Array.from({ length: 60 }, (_, i) =>
      (i % 2 ? side : other).ask('fill-jar', { jarId: 'shared', by: 1 }),
    );
    await Promise.all(asks);
    expect((await side.log.readStreams(['jar-shared'])).length).toBe(60);
    await other.log.stop();
  });

  test('a rule across streams holds under any concurrency', async () => {
    for (let round = 0; round < 20; round++) {
      const lid = `lid${round}`;
      await side.ask('fill-jar', { jarId: lid, by: 1 });
      const [filled] = await Promise.allSettled([
        side.ask('fill-jar', { jarId: `box${round}`, by: 1, lid }),
        side.ask('seal-jar', { jarId: lid }, { reason: 'now' }),
      ]);
      const sealedAt = (await side.log.readStreams([`jar-${lid}`])).at(-1)?.position ?? 0;
      if (filled.status === 'fulfilled') expect(done(filled.value).done.position).toBeLessThan(sealedAt);
      else expect(filled.reason).toMatchObject({ rejection: 'lid_sealed' });
    }
  });

  describe('idempotency', () => {
    test('the same request with the same key is carried out once and answered alike', async () => {
      const request = { idempotencyKey: 'k1' };
      const first = done(await side.ask('fill-jar', { jarId: 'i1', by: 2 }, request));
      const second = done(await side.ask('fill-jar', { by: 2, jarId: 'i1' }, request));
      expect(second).toEqual({ ...first, replayed: true });
      expect((await side.log.readStreams(['jar-i1'])).length).toBe(1);
    });

    test('concurrent duplicates are carried out once and all answered alike', async () => {
      const answers = await Promise.all(
        Array.from({ length: 10 }, () =>
          side.ask('fill-jar', { jarId: 'i2', by: 1 }, { idempotencyKey: 'k2' }),
        ),
      );
      expect(new Set(answers.map((a) => done(a).done.commandId)).size).toBe(1);
      expect((await side.log.readStreams(['jar-i2'])).length).toBe(1);
    });

    test('a key used for another request is refused, whatever its target', async () => {
      await side.ask('fill-jar', { jarId: 'i3', by: 1 }, { idempotencyKey: 'k3' });
      for (const input of [
        { jarId: 'i3', by: 2 },
        { jarId: 'i4', by: 1 },
      ]) {
        await expect(side.ask('fill-jar', input, { idempotencyKey: 'k3' })).rejects.toMatchObject({
          code: 'idempotency_key_reused',
        });
      }
      expect((await side.log.readStreams(['jar-i3', 'jar-i4'])).length).toBe(1);
    });

    test('a rejection is stored and replayed, even when the rule would say yes by now', async () => {
      await side.ask('fill-jar', { jarId: 'i5', by: 1 });
      await side.ask('seal-jar', { jarId: 'i5' }, { reason: 'x' });
      const again = () => side.ask('fill-jar', { jarId: 'i6', by: 1, lid: 'i5' }, { idempotencyKey: 'k5' });
      await expect(again()).rejects.toMatchObject({ rejection: 'lid_sealed', replayed: false });
      await expect(again()).rejects.toMatchObject({ rejection: 'lid_sealed', replayed: true });
    });

    test('an unchanged outcome is stored and replayed', async () => {
      await side.ask('fill-jar', { jarId: 'i7', by: 1 });
      await side.ask('seal-jar', { jarId: 'i7' }, { reason: 'x' });
      const again = () => side.ask('seal-jar', { jarId: 'i7' }, { reason: 'x', idempotencyKey: 'k7' });
      const first = done(await again());
      expect(first.done.events).toEqual([]);
      expect(done(await again())).toEqual({ ...first, replayed: true });
    });

    test('a success is replayed although its If-Match no longer holds; other statuses leave the key free', async () => {
      const ask = (ifMatch: number, key: string) =>
        side.ask('fill-jar', { jarId: 'i8', by: 1 }, { ifMatch, idempotencyKey: key });
      const first = done(await ask(0, 'k8'));
      expect(done(await ask(0, 'k8'))).toEqual({ ...first, replayed: true });
      await expect(ask(7, 'k9')).rejects.toMatchObject({ code: 'version_conflict' });
      expect(
        done(await side.ask('fill-jar', { jarId: 'i8', by: 1 }, { idempotencyKey: 'k9' })).replayed,
      ).toBe(false);
    });

    test('keys of different principals do not meet', async () => {
      const principal = tester(['jars:fill'], 'person:other');
      await side.ask('fill-jar', { jarId: 'i9', by: 1 }, { idempotencyKey: 'k10' });
      const other = done(
        await side.ask('fill-jar', { jarId: 'i9', by: 1 }, { idempotencyKey: 'k10', principal }),
      );
      expect(other.replayed).toBe(false);
    });
  });
});
