import { type TestDatabase, testDatabase } from '../setup/database.ts';
import { directory, fill, openProcess, type Process } from './testbed.ts';

describe('A legal hold', () => {
  let db: TestDatabase;
  let mirror: Awaited<ReturnType<typeof directory>>;
  let one: Process;
  beforeAll(async () => {
    db = await testDatabase();
    mirror = await directory();
    one = await openProcess(db, { logMirror: mirror.path });
    await fill(one);
    await one.engine.start({ project: true, work: true });
  });
  afterAll(async () => {
    await one.close();
    await db.drop();
    await mirror.remove();
  });
  const place = (holdId: string, subject = 'account-zoe') =>
    one.run('place-legal-hold', { holdId, subject, matter: 'Quibble ./. Telco' });

  test('keeps data from being erased until every hold on it is lifted', async () => {
    await place('h1');
    await place('h2');
    await expect(one.erase('account-zoe')).rejects.toMatchObject({
      code: 'rejected',
      rejection: 'legal_hold',
    });
    await one.run('lift-legal-hold', { holdId: 'h1' });
    await expect(one.erase('account-zoe')).rejects.toMatchObject({ rejection: 'legal_hold' });
    await one.run('lift-legal-hold', { holdId: 'h2' });
    expect((await one.erase('account-zoe')).events).toHaveLength(1);
    await expect(place('h3')).rejects.toMatchObject({ rejection: 'subject_erased' });
  });

  test('and an erasure at the same moment: one of them is refused', async () => {
    for (let n = 0; n < 10; n++) {
      const accountId = `race-${n}`;
      await one.run('open-account', {
        accountId,
        name: 'Rae Racer',
        plan: 'DSL',
        contract: 'one-year',
        tenureMonths: 0,
        monthlyCharges: '1.00',
        totalCharges: '1.00',
      });
      const subject = `account-${accountId}`;
      const both = await Promise.allSettled([place(`race-${n}`, subject), one.erase(subject)]);
      const refused = both.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[];
      expect(refused).toHaveLength(1);
      expect(['legal_hold', 'subject_erased']).toContain(refused[0]?.reason.rejection);
    }
  });

  test('is placed once, and lifted only where there is one', async () => {
    await place('again', 'account-bob');
    expect((await place('again', 'account-bob')).events).toEqual([]);
    await expect(place('again', 'account-other')).rejects.toMatchObject({ rejection: 'hold_exists' });
    await one.run('lift-legal-hold', { holdId: 'again' });
    expect((await one.run('lift-legal-hold', { holdId: 'again' })).events).toEqual([]);
    await expect(one.run('lift-legal-hold', { holdId: 'none' })).rejects.toMatchObject({ code: 'not_found' });
    await expect(one.run('lift-legal-hold', { holdId: '../x' })).rejects.toMatchObject({
      errors: [{ path: 'holdId' }],
    });
  });

  test('is shown as a row', async () => {
    const { position } = await place('shown', 'account-bob');
    while ((await one.engine.readSide.health()).projections.some((p) => p.position < position))
      await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await one.row('legal-holds', 'shown')).toMatchObject({
      subject: 'account-bob',
      state: 'active',
      matter: 'Quibble ./. Telco',
      placedBy: 'person:carla',
    });
  });
});
