/**
 * Queues: BullMQ on Redis or Redis Cluster where there is one, else on PostgreSQL. Each carries one small
 * job a piece of work and may be lost at any moment without losing work; PostgreSQL says what is left to do.
 *
 * A job's id names the work and how often it was begun, so that adding it again while it waits adds
 * nothing. Finished jobs are removed at once: one that stayed would make its id unusable.
 */
import { createPostgresBackend, Queue, Worker, type WorkerOptions, withBackend } from 'bullmq';
import { Cluster, Redis } from 'ioredis';
import { queueSchema } from '../db/migrate.ts';
import type { OnError } from './ports.ts';

export interface Queued<Delivery> {
  /** An id that was added is added again only after its job has ended. */
  readonly id: string;
  readonly data: Delivery;
  /** To the head of the queue, before all that waits. */
  readonly ahead?: boolean;
}

export interface Queues<Delivery> {
  /** @throws when the queue cannot be reached within a few seconds. */
  add(entries: readonly Queued<Delivery>[]): Promise<void>;
  /** @throws as `add`. */
  ping(): Promise<void>;
  /** Begins to take deliveries. */
  consume(work: (delivery: Delivery) => Promise<void>): void;
  /** Replaces the consumer where it stopped hearing of work (after a long outage, for instance). */
  restart(): Promise<void>;
  /** To be called when no delivery is in hand. */
  close(): Promise<void>;
}

interface Options {
  /** The queue's name. */
  readonly queue: string;
  /** One URL, or several nodes of a cluster separated by commas; undefined: PostgreSQL. */
  readonly redisUrl: string | undefined;
  /** A direct connection: a pooler in transaction mode drops LISTEN. */
  readonly databaseUrl: string;
  readonly concurrency: number;
  readonly onError: OnError;
}

/** One hash slot for all keys, which a cluster demands of scripts over several keys. */
const prefix = '{quarterdeck}';
const answerMsMax = 5_000;
const closeMsMax = 2_000;
const sayAgainMs = 10_000;
const nothing = (): void => undefined;

/** By default a killed worker's job is picked up after a minute; so after some seconds. */
const consuming = (concurrency: number) =>
  ({
    concurrency,
    lockDuration: 5_000,
    stalledInterval: 2_000,
    maxStalledCount: 100,
    removeOnComplete: { age: 60, count: 100 },
    removeOnFail: { age: 3_600, count: 100 },
  }) satisfies Partial<WorkerOptions>;

const gone = { removeOnComplete: true, removeOnFail: true } as const;

/** Nobody reads the queue's own events; by default 10,000 of them are kept. */
const streams = { events: { maxLen: 100 } } as const;

type Work<Delivery> = (delivery: Delivery) => Promise<void>;

interface Entry<Delivery extends object> {
  readonly name: string;
  readonly data: Delivery;
  readonly opts: typeof gone & { readonly jobId: string; readonly lifo: boolean };
}

/** What both backends come down to. */
interface Consumer {
  close(force: boolean): Promise<void>;
  /** Lets go of the connection, whatever still waits for an answer on it. */
  disconnect(): void;
}

interface Producer<Delivery extends object> extends Consumer {
  add(entries: Entry<Delivery>[]): Promise<unknown>;
  ping(): Promise<unknown>;
}

interface Backend<Delivery extends object> {
  produce(): Producer<Delivery>;
  consume(work: Work<Delivery>): Consumer;
}

const onPostgres = <Delivery extends object>({
  queue: queueName,
  databaseUrl,
  concurrency,
  onError,
}: Options): Backend<Delivery> => {
  const classes = withBackend(createPostgresBackend);
  const connection = (max: number) => ({
    connectionString: databaseUrl,
    schema: queueSchema,
    skipMigrations: true,
    application_name: 'quarterdeck-queues',
    keepAlive: true,
    max,
  });
  return {
    produce() {
      const queue = new classes.Queue<object>(queueName, { connection: connection(2), streams });
      queue.on('error', (error) => onError(error, `queueing ${queueName}`));
      return {
        // One by one: on PostgreSQL addBulk makes temporary tables at every call, 5 ms for the one or two
        // chunks that are queued at a time.
        add: (entries) => Promise.all(entries.map(({ name, data, opts }) => queue.add(name, data, opts))),
        ping: () => queue.getWaitingCount(),
        close: () => queue.close(),
        disconnect: nothing,
      };
    },
    consume(work) {
      const options = { connection: connection(concurrency + 2), ...consuming(concurrency) };
      const worker = new classes.Worker<object>(queueName, (job) => work(job.data as Delivery), options);
      worker.on('error', (error) => onError(error, `taking ${queueName} from the queue`));
      return { close: (force) => worker.close(force), disconnect: nothing };
    },
  };
};

const credentials = ({ username, password, protocol }: URL) => ({
  ...(username === '' ? {} : { username: decodeURIComponent(username) }),
  ...(password === '' ? {} : { password: decodeURIComponent(password) }),
  ...(protocol === 'rediss:' ? { tls: {} } : {}),
});

/** A producer fails fast, so that the relay can try again; a consumer waits for ever. */
const connect = (urls: string, patient: boolean, onError: OnError): Redis | Cluster => {
  const nodes = urls.split(',').map((url) => new URL(url.trim()));
  const [first] = nodes;
  if (first === undefined) throw new Error('REDIS_URL names no server.');
  const patience = patient
    ? { maxRetriesPerRequest: null }
    : { maxRetriesPerRequest: 1, enableOfflineQueue: false };
  const retry = (times: number): number => Math.min(times * 100, 2_000);
  const places = nodes.map(({ hostname, port }) => ({ host: hostname, port: Number(port || 6379) }));
  const db = /^\/\d+$/.test(first.pathname) ? { db: Number(first.pathname.slice(1)) } : {};
  const connection =
    nodes.length === 1
      ? new Redis({ ...places[0], ...credentials(first), ...db, ...patience, retryStrategy: retry })
      : new Cluster(places, {
          redisOptions: { ...credentials(first), maxRetriesPerRequest: patience.maxRetriesPerRequest },
          clusterRetryStrategy: retry,
          enableOfflineQueue: patient,
        });
  connection.on('error', (error: Error) => onError(error, 'talking to Redis'));
  return connection;
};

const onRedis = <Delivery extends object>(
  urls: string,
  { queue: queueName, concurrency, onError }: Options,
): Backend<Delivery> => ({
  produce() {
    const connection = connect(urls, false, onError);
    const queue = new Queue<object>(queueName, { connection, prefix, streams });
    queue.on('error', (error) => onError(error, `queueing ${queueName}`));
    return {
      add: (entries) => queue.addBulk(entries),
      ping: () => queue.getWaitingCount(),
      close: () => queue.close(),
      disconnect: () => connection.disconnect(),
    };
  },
  consume(work) {
    const connection = connect(urls, true, onError);
    const worker = new Worker<object>(queueName, (job) => work(job.data as Delivery), {
      connection,
      prefix,
      ...consuming(concurrency),
    });
    worker.on('error', (error) => onError(error, `taking ${queueName} from the queue`));
    return { close: (force) => worker.close(force), disconnect: () => connection.disconnect() };
  },
});

const within = async <T>(ms: number, work: Promise<T>): Promise<T> => {
  // One that answers too late is nobody's concern any more.
  work.catch(nothing);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`the queue did not answer within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
};

/** A queue that is away says so several times a second: each thing is passed on once in ten. */
const sparingly = (onError: OnError): OnError => {
  const saidAt = new Map<string, number>();
  return (error, doing) => {
    const what = `${doing} ${error instanceof Error ? error.message : String(error)}`;
    const now = Date.now();
    if (now - (saidAt.get(what) ?? 0) < sayAgainMs) return;
    if (saidAt.size > 100) saidAt.clear();
    saidAt.set(what, now);
    onError(error, doing);
  };
};

export const createQueues = <Delivery extends object>(given: Options): Queues<Delivery> => {
  const onError = sparingly(given.onError);
  const options = { ...given, onError };
  const backend: Backend<Delivery> =
    given.redisUrl === undefined ? onPostgres(options) : onRedis(given.redisUrl, options);
  /** Made when first needed, so that a process that only accepts jobs holds no connection. */
  let producer: Producer<Delivery> | undefined;
  let consumer: Consumer | undefined;
  let deliver: Work<Delivery> | undefined;

  const start = (): void => {
    if (deliver !== undefined) consumer = backend.consume(deliver);
  };

  /** A queue that is away does not hold up the end of the process. */
  const end = async (ending: Consumer | undefined, force: boolean): Promise<void> => {
    if (ending === undefined) return;
    try {
      await within(closeMsMax, ending.close(force));
    } catch (error) {
      onError(error, 'closing the queue');
      if (!force) return await end(ending, true);
    }
    ending.disconnect();
  };

  /** One that does not answer may have lost its connection without a word: the next try makes another. */
  const ask = async (what: (on: Producer<Delivery>) => Promise<unknown>): Promise<void> => {
    const asked = producer ?? backend.produce();
    producer = asked;
    try {
      await within(answerMsMax, what(asked));
    } catch (error) {
      if (producer === asked) producer = undefined;
      void end(asked, true);
      throw error;
    }
  };

  return {
    async add(jobs) {
      const entries = jobs.map(({ id, data, ahead }) => ({
        name: given.queue,
        data,
        opts: { jobId: id, lifo: ahead === true, ...gone },
      }));
      await ask((queue) => queue.add(entries));
    },
    async ping() {
      await ask((queue) => queue.ping());
    },
    consume(work) {
      deliver = work;
      start();
    },
    async restart() {
      await end(consumer, true);
      start();
    },
    async close() {
      deliver = undefined;
      await Promise.all([end(consumer, false), end(producer, false)]);
      consumer = undefined;
      producer = undefined;
    },
  };
};
