/**
 * Topics `bulk-jobs` (an array of the jobs that changed; at first the newest ones) and `bulk-jobs/<id>`
 * (the job). Progress says only which jobs changed: they are read anew, after the head, so that what is
 * sent is never older than its `seq`.
 */

import type { Origin } from '../../access/origin.ts';
import { isEveryRow, type Principal } from '../../access/principal.ts';
import { isQuarterdeckError, notPermitted } from '../../errors.ts';
import type { EventLog } from '../../events/log.ts';
import type { Bulk, BulkJob } from '../../workers/request.ts';
import { type Feed, idIn, type Opened, type Reading, type TopicKind } from './topic.ts';

const permission = 'bulk:read';
const newestMax = 50;

interface Ports {
  readonly bulk: Pick<Bulk, 'jobs' | 'onProgress'>;
  readonly log: Pick<EventLog, 'head'>;
}

export const bulkTopics = (ports: Ports): TopicKind => {
  /** Told of each job that changed. */
  const feeds = new Set<(id: string) => void>();
  return {
    open: (name, principal) => {
      const id = idIn(name, 'bulk-jobs');
      if (id === undefined && name !== 'bulk-jobs') return undefined;
      if (!principal.permissions.has(permission)) throw notPermitted(permission);
      return opened(ports, feeds, principal, id);
    },
    onChange: (listener) =>
      ports.bulk.onProgress((jobs) => {
        for (const { id } of jobs) for (const tell of feeds) tell(id);
        listener();
      }),
  };
};

const opened = (
  ports: Ports,
  feeds: Set<(id: string) => void>,
  principal: Principal,
  id?: string,
): Opened => ({
  // Whoever reaches some rows only sees the jobs of their own.
  view: isEveryRow(principal.permissions.rows(permission)) ? '' : principal.id,
  feed: () => {
    const changed = new Set<string>();
    const tell = (jobId: string) => {
      if (id === undefined || jobId === id) changed.add(jobId);
    };
    feeds.add(tell);
    const feed =
      id === undefined ? listFeed(ports, { principal }, changed) : jobFeed(ports, { principal }, id, changed);
    return { ...feed, close: () => void feeds.delete(tell) };
  },
});

/** The head first: the data is then at least as new. */
const after = async (ports: Ports, read: () => Promise<unknown>): Promise<Reading> => {
  const { position } = await ports.log.head();
  return { seq: position, data: await read() };
};

const listFeed = (ports: Ports, origin: Origin, changed: Set<string>): Feed => ({
  snapshot: () =>
    after(ports, async () => (await ports.bulk.jobs.list({ ...origin, limit: newestMax })).data),
  changes: async () => {
    const ids = [...changed];
    changed.clear();
    if (ids.length === 0) return undefined;
    const reading = await after(ports, () => jobsOf(ports, origin, ids));
    return (reading.data as readonly BulkJob[]).length === 0 ? undefined : reading;
  },
});

/** Those that are there for whoever listens. */
const jobsOf = async (ports: Ports, origin: Origin, ids: readonly string[]): Promise<readonly BulkJob[]> =>
  (await Promise.all(ids.map((id) => ports.bulk.jobs.get({ ...origin, id }).catch(unlessThere)))).flatMap(
    (job) => job ?? [],
  );

const unlessThere = (error: unknown): undefined => {
  if (!isQuarterdeckError(error) || error.code !== 'not_found') throw error;
};

const jobFeed = (ports: Ports, origin: Origin, id: string, changed: Set<string>): Feed => {
  const read = () => after(ports, () => ports.bulk.jobs.get({ ...origin, id }));
  return {
    snapshot: read,
    changes: async () => {
      if (changed.size === 0) return undefined;
      changed.clear();
      return read();
    },
  };
};
