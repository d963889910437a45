/** Backups are copies of the database taken while nobody is connected. */
import { type TestDatabase, testDatabase } from '../setup/database.ts';
import { directory, everyTable, fill, openProcess, plaintexts, scrubbed, until } from './testbed.ts';

describe('A restored backup', () => {
  let mirror: Awaited<ReturnType<typeof directory>>;
  const open: TestDatabase[] = [];
  beforeEach(async () => {
    mirror = await directory();
  });
  afterEach(async () => {
    for (const db of open.splice(0)) await db.drop();
    await mirror.remove();
  });
  const database = async (copyOf?: string) => {
    const db = await testDatabase(copyOf === undefined ? {} : { copyOf });
    open.push(db);
    return db;
  };
  const disconnected = async (db: TestDatabase) => {
    await Promise.all([db.owner.end(), db.app.end()]);
    open.splice(open.indexOf(db), 1);
    return { ...db, drop: async () => undefined };
  };

  test('brings no key back: it is destroyed and its copies are scrubbed before anything is served', async () => {
    const original = await database();
    let running = await openProcess(original, { logMirror: mirror.path });
    await running.engine.start({ project: true, work: true });
    await fill(running);
    const { position } = await running.engine.log.head();
    await until(async () =>
      (await running.engine.readSide.health()).projections.every((p) => p.position >= position),
    );
    await running.close();
    await disconnected(original);
    const backup = await database(original.name);
    const [held] = [...(await everyTable(backup))].filter(([, text]) => text.includes(plaintexts[0] ?? ''));
    expect(held).toBeDefined();

    running = await openProcess(original, { logMirror: mirror.path });
    await running.engine.start({ project: true, work: true });
    const done = await running.erase('account-zoe');
    await scrubbed(running, 'account-zoe');
    await running.close();

    // Without work or projector: what follows is done by the start itself.
    const restored = await openProcess(backup, { logMirror: mirror.path });
    for (const [name, text] of await everyTable(backup))
      for (const plain of plaintexts)
        expect({ name, found: text.includes(plain) }).toEqual({ name, found: false });
    const [account] = await restored.engine.log.readStreams(['account-zoe']);
    expect(account?.data.name).toBe('[erased]');
    const said = await restored.engine.log.readStreams(['erasure-account-zoe']);
    expect(said.map(({ type, data }) => [type, data.position])).toEqual([
      ['ErasureReapplied', done.position],
      ['SubjectScrubbed', undefined],
    ]);
    expect(restored.lines.join()).toContain('account-zoe');
    expect((await restored.erase('account-zoe')).events).toEqual([]);
    await restored.close();

    const again = await openProcess(backup, { logMirror: mirror.path });
    expect(await again.engine.log.readStreams(['erasure-account-zoe'])).toHaveLength(2);
    await again.close();
  });

  test('of the keys alone brings none back either', async () => {
    const db = await database();
    let running = await openProcess(db, { logMirror: mirror.path });
    await fill(running);
    const { rows } = await db.app.query(
      `SELECT wrapped, wrapped_by FROM subject_keys WHERE subject = 'account-zoe'`,
    );
    const [{ wrapped, wrapped_by }] = rows as [{ wrapped: Buffer; wrapped_by: string }];
    await running.erase('account-zoe');
    await running.close();
    await db.app.query(
      `UPDATE subject_keys SET wrapped = $1, wrapped_by = $2 WHERE subject = 'account-zoe'`,
      [wrapped, wrapped_by],
    );
    running = await openProcess(db, { logMirror: mirror.path });
    expect((await running.engine.log.readStreams(['account-zoe']))[0]?.data.name).toBe('[erased]');
    const said = await running.engine.log.readStreams(['erasure-account-zoe']);
    expect(said.map(({ type }) => type)).toEqual(['SubjectErased', 'ErasureReapplied', 'SubjectScrubbed']);
    await running.close();
  });

  test('from before the person was known makes no key for them later', async () => {
    const original = await database();
    await (await openProcess(original, { logMirror: mirror.path })).close();
    await disconnected(original);
    const backup = await database(original.name);
    const running = await openProcess(original, { logMirror: mirror.path });
    await fill(running);
    await running.erase('account-zoe');
    await running.close();
    const restored = await openProcess(backup, { logMirror: mirror.path });
    await fill(restored);
    expect((await restored.engine.log.readStreams(['account-zoe']))[0]?.data.name).toBe('[erased]');
    await restored.close();
  });

  test('is told nothing by the tombstones of another database', async () => {
    const [a, b] = [await database(), await database()];
    const running = await openProcess(a, { logMirror: mirror.path });
    await fill(running);
    await running.erase('account-zoe');
    await running.close();
    const other = await openProcess(b, { logMirror: mirror.path });
    await fill(other);
    expect((await other.engine.log.readStreams(['account-zoe']))[0]?.data.name).toBe('Zoe Quibble');
    await other.close();
  });
});
