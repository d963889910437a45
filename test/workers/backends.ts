/** The queues that a suite of bulk work is run on; one that needs a missing program is left out by name. */
import { type Need, redisServer } from '../setup/needs.ts';
import { startRedis } from '../setup/redis.ts';
import { startRedisCluster } from '../setup/redis-cluster.ts';

export interface StartedBackend {
  /** As in REDIS_URL; undefined: PostgreSQL. */
  readonly redisUrl: string | undefined;
  readonly stop: () => Promise<void>;
}

interface Backend {
  readonly name: string;
  readonly need: Need;
  readonly start: () => Promise<StartedBackend>;
}

const onRedis = async (): Promise<StartedBackend> => {
  const redis = await startRedis();
  return { redisUrl: redis?.url, stop: async () => redis?.stop() };
};

const onCluster = async (): Promise<StartedBackend> => {
  const cluster = await startRedisCluster();
  return { redisUrl: cluster.urls.join(','), stop: cluster.stop };
};

export const backends: readonly Backend[] = [
  {
    name: 'on PostgreSQL',
    need: { missing: undefined, installable: true },
    start: async () => ({ redisUrl: undefined, stop: async () => undefined }),
  },
  { name: 'on Redis', need: redisServer, start: onRedis },
  { name: 'on a Redis Cluster', need: redisServer, start: onCluster },
];
