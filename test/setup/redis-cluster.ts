/** A real Redis Cluster of three masters on free ports of 127.0.0.1, which share the slots between them. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { freePort, startRedis, type TestRedis } from './redis.ts';

export interface TestCluster {
  readonly urls: readonly string[];
  readonly masters: readonly TestRedis[];
  readonly stop: () => Promise<void>;
}

const slots = 16_384;
const size = 3;

/** By default a node's bus is on its port plus 10,000, which may be taken or no port at all. */
const startNode = async (): Promise<TestRedis> => {
  const bus = String(await freePort());
  const node = await startRedis(undefined, ['--cluster-enabled', 'yes', '--cluster-port', bus]);
  if (node === undefined) throw new Error('redis-server is not there.');
  return node;
};

const busOf = async (admin: Redis): Promise<string> =>
  String(((await admin.config('GET', 'cluster-port')) as string[])[1]);

const settled = async (admins: readonly Redis[]): Promise<void> => {
  for (;;) {
    const infos = await Promise.all(admins.map((admin) => admin.cluster('INFO')));
    const whole = (info: string) =>
      info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${size}`);
    if (infos.every((info) => whole(String(info)))) return;
    await sleep(50);
  }
};

export const startRedisCluster = async (): Promise<TestCluster> => {
  const masters = await Promise.all(Array.from({ length: size }, startNode));
  const admins = masters.map(({ url }) => new Redis(url));
  const share = Math.ceil(slots / size);
  await Promise.all(
    admins.map((admin, n) =>
      admin.call('CLUSTER', 'ADDSLOTSRANGE', n * share, Math.min((n + 1) * share, slots) - 1),
    ),
  );
  const [first, ...others] = admins;
  for (const [n, other] of others.entries()) {
    const port = masters[n + 1]?.port ?? 0;
    await first?.call('CLUSTER', 'MEET', '127.0.0.1', port, await busOf(other));
  }
  await settled(admins);
  for (const admin of admins) admin.disconnect();
  return {
    urls: masters.map(({ url }) => url),
    masters,
    stop: async () => {
      await Promise.all(masters.map((master) => master.stop()));
    },
  };
};
