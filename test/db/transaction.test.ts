import { createPool, type Db } from '../../src/db/pool.ts';
import { outcomeUnknown, provesRollback } from '../../src/db/sqlstate.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import { type TestDatabase, testDatabase } from '../setup/database.ts';
import { startProxy } from '../setup/proxy.ts';
import { until } from '../setup/until.ts';

describe('A transaction', () => {
  let db: TestDatabase;
  let app: Db;
  beforeAll(async () => {
    db = await testDatabase();
    app = db.app;
    await app.query('CREATE TABLE read_models.ledger (line text UNIQUE)');
  });
  afterEach(() => app.query('DELETE FROM read_models.ledger'));
  afterAll(() => db.drop());

  const add = (line: string) => `INSERT INTO read_models.ledger VALUES ('${line}')`;
  const lines = async () =>
    (await app.query('SELECT line FROM read_models.ledger')).rows.map((row) => row.line);

  test('commits what its work did, and returns its result', async () => {
    const result = await inTransaction(app, async (tx) => {
      await tx.query(add('kept'));
      return 7;
    });
    expect(result).toBe(7);
    expect(await lines()).toEqual(['kept']);
  });

  test('rolls back when its work throws, and passes that very error on', async () => {
    const first = new Error('the first');
    const attempt = inTransaction(app, async (tx) => {
      await tx.query(add('dropped'));
      throw first;
    });
    await expect(attempt).rejects.toBe(first);
    expect(await lines()).toEqual([]);
    expect(app.idleCount).toBe(app.totalCount);
  });

  test('does not report success when a failed statement was swallowed', async () => {
    const attempt = inTransaction(app, async (tx) => {
      await tx.query(add('dropped'));
      await tx.query('SELECT 1 / 0').catch(() => undefined);
    });
    await expect(attempt).rejects.toThrow('it was rolled back');
    expect(await lines()).toEqual([]);
  });

  test('that is read-only cannot write', async () => {
    const attempt = inTransaction(app, (tx) => tx.query(add('dropped')), { readOnly: true });
    await expect(attempt).rejects.toMatchObject({ code: '25006' });
  });

  test('shows the first error when its connection is terminated, and the pool goes on without it', async () => {
    const attempt = inTransaction(app, async (tx) => {
      await tx.query(add('dropped'));
      await tx.query('SELECT pg_terminate_backend(pg_backend_pid())');
    });
    await expect(attempt).rejects.toMatchObject({ code: '57P01' });
    expect(await lines()).toEqual([]);
  });

  test('survives its connection breaking between two statements', async () => {
    const proxy = await startProxy(db.applicationUrl);
    const pool = createPool({ url: proxy.url, onError: () => undefined });
    const attempt = inTransaction(pool, async (tx) => {
      await tx.query(add('dropped'));
      proxy.cut();
      await app.query('SELECT pg_sleep(0.1)');
      await tx.query(add('never sent'));
    });
    const error = await attempt.catch((reason: unknown) => reason);
    expect(outcomeUnknown(error)).toBe(true);
    expect(pool.totalCount).toBe(0);
    await pool.end();
    await proxy.stop();
    expect(await lines()).toEqual([]);
  });

  test('whose answer to COMMIT is lost has an unknown outcome, though it took effect', async () => {
    const proxy = await startProxy(db.applicationUrl);
    const pool = createPool({ url: proxy.url, onError: () => undefined });
    const cut = proxy.cutBeforeAnswerTo('COMMIT');
    const attempt = inTransaction(pool, (tx) => tx.query(add('kept')));
    const error = await attempt.catch((reason: unknown) => reason);
    await cut;
    expect(outcomeUnknown(error)).toBe(true);
    expect(provesRollback(error)).toBe(false);
    expect(await lines()).toEqual(['kept']);
    await pool.end();
    await proxy.stop();
  });

  test('that loses a deadlock or a race of serializable transactions is proven rolled back', async () => {
    await app.query(add('x'));
    const increment = () =>
      inTransaction(
        app,
        async (tx) => {
          await tx.query('SELECT count(*) FROM read_models.ledger');
          await ready();
          await tx.query(`UPDATE read_models.ledger SET line = line || 'x'`);
        },
        { isolation: 'serializable' },
      );
    let arrived = 0;
    const ready = async () => {
      arrived++;
      await until(() => arrived === 2);
    };
    const results = await Promise.allSettled([increment(), increment()]);
    const refused = results.filter((result) => result.status === 'rejected');
    expect(refused).toHaveLength(1);
    expect(refused.map(({ reason }) => [provesRollback(reason), outcomeUnknown(reason)])).toEqual([
      [true, false],
    ]);
  });
});

describe('Errors of the database', () => {
  const fromServer = (code: string) => Object.assign(new Error('refused'), { code, severity: 'ERROR' });
  const fromSystem = (code: string) => Object.assign(new Error(`read ${code}`), { code });

  test.each(['40001', '40P01', '55P03', '57014', '53300', '57P03'])('%s proves a rollback', (code) => {
    expect(provesRollback(fromServer(code))).toBe(true);
    expect(outcomeUnknown(fromServer(code))).toBe(false);
  });

  test.each(['57P01', '57P02', '08006', '08003', '40003'])('%s leaves the outcome unknown', (code) => {
    expect(provesRollback(fromServer(code))).toBe(false);
    expect(outcomeUnknown(fromServer(code))).toBe(true);
  });

  test.each(['ECONNRESET', 'EPIPE', 'ETIMEDOUT'])('%s leaves the outcome unknown', (code) => {
    expect(provesRollback(fromSystem(code))).toBe(false);
    expect(outcomeUnknown(fromSystem(code))).toBe(true);
  });

  test.each(['23505', '42601', '22P02'])('%s is a fault that another try would meet again', (code) => {
    expect(provesRollback(fromServer(code))).toBe(false);
    expect(outcomeUnknown(fromServer(code))).toBe(false);
  });

  test('a server that is not there has not been sent anything', async () => {
    const pool = createPool({ url: 'postgresql://nobody@127.0.0.1:1/none', onError: () => undefined });
    const error = await pool.query('SELECT 1').catch((reason: unknown) => reason);
    expect([provesRollback(error), outcomeUnknown(error)]).toEqual([true, false]);
    await pool.end();
  });
});
