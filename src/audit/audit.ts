/** The log as an audit log: who may look, and that whoever took a copy or a replay is recorded. */
import { metadataOf, type Origin } from '../access/origin.ts';
import type { Db } from '../db/pool.ts';
import { notPermitted } from '../errors.ts';
import type { NewEvent } from '../events/definition.ts';
import type { Timestamp } from '../events/envelope.ts';
import type { EventLog } from '../events/log.ts';
import { auditStream, EventsExported, StreamReplayed } from './engine-events.ts';
import { allFields, createFields, type NotesOf } from './fields.ts';
import type { KnownValues } from './known.ts';
import { type Batches, createBatches } from './reading.ts';
import type { LogReads } from './reads.ts';
import { createReplay, type Replayable } from './replay.ts';
import type { Audit, EventFilter } from './request.ts';
import { createSearch } from './search.ts';
import { createShown, type RefsOf, type StreamsReached } from './shown.ts';

export type { Audit } from './request.ts';

interface Options {
  readonly pool: Db;
  readonly log: EventLog;
  readonly streams: readonly Replayable[];
  /** All event types there are. */
  readonly types: readonly string[];
  /** Refuses what no event could have. */
  readonly known: KnownValues;
  readonly clock: () => Timestamp;
  readonly newId: () => string;
  /** Which streams' rows somebody reaches, and which streams an event is about. */
  readonly streamsReached: StreamsReached;
  readonly refsOf: RefsOf;
  readonly notesOf: NotesOf;
  readonly logReads: Pick<LogReads, 'soon'>;
  /** Answers what neither the log's order nor one stream's does. */
  readonly indexed: Batches;
}

export const createAudit = (options: Options): Audit => {
  const { pool, log, streams, clock, newId, streamsReached, refsOf, notesOf, logReads, indexed, known } =
    options;
  const batches = createBatches(pool, log, indexed);
  const fields = createFields({ streamsReached, refsOf, notesOf, everything: allFields });
  const shown = createShown(streamsReached, refsOf);
  const { search, exportEvents } = createSearch({
    log,
    batches,
    shown,
    streamsReached,
    fields,
    known,
    clock,
  });
  const replay = createReplay({ log, batches, streams, clock, streamsReached, notesOf, fields });

  const record = async (origin: Origin, event: NewEvent): Promise<number> =>
    (await log.record(auditStream, [event], metadataOf(origin, { clock, newId }))).position;

  return {
    async search(request) {
      const { found, ...page } = await search(request, permitted(request, 'audit:read'));
      logReads.soon(request, 'search', found);
      return { ...page, data: found.map(({ event }) => event) };
    },
    async exportEvents(request) {
      const rows = permitted(request, 'audit:export');
      const { format, principal } = request;
      const filter = told(request.filter);
      const types = filter.type === undefined ? options.types : [filter.type];
      const personal = types.some((type) => fields.somePersonal(type, principal));
      return exportEvents(request, rows, (range) =>
        record(request, EventsExported.of({ format, filter, ...range, ...shownPersonal(personal) })),
      );
    },
    async replay(request) {
      const rows = permitted(request, 'audit:replay');
      const { upTo, personal, ...replayed } = await replay(request, rows);
      await record(request, StreamReplayed.of({ stream: request.stream, upTo, ...shownPersonal(personal) }));
      return replayed;
    },
  };
};

/** The rows whose events may be shown. */
const permitted = ({ principal }: Origin, permission: string) => {
  if (!principal.permissions.has(permission)) throw notPermitted(permission);
  return principal.permissions.rows(permission);
};

const shownPersonal = (personal: boolean) => (personal ? { personal } : {});

/** As it is kept for ever: what was searched for in reasons may name people. */
const told = ({ reason, ...filter }: EventFilter): Record<string, string> =>
  Object.fromEntries(
    Object.entries({ ...filter, ...(reason === undefined ? {} : { reason: '[not kept]' }) }).filter(
      ([, value]) => value !== undefined,
    ),
  );
