import { type TestDatabase, testDatabase } from '../setup/database.ts';
import { openWriteSide, tester } from './testbed.ts';

describe('idempotency keys', () => {
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

  const refusals = async () =>
    (await side.log.read({ after: 0, limit: 10_000, types: ['CommandRefused'] })).events.map((e) => e.data);

  test('a replay is not decided again: nothing is recorded as refused', async () => {
    const ask = () => side.ask('fill-jar', { jarId: 'a', by: 1 }, { ifMatch: 0, idempotencyKey: 'a' });
    const first = await ask();
    const head = await side.log.head();
    expect(await ask()).toEqual({ ...first, replayed: true });
    expect(await side.log.head()).toEqual(head);
  });

  test('a key used for another request is refused before anything is decided, and recorded', async () => {
    await side.ask('fill-jar', { jarId: 'b', by: 1 }, { idempotencyKey: 'b' });
    const before = (await refusals()).length;
    const reason = 'full';
    await expect(
      side.ask('seal-jar', { jarId: 'nowhere' }, { reason, idempotencyKey: 'b' }),
    ).rejects.toMatchObject({ code: 'idempotency_key_reused' });
    expect((await refusals()).slice(before)).toEqual([
      { command: 'seal-jar', code: 'idempotency_key_reused', size: 19 },
    ]);
  });

  test('the fingerprint covers If-Match and reason', async () => {
    const ask = (more: object) =>
      side.ask('fill-jar', { jarId: 'c', by: 1 }, { idempotencyKey: 'c', ...more });
    await ask({ reason: 'one' });
    for (const more of [{}, { reason: 'two' }, { reason: 'one', ifMatch: 0 }]) {
      await expect(ask(more)).rejects.toMatchObject({ code: 'idempotency_key_reused' });
    }
  });

  test('authorisation comes before replay, and a denial leaves the key free', async () => {
    const ask = (grants: readonly string[]) =>
      side.ask('fill-jar', { jarId: 'd', by: 1 }, { idempotencyKey: 'd', principal: tester(grants) });
    await expect(ask([])).rejects.toMatchObject({ code: 'not_permitted' });
    expect(await ask(['jars:fill'])).toMatchObject({ replayed: false });
    await expect(ask([])).rejects.toMatchObject({ code: 'not_permitted' });
  });

  test('duplicates of one key work in a row, also after the first has failed', async () => {
    const key = side.idempotency.keyFor(tester([]), 'row', {});
    let active = 0;
    let most = 0;
    const work = async () => {
      most = Math.max(most, ++active);
      await new Promise((resolve) => setTimeout(resolve, 10));
      active--;
      throw new Error('failed');
    };
    const all = await Promise.allSettled(Array.from({ length: 6 }, () => side.idempotency.inTurn(key, work)));
    expect(all.filter(({ status }) => status === 'rejected').length).toBe(6);
    expect(most).toBe(1);
  });

  test('a key is forgotten after a week', async () => {
    const ask = () => side.ask('fill-jar', { jarId: 'e', by: 1 }, { idempotencyKey: 'e' });
    await ask();
    await side.idempotency.forgetOld();
    expect(await ask()).toMatchObject({ replayed: true });
    await db.app.query(`UPDATE idempotency_keys SET recorded_at = now() - interval '8 days'`);
    await side.idempotency.forgetOld();
    expect(await ask()).toMatchObject({ replayed: false });
  });

  test('a dry run stores nothing, not even that its input was wrong', async () => {
    const head = await side.log.head();
    await expect(side.ask('fill-jar', { jarId: 'F' }, { dryRun: true })).rejects.toMatchObject({
      code: 'invalid_input',
    });
    await expect(side.ask('seal-jar', { jarId: 'f' }, { dryRun: true, reason: 'x' })).rejects.toMatchObject({
      code: 'not_found',
    });
    expect(await side.log.head()).toEqual(head);
  });

  test('a reason of spaces is no reason', async () => {
    await expect(side.ask('seal-jar', { jarId: 'a' }, { reason: '  ' })).rejects.toMatchObject({
      code: 'reason_required',
    });
  });
});
