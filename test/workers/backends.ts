/** The queues that a suite of bulk work is run on; one that needs a missing program is left out by name. */
import { Redis } from 'ioredis';
import { type Need, redisServer } from '../setup/needs.ts';
import { startRedis, type TestRedis } from '../setup/redis.ts';
import { startRedisCluster } from '../setup/redis-cluster.ts';

export interface StartedBackend {
  /** As in REDIS_URL; undefined: PostgreSQL. */
  readonly redisUrl: string | undefined;
  /** Empties it, where it is one that may be emptied. */
  readonly flush?: () => Promise<void>;
  /** On Redis: the hashes whose keys look so. */
  readonly hashes?: (pattern: string) => Promise<readonly Hash[]>;
  readonly stop: () => Promise<void>;
}

interface Hash {
  readonly key: string;
  readonly fields: Readonly<Record<string, string>>;
}

interface Backend {
  readonly name: string;
  readonly need: Need;
  /** Whether what is started can be flushed. */
  readonly flushes: boolean;
  readonly start: () => Promise<StartedBackend>;
}

const onEach = async (servers: readonly TestRedis[], run: (admin: Redis) => Promise<unknown>) => {
  for (const { url } of servers) {
    const admin = new Redis(url);
    await run(admin).finally(() => admin.disconnect());
  }
};

const started = (servers: readonly TestRedis[], stop: () => Promise<void>): StartedBackend => ({
  redisUrl: servers.map(({ url }) => url).join(','),
  flush: () => onEach(servers, (admin) => admin.flushall()),
  async hashes(pattern) {
    const found: Hash[] = [];
    await onEach(servers, async (admin) => {
      for (const key of await admin.keys(pattern)) {
        if ((await admin.type(key)) === 'hash') found.push({ key, fields: await admin.hgetall(key) });
      }
    });
    return found;
  },
  stop,
});

const onRedis = async (): Promise<StartedBackend> => {
  const redis = (await startRedis()) as TestRedis;
  return started([redis], redis.stop);
};

const onCluster = async (): Promise<StartedBackend> => {
  const cluster = await startRedisCluster();
  return started(cluster.masters, cluster.stop);
};

export const backends: readonly Backend[] = [
  {
    name: 'on PostgreSQL',
    need: { missing: undefined, installable: true },
    flushes: false,
    start: async () => ({ redisUrl: undefined, stop: async () => undefined }),
  },
  { name: 'on Redis', need: redisServer, flushes: true, start: onRedis },
  { name: 'on a Redis Cluster', need: redisServer, flushes: true, start: onCluster },
];
