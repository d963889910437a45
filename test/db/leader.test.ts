import { holdLeadership, lockNumber } from '../../src/db/leader.ts';
import { type TestDatabase, testDatabase } from '../setup/database.ts';
import { startProxy } from '../setup/proxy.ts';
import { until } from '../setup/until.ts';

describe('Leadership', () => {
  let db: TestDatabase;
  const diary: string[] = [];
  beforeAll(async () => {
    db = await testDatabase();
  });
  beforeEach(() => {
    diary.length = 0;
  });
  afterAll(() => db.drop());

  const candidate = (name: string, key: string, url = db.applicationUrl, endsWork = async () => {}) =>
    holdLeadership({
      url,
      key,
      onAcquired: () => {
        diary.push(`${name} leads`);
      },
      onLost: async () => {
        await endsWork();
        diary.push(`${name} has ended`);
      },
      log: () => undefined,
      retryMs: 20,
      probeMs: 100,
    });

  test('belongs to one candidate, and passes on when that one stops', async () => {
    const first = candidate('first', 'a');
    await until(() => first.leading);
    const second = candidate('second', 'a');
    await db.app.query('SELECT pg_sleep(0.3)');
    expect(second.leading).toBe(false);
    await first.stop();
    await until(() => second.leading);
    await second.stop();
    expect(diary).toEqual(['first leads', 'first has ended', 'second leads', 'second has ended']);
  });

  test('is given up only when the work has ended', async () => {
    const first = candidate('first', 'b', db.applicationUrl, async () => {
      await db.app.query('SELECT pg_sleep(0.5)');
    });
    await until(() => first.leading);
    const second = candidate('second', 'b');
    await first.stop();
    await until(() => second.leading);
    await second.stop();
    expect(diary.slice(0, 3)).toEqual(['first leads', 'first has ended', 'second leads']);
  });

  test('is lost with a terminated connection, and taken again', async () => {
    const only = candidate('only', 'c');
    await until(() => only.leading);
    await db.app.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE application_name = 'quarterdeck-leader-c' AND datname = current_database()`,
    );
    await until(() => diary.length === 3);
    await only.stop();
    expect(diary).toEqual(['only leads', 'only has ended', 'only leads', 'only has ended']);
  });

  test('ends the work when the server no longer answers', async () => {
    const proxy = await startProxy(db.applicationUrl);
    const only = candidate('only', 'd', proxy.url);
    await until(() => only.leading);
    proxy.freeze();
    await until(() => diary.includes('only has ended'));
    await only.stop();
    await proxy.stop();
  });

  test('of two keys belongs to two candidates at once', async () => {
    const [one, other] = [candidate('one', 'e'), candidate('other', 'f')];
    await until(() => one.leading && other.leading);
    await Promise.all([one.stop(), other.stop()]);
  });

  test('has the same lock number in every process and release', () => {
    expect(lockNumber('projector')).toBe(lockNumber('projector'));
    expect(lockNumber('projector')).not.toBe(lockNumber('relay'));
    expect(BigInt.asIntN(64, BigInt(lockNumber('projector'))).toString()).toBe(lockNumber('projector'));
  });
});
