/**
 * Topics of work that goes on: `<name>` (an array of what changed; at first the newest) and `<name>/<id>` (one of
 * them). Progress says only which changed: they are read anew, after the head, so that what is sent is never
 * older than its `seq`.
 */
import type { Origin } from '../../access/origin.ts';
import type { Principal } from '../../access/principal.ts';
import { isQuarterdeckError, notPermitted } from '../../errors.ts';
import type { EventLog } from '../../events/log.ts';
import { type Feed, idIn, type Reading, type TopicKind } from './topic.ts';

const newestMax = 50;

interface Identified {
  readonly id: string;
}

export interface WorkTopic<Work extends Identified> {
  /** `bulk-jobs`. */
  readonly name: string;
  /** One of these is needed. */
  readonly permissions: readonly [string, ...string[]];
  /** Principals with the same view are shown the same. */
  readonly viewOf: (principal: Principal) => string;
  list(request: Origin & { readonly limit: number }): Promise<{ readonly data: readonly Work[] }>;
  get(request: Origin & { readonly id: string }): Promise<Work>;
  onProgress(listener: (changed: readonly Work[]) => void): () => void;
  readonly log: Pick<EventLog, 'head'>;
}

export const workTopics = <Work extends Identified>(topic: WorkTopic<Work>): TopicKind => {
  const { name: kind, permissions, viewOf, onProgress } = topic;
  /** Told of each that changed. */
  const feeds = new Set<(id: string) => void>();
  return {
    open: (name, principal) => {
      const id = idIn(name, kind);
      if (id === undefined && name !== kind) return undefined;
      if (!permissions.some((permission) => principal.permissions.has(permission)))
        throw notPermitted(permissions[0]);
      return { view: viewOf(principal), feed: () => feedOf(topic, feeds, principal, id) };
    },
    onChange: (listener) =>
      onProgress((changed) => {
        for (const { id } of changed) for (const tell of feeds) tell(id);
        listener();
      }),
  };
};

const feedOf = <Work extends Identified>(
  topic: WorkTopic<Work>,
  feeds: Set<(id: string) => void>,
  principal: Principal,
  id: string | undefined,
): Feed => {
  const changed = new Set<string>();
  const tell = (one: string) => {
    if (id === undefined || one === id) changed.add(one);
  };
  feeds.add(tell);
  const origin = { principal };
  const feed = id === undefined ? listFeed(topic, origin, changed) : oneFeed(topic, origin, id, changed);
  return { ...feed, close: () => void feeds.delete(tell) };
};

/** The head first: the data is then at least as new. */
const after = async <T>(
  { log }: Pick<WorkTopic<Identified>, 'log'>,
  read: () => Promise<T>,
): Promise<Reading & { readonly data: T }> => {
  const { position } = await log.head();
  return { seq: position, data: await read() };
};

const listFeed = <Work extends Identified>(
  topic: WorkTopic<Work>,
  origin: Origin,
  changed: Set<string>,
): Feed => ({
  snapshot: () => after(topic, async () => (await topic.list({ ...origin, limit: newestMax })).data),
  changes: async () => {
    const ids = [...changed];
    changed.clear();
    if (ids.length === 0) return undefined;
    const reading = await after(topic, () => thoseThere(topic, origin, ids));
    return reading.data.length === 0 ? undefined : reading;
  },
});

/** Those that are there for whoever listens. */
const thoseThere = async <Work extends Identified>(
  topic: WorkTopic<Work>,
  origin: Origin,
  ids: readonly string[],
): Promise<readonly Work[]> =>
  (await Promise.all(ids.map((id) => topic.get({ ...origin, id }).catch(unlessThere)))).flatMap(
    (one) => one ?? [],
  );

const unlessThere = (error: unknown): undefined => {
  if (!isQuarterdeckError(error) || error.code !== 'not_found') throw error;
};

const oneFeed = <Work extends Identified>(
  topic: WorkTopic<Work>,
  origin: Origin,
  id: string,
  changed: Set<string>,
): Feed => {
  const read = () => after(topic, () => topic.get({ ...origin, id }));
  return {
    snapshot: read,
    changes: async () => {
      if (changed.size === 0) return undefined;
      changed.clear();
      return read();
    },
  };
};
