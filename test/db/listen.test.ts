import { createListener } from '../../src/db/listen.ts';
import { type TestDatabase, testDatabase } from '../setup/database.ts';
import { startProxy } from '../setup/proxy.ts';
import { freePort } from '../setup/redis.ts';
import { until } from '../setup/until.ts';

describe('A listener', () => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await testDatabase();
  });
  afterAll(() => db.drop());

  function listening(channels: string[], url = db.applicationUrl) {
    const heard: string[] = [];
    let connections = 0;
    const listener = createListener({
      url,
      channels,
      onNotification: (channel, payload) => heard.push(`${channel}: ${payload}`),
      onReconnect: () => {
        connections++;
      },
      log: () => undefined,
      probeMs: 200,
    });
    return { listener, heard, connections: () => connections };
  }

  const notify = (channel: string, payload: string) =>
    db.app.query('SELECT pg_notify($1, $2)', [channel, payload]);

  test('hears its channels and no others', async () => {
    const { listener, heard } = listening(['one', 'Two-with-hyphen']);
    await until(() => listener.connected);
    await notify('other', 'x');
    await notify('one', '17');
    await notify('Two-with-hyphen', '18');
    await until(() => heard.length === 2);
    expect(heard).toEqual(['one: 17', 'Two-with-hyphen: 18']);
    await listener.stop();
    expect(listener.connected).toBe(false);
  });

  test('survives its connection being terminated, and tells readers to look for themselves', async () => {
    const { listener, heard, connections } = listening(['one']);
    await until(() => connections() === 1);
    await db.app.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE application_name = 'quarterdeck-listener' AND datname = current_database()`,
    );
    await until(() => connections() === 2);
    await notify('one', 'after');
    await until(() => heard.includes('one: after'));
    await listener.stop();
  });

  test.each(['deafen', 'freeze'] as const)('notices a connection that the network did %s', async (fault) => {
    const proxy = await startProxy(db.applicationUrl);
    const { listener, heard, connections } = listening(['one'], proxy.url);
    await until(() => connections() === 1);
    proxy[fault]();
    await until(() => connections() === 2);
    await notify('one', 'after');
    await until(() => heard.includes('one: after'));
    await listener.stop();
    await proxy.stop();
  });

  test('is not connected while the server is away, and comes up by itself', async () => {
    const port = await freePort();
    const url = new URL(db.applicationUrl);
    url.port = String(port);
    const { listener } = listening(['one'], url.href);
    await db.app.query('SELECT pg_sleep(0.3)');
    expect(listener.connected).toBe(false);
    const proxy = await startProxy(db.applicationUrl, port);
    await until(() => listener.connected);
    await listener.stop();
    await proxy.stop();
  });
});
