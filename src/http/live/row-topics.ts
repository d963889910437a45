/**
 * Topics `<projection>/<key>`: one row of any projection, as whoever listens may read it. Fields whose
 * reads are recorded are left out: a row that is watched would be a read at every change.
 */
import type { Principal } from '../../access/principal.ts';
import { isQuarterdeckError, notPermitted } from '../../errors.ts';
import type { EventLog } from '../../events/log.ts';
import type { ProjectionDefinition } from '../../queries/definition.ts';
import type { Queries } from '../../queries/request.ts';
import { isShownUnasked } from '../../queries/selection.ts';
import { type Feed, idIn, type Opened, type Reading, type TopicKind } from './topic.ts';

interface Ports {
  readonly queries: Pick<Queries, 'get'>;
  readonly log: Pick<EventLog, 'head'>;
  readonly onProjected: (listener: () => void) => () => void;
}

export const rowTopics = (ports: Ports, definitions: readonly ProjectionDefinition[]): TopicKind => ({
  open: (name, principal) => {
    for (const definition of definitions) {
      const key = idIn(name, definition.name);
      if (key !== undefined) return opened(ports, definition, key, principal);
    }
    return undefined;
  },
  onChange: ports.onProjected,
});

const opened = (
  ports: Ports,
  definition: ProjectionDefinition,
  key: string,
  principal: Principal,
): Opened => {
  if (!principal.permissions.has(definition.permission)) throw notPermitted(definition.permission);
  const { permission } = definition;
  const readable = Object.keys(definition.schema.shape).filter((name) => {
    const notes = definition.fields[name] ?? {};
    return notes.recordReads !== true && isShownUnasked(principal, permission, notes);
  });
  const fields = readable.join(',');
  return {
    view: JSON.stringify([fields, principal.permissions.rows(permission)]),
    feed: () => rowFeed(ports, { projection: definition.name, key, principal, fields }),
  };
};

interface Watched {
  readonly projection: string;
  readonly key: string;
  readonly principal: Principal;
  readonly fields: string;
}

const rowFeed = ({ queries, log }: Ports, { fields, ...watched }: Watched): Feed => {
  let last: string | undefined;
  const read = async (): Promise<Reading> => {
    const { data, position } = await queries.get({ ...watched, query: new URLSearchParams({ fields }) });
    return { seq: position, data };
  };
  return {
    snapshot: read,
    changes: async () => {
      const { position } = await log.head();
      const reading = await read().catch((error: unknown) => gone(error, position));
      const text = JSON.stringify(reading.data);
      if (text === last) return undefined;
      last = text;
      return reading;
    },
  };
};

/** A row that is gone, or out of reach by now, is an update too. */
const gone = (error: unknown, position: number): Reading => {
  if (isQuarterdeckError(error) && error.code === 'not_found') return { seq: position, data: null };
  throw error;
};
