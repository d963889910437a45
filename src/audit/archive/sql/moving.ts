/**
 * Taking a partition of the log out of the database, as the owner of its tables. Names of tables and bounds cannot
 * be parameters of such statements; they are made of whole numbers here, and of nothing else.
 */
import type { Range } from '../../provable/exporting.ts';

/** What is moved, and the names that go with it. */
export interface Partition extends Range {
  /** Positions from `first` up to and without `end`. */
  readonly first: number;
  readonly end: number;
  readonly name: string;
}

export const partitionOf = (range: Range, size: number): Partition => {
  const n = Math.floor(range.upTo / size);
  return { ...range, first: n * size, end: (n + 1) * size, name: `events_p${String(n).padStart(6, '0')}` };
};

/** Nobody but the owner looks into it. */
export const detachedSchema = 'quarterdeck_detached';

export const makeDetachedSchema = `CREATE SCHEMA IF NOT EXISTS ${detachedSchema}`;

/** $1 first position of a partition. */
export const selectMoved = {
  text: 'SELECT EXISTS (SELECT FROM moved_partitions WHERE first_position = $1) AS moved',
} as const;

/** $1 name of the partition. Whether what was detached is still there. */
export const selectDetached = {
  text: `SELECT to_regclass('${detachedSchema}.' || $1) IS NOT NULL AS kept`,
} as const;

/** $1 position: partitions that were moved and end there or before, the oldest first. */
export const selectMovedUpTo = {
  text: `SELECT greatest(first_position - 1, 0) AS after, end_position - 1 AS "upTo" FROM moved_partitions
    WHERE end_position - 1 <= $1 ORDER BY first_position`,
} as const;

const rest = ({ name }: Partition): string => `public.${name}_rest`;

/** What stays in its place, empty at first. */
export const makeRest = (one: Partition): readonly string[] => [
  'SET LOCAL statement_timeout = 0',
  `DROP TABLE IF EXISTS ${rest(one)}`,
  `CREATE TABLE ${rest(one)} (LIKE public.events INCLUDING ALL)`,
  `ALTER TABLE ${rest(one)} ADD CONSTRAINT bounds CHECK (position >= ${one.first} AND position < ${one.end})`,
];

/**
 * Everything but data, and of metadata the ids of command and bulk job alone, by which events are found; save of
 * streams that processes read when they start. $1 such streams, $2 beginnings of their names.
 */
export const fillRest = (one: Partition): string => `
  INSERT INTO ${rest(one)}
    SELECT position, id, stream, version, type, schema_version, CASE WHEN kept THEN data ELSE 'null' END,
      CASE WHEN kept THEN metadata ELSE json_strip_nulls(json_build_object(
        'bulkJobId', metadata -> 'bulkJobId', 'commandId', metadata -> 'commandId')) END, recorded_at
    FROM public.${one.name}, LATERAL (SELECT stream = ANY ($1::text[]) OR EXISTS (
      SELECT FROM unnest($2::text[]) AS b (beginning) WHERE starts_with(stream, b.beginning)) AS kept) k
    ORDER BY position`;

/**
 * Whoever began to look before these rows were written would find none of them in the place of those they replace:
 * they are put in place when everybody sees them.
 */
export const settleRest = (one: Partition): string => `VACUUM (FREEZE, ANALYZE) ${rest(one)}`;

export const isSettled = (one: Partition): string =>
  `SELECT relallvisible >= relpages AS settled FROM pg_class WHERE oid = '${rest(one)}'::regclass`;

/**
 * Readers and writers wait for the moment that this takes, and behind it while it waits for those before it: so it
 * waits for next to nothing, and is tried again.
 */
export const swap = (one: Partition): readonly string[] => [
  'SET LOCAL lock_timeout = 50',
  'SELECT pg_advisory_xact_lock(7400, 2)',
  'LOCK TABLE public.events IN ACCESS EXCLUSIVE MODE',
  `ALTER TABLE public.events DETACH PARTITION public.${one.name}`,
  `ALTER TABLE public.${one.name} SET SCHEMA ${detachedSchema}`,
  `ALTER TABLE ${rest(one)} RENAME TO ${one.name}`,
  ...attach(one),
  `INSERT INTO public.moved_partitions VALUES (${one.first}, ${one.end})`,
  `CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON public.${one.name}
     FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change_of_events()`,
];

/** The constraint spares a look at every row. */
const attach = ({ name, first, end }: Partition): readonly string[] => [
  `ALTER TABLE public.events ATTACH PARTITION public.${name} FOR VALUES FROM (${first}) TO (${end})`,
  `ALTER TABLE public.${name} DROP CONSTRAINT bounds`,
];

/** Before the way back: looked at here, so that nobody waits for it. */
export const boundDetached = ({ name, first, end }: Partition): readonly string[] => [
  `ALTER TABLE ${detachedSchema}.${name} DROP CONSTRAINT IF EXISTS bounds`,
  `ALTER TABLE ${detachedSchema}.${name} ADD CONSTRAINT bounds CHECK (position >= ${first} AND position < ${end})`,
];

/** The way back, while what was detached is kept. */
export const swapBack = (one: Partition): readonly string[] => [
  'SET LOCAL lock_timeout = 50',
  'SELECT pg_advisory_xact_lock(7400, 2)',
  'LOCK TABLE public.events IN ACCESS EXCLUSIVE MODE',
  `ALTER TABLE public.events DETACH PARTITION public.${one.name}`,
  `DROP TABLE public.${one.name}`,
  `ALTER TABLE ${detachedSchema}.${one.name} SET SCHEMA public`,
  ...attach(one),
  `DELETE FROM public.moved_partitions WHERE first_position = ${one.first}`,
];

export const dropDetached = ({ name }: Partition): string => `DROP TABLE IF EXISTS ${detachedSchema}.${name}`;

/** Behind every stream there is. */
export const lastOfAll = '\u{10ffff}';

/**
 * $1 before this stream, $2 at most so many: streams with events there, and their last version. Backwards, as the
 * index on (stream, version) has it: a page costs what it holds.
 */
export const selectStreams = ({ name }: Partition): string => `
  SELECT DISTINCT ON (stream) stream, version FROM public.${name} WHERE stream < $1
  ORDER BY stream DESC, version DESC LIMIT $2`;

/** $1 streams, $2 foldings, $3 state versions, $4 versions: those among them without a snapshot that reaches so far. */
export const selectUncovered = {
  text: `SELECT nth::int AS nth FROM unnest($1::text[], $2::text[], $3::int[], $4::int[]) WITH ORDINALITY
      AS w (stream, folding, state_version, version, nth)
    WHERE NOT EXISTS (SELECT FROM stream_snapshots s WHERE s.stream = w.stream AND s.folding = w.folding
      AND s.state_version = w.state_version AND s.version >= w.version)`,
} as const;
