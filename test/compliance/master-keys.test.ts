import { randomBytes } from 'node:crypto';
import { localMasterKeys, type MasterKey } from '../../src/events/master-keys.ts';
import { open, seal } from '../../src/events/sealing.ts';
import { type TestDatabase, testDatabase } from '../setup/database.ts';
import { directory, fill, openProcess, type Process } from './testbed.ts';

const [old, fresh] = [randomBytes(32), randomBytes(32)] as const;
const nameIn = async ({ engine }: Process) => (await engine.log.readStreams(['account-zoe']))[0]?.data.name;

describe('The master key', () => {
  let db: TestDatabase;
  let mirror: Awaited<ReturnType<typeof directory>>;
  beforeEach(async () => {
    db = await testDatabase();
    mirror = await directory();
  });
  afterEach(async () => {
    await db.drop();
    await mirror.remove();
  });
  const start = (masterKey: Parameters<typeof localMasterKeys>[0], others: readonly Buffer[] = []) =>
    openProcess(db, { masterKey: localMasterKeys(masterKey, others), logMirror: mirror.path });
  const wrappedBy = async () =>
    (
      await db.app.query(
        'SELECT wrapped_by AS id, count(*)::integer AS n FROM subject_keys GROUP BY 1 ORDER BY 2',
      )
    ).rows as { id: string | null; n: number }[];

  test('is changed while another process that knows both goes on', async () => {
    const first = await start(old);
    await fill(first);
    await first.erase('account-bob');
    // As rows are that were written before master keys had names.
    await db.app.query('UPDATE subject_keys SET wrapped_by = NULL');
    await first.close();

    const before = await start(old, [fresh]);
    const after = await start(fresh, [old]);
    expect([await nameIn(before), await nameIn(after)]).toEqual(['Zoe Quibble', 'Zoe Quibble']);
    await after.run('open-account', {
      accountId: 'new',
      name: 'Nell New',
      plan: 'DSL',
      contract: 'one-year',
      tenureMonths: 0,
      monthlyCharges: '1.00',
      totalCharges: '1.00',
    });
    expect((await before.engine.log.readStreams(['account-new']))[0]?.data.name).toBe('Nell New');

    const said: string[] = [];
    const writing = Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        before.run('add-note', { noteId: `w${n}`, accountId: 'zoe', text: `${n}` }),
      ),
    );
    const { keys, masterKey } = await after.engine.compliance.rewrapKeys(
      (done, all) => void said.push(`${done}/${all}`),
    );
    await writing;
    expect(said.at(-1)).toBe(`${keys}/${keys}`);
    // The destroyed one stays destroyed, by no master key.
    expect(await wrappedBy()).toEqual([
      { id: null, n: 1 },
      { id: masterKey, n: keys + 1 },
    ]);
    const recorded = await after.engine.log.readStreams(['$keys']);
    expect(recorded.map(({ type, data }) => [type, data])).toEqual([['KeysRewrapped', { masterKey, keys }]]);
    expect(await after.engine.compliance.rewrapKeys(() => undefined)).toEqual({ keys: 0, masterKey });
    expect([await nameIn(before), await nameIn(after)]).toEqual(['Zoe Quibble', 'Zoe Quibble']);
    await before.close();
    await after.close();

    const last = await start(fresh);
    expect(await nameIn(last)).toBe('Zoe Quibble');
    await last.close();
  });

  test('that is another one stops the start with a sentence that names the variables and both keys', async () => {
    const first = await start(old);
    await fill(first);
    await first.close();
    const [mine, theirs] = [localMasterKeys(old), localMasterKeys(fresh)].map(({ current }) => current.id);
    await expect(start(fresh)).rejects.toThrow(
      new RegExp(`QUARTERDECK_MASTER_KEY.*QUARTERDECK_PREVIOUS_MASTER_KEYS.*${mine}.*${theirs}`),
    );
  });

  test('may be kept by a service that wraps and unwraps many at once', async () => {
    const asked: number[] = [];
    const service: MasterKey = {
      id: 'kms:alias/quarterdeck',
      wrap: async (keys) => {
        asked.push(keys.length);
        return keys.map(({ subject, key }) => seal(fresh, key, subject));
      },
      unwrap: async (wrapped) => wrapped.map((one) => open(fresh, one.wrapped, one.subject)),
    };
    const first = await start(old);
    await fill(first);
    await first.close();
    const running = await openProcess(db, {
      masterKey: {
        current: service,
        others: localMasterKeys(old).others.concat(localMasterKeys(old).current),
      },
      logMirror: mirror.path,
    });
    const { keys } = await running.engine.compliance.rewrapKeys(() => undefined);
    expect(asked.at(-1)).toBe(keys);
    expect(await wrappedBy()).toEqual([{ id: service.id, n: keys }]);
    expect(await nameIn(running)).toBe('Zoe Quibble');
    await running.close();
  });
});
