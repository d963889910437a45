import type { TestDatabase } from '../../setup/database.ts';

/** Partitions that are filled in a moment, in the place of the empty ones that were made for millions. */
export const smallPartitions = async ({ owner }: TestDatabase, size: number): Promise<void> => {
  const { rows } = await owner.query<{ name: string }>(
    `SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'events'::regclass`,
  );
  for (const { name } of rows) await owner.query(`DROP TABLE ${name}`);
  await owner.query(
    `CREATE OR REPLACE FUNCTION event_partition_size() RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT ${size}::bigint'`,
  );
  await owner.query('SELECT ensure_event_partitions(20)');
};
