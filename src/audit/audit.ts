/** The log as an audit log: who may look, and that whoever took a copy or a replay is recorded. */
import { metadataOf, type Origin } from '../access/origin.ts';
import type { Db } from '../db/pool.ts';
import { notPermitted } from '../errors.ts';
import type { NewEvent } from '../events/definition.ts';
import type { Timestamp } from '../events/envelope.ts';
import type { EventLog } from '../events/log.ts';
import { auditStream, EventsExported, StreamReplayed } from './engine-events.ts';
import { createBatches } from './reading.ts';
import { createReplay, type Replayable } from './replay.ts';
import type { Audit, EventFilter } from './request.ts';
import { createSearch } from './search.ts';

export type { Audit } from './request.ts';

interface Options {
  readonly pool: Db;
  readonly log: EventLog;
  readonly streams: readonly Replayable[];
  readonly clock: () => Timestamp;
  readonly newId: () => string;
}

export const createAudit = ({ pool, log, streams, clock, newId }: Options): Audit => {
  const batches = createBatches(pool);
  const { search, exportEvents } = createSearch(log, batches);
  const replay = createReplay({ log, batches, streams, clock });

  const record = async (origin: Origin, event: NewEvent): Promise<number> =>
    (await log.record(auditStream, [event], metadataOf(origin, { clock, newId }))).position;

  return {
    async search(request) {
      permit(request, 'audit:read');
      return search(request);
    },
    async exportEvents(request) {
      permit(request, 'audit:export');
      const { format } = request;
      const filter = given(request.filter);
      return exportEvents(request, (range) =>
        record(request, EventsExported.of({ format, filter, ...range })),
      );
    },
    async replay(request) {
      permit(request, 'audit:replay');
      const { upTo, ...replayed } = await replay(request);
      await record(request, StreamReplayed.of({ stream: request.stream, upTo }));
      return replayed;
    },
  };
};

const permit = ({ principal }: Origin, permission: string): void => {
  if (!principal.permissions.has(permission)) throw notPermitted(permission);
};

const given = (filter: EventFilter): Record<string, string> =>
  Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined));
