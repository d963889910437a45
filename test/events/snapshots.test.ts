import type { RunningLog } from '../../src/events/event-log.ts';
import { type TestDatabase, testDatabase } from '../setup/database.ts';
import { add, counted, counting, openLog } from './testbed.ts';

describe('snapshots of long streams', () => {
  let db: TestDatabase;
  let log: RunningLog;
  beforeEach(async () => {
    db = await testDatabase();
    log = await openLog(db.app);
  });
  afterEach(async () => {
    await log.stop();
    await db.drop();
  });

  const grow = async (stream: string, events: number, base = 0) =>
    log.append({ ...add(stream, base), events: Array.from({ length: events }, () => counted(stream)) });
  /** Loaded by a process that has nothing in memory; its snapshot, if it makes one, is written. */
  const load = async (
    stream: string,
    folding: Parameters<RunningLog['load']>[0][0]['folding'] = counting,
  ) => {
    const fresh = await openLog(db.app);
    const [loaded] = await fresh.load([{ stream, folding }]);
    await fresh.stop();
    return loaded;
  };
  const stored = async (stream: string) =>
    (
      await db.owner.query(
        'SELECT folding, state_version, version FROM stream_snapshots WHERE stream = $1 ORDER BY 1',
        [stream],
      )
    ).rows;

  test('a snapshot whose key was destroyed is passed over: the stream is folded from its events', async () => {
    await grow('counter-a', 250);
    await load('counter-a');
    expect(await stored('counter-a')).toEqual([{ folding: 'counter', state_version: 1, version: 250 }]);
    await db.owner.query(`UPDATE subject_keys SET wrapped = NULL WHERE subject = 'counter-a'`);
    await log.append(add('counter-a', 250));
    expect(await load('counter-a')).toMatchObject({ version: 251, state: { total: 251 } });
  });

  test('a snapshot that was tampered with, or is of another stream, is passed over', async () => {
    await grow('counter-a', 250);
    await grow('counter-b', 300);
    const shared = { ...counting, subject: () => 'subject:shared' };
    await load('counter-a', shared);
    await load('counter-b', shared);
    await db.app.query(
      `UPDATE stream_snapshots SET (version, position, sealed) =
         (SELECT version, position, sealed FROM stream_snapshots WHERE stream = 'counter-b') WHERE stream = 'counter-a'`,
    );
    expect(await load('counter-a', shared)).toMatchObject({ version: 250, state: { total: 250 } });
    await db.app.query(`UPDATE stream_snapshots SET sealed = 'AAAA' WHERE stream = 'counter-b'`);
    expect(await load('counter-b', shared)).toMatchObject({ version: 300, state: { total: 300 } });
  });

  test('a process of an older state version does not overwrite the snapshot of a newer one', async () => {
    await grow('counter-a', 250);
    const newer = { ...counting, stateVersion: 2 };
    await load('counter-a', newer);
    await grow('counter-a', 250, 250);
    expect(await load('counter-a')).toMatchObject({ version: 500, state: { total: 500 } });
    expect(await stored('counter-a')).toEqual([{ folding: 'counter', state_version: 2, version: 250 }]);
  });

  test('each folding has snapshots of its own', async () => {
    await grow('counter-a', 250);
    const doubled = {
      ...counting,
      name: 'doubled',
      evolve: ({ total }: { total: number }) => ({ total: total + 2 }),
    };
    for (let twice = 0; twice < 2; twice++) {
      expect(await load('counter-a')).toMatchObject({ state: { total: 250 } });
      expect(await load('counter-a', doubled)).toMatchObject({ state: { total: 500 } });
    }
    expect((await stored('counter-a')).map(({ folding }) => folding)).toEqual(['counter', 'doubled']);
  });

  test('a stream of more events than a page holds is folded whole, from wherever it starts', async () => {
    await grow('counter-a', 5_000);
    await grow('counter-a', 7_001, 5_000);
    expect(await load('counter-a')).toEqual({
      stream: 'counter-a',
      version: 12_001,
      position: 12_001,
      state: { total: 12_001 },
    });
    expect(await stored('counter-a')).toMatchObject([{ version: 12_001 }]);
    await grow('counter-a', 5_000, 12_001);
    expect(await load('counter-a')).toMatchObject({ version: 17_001, state: { total: 17_001 } });
  });
});
