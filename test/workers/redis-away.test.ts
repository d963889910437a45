/**
 * A Redis that is there and of no use: out of memory, silent for minutes, or behind a network that lost the
 * connections without a word. Nothing is lost, work goes on by itself, and health tells the truth meanwhile.
 * QUARTERDECK_OUTAGE_SECONDS (5) is how long it is silent.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { type TestDatabase, testDatabase } from '../setup/database.ts';
import { describeWhere, redisServer } from '../setup/needs.ts';
import { type Proxy as Network, startProxy } from '../setup/proxy.ts';
import { startRedis, type TestRedis } from '../setup/redis.ts';
import { type House, ids, openHouse, proveFromLog } from './house.ts';

const outageMs = Number(process.env.QUARTERDECK_OUTAGE_SECONDS ?? 5) * 1_000;
const items = 6_000;

describeWhere(redisServer, 'Redis of no use during a bulk job', () => {
  let db: TestDatabase;
  let redis: TestRedis;
  let network: Network;
  let house: House;
  beforeAll(async () => {
    db = await testDatabase();
    redis = (await startRedis(undefined, ['--maxmemory-policy', 'noeviction'])) as TestRedis;
    network = await startProxy(redis.url);
    house = await openHouse({ db, redisUrl: network.url });
    await house.bulk.start();
  });
  afterAll(async () => {
    await house.close();
    await network.stop();
    await redis.stop();
    await db.drop();
  });

  const accepted = (prefix: string) => {
    const rows = ids(prefix, items).map((id) => `${id},1`);
    return house.upload({ command: 'pack-crate' }, ['crateId,weight', ...rows].join('\n'));
  };

  const begun = async (prefix: string) =>
    house.until((await accepted(prefix)).id, ({ succeeded }) => succeeded > 0);

  const reachable = async (wanted: boolean): Promise<void> => {
    while (house.bulk.health().queueReachable !== wanted) await sleep(50);
  };

  const endsWhole = async (id: string): Promise<void> => {
    const done = await house.ended(id);
    expect(done).toMatchObject({ state: 'completed', succeeded: items });
    await proveFromLog(house, done);
    await reachable(true);
  };

  test('out of memory (noeviction): it is told, and the job ends once there is room', async () => {
    const admin = new Redis(redis.url);
    await admin.config('SET', 'maxmemory', '1');
    const job = await accepted('full');
    await reachable(false);
    await sleep(outageMs);
    await admin.config('SET', 'maxmemory', '0');
    admin.disconnect();
    await endsWhole(job.id);
  });

  test('silent: it is told, and the job ends once it speaks again', async () => {
    const job = await begun('silent');
    redis.signal('SIGSTOP');
    await reachable(false);
    await sleep(outageMs);
    redis.signal('SIGCONT');
    await endsWhole(job.id);
  });

  test('its connections lost without a word: new ones are made, and the job ends', async () => {
    const job = await begun('lost');
    network.freeze();
    await endsWhole(job.id);
  });
});
