/**
 * Brings a database to the schema that this code expects. Run by any number of processes at once: one
 * works, the others wait for it and find nothing left to do. Each migration commits on its own together
 * with its line in `schema_migrations`, so a failed one leaves the database at the one before it. A file
 * that was changed after it was applied, and a database that knows migrations which this code does not,
 * stop the start. Afterwards the application's role is granted what it needs and nothing more.
 */
import pg from 'pg';
import { QuarterdeckError } from '../errors.ts';
import { grantsSql, type MigrationFile, migrationFiles, migrationsFolder } from './migration-files.ts';
import { connectionConfig, type Queryable } from './pool.ts';

export interface MigrateOptions {
  readonly ownerUrl: string;
  /** The role that the application signs in as; nothing is granted when it is the owner itself. */
  readonly applicationRole: string;
  readonly log: (line: string) => void;
  /** Queues live in this database: BullMQ's tables are migrated too, in the schema `bullmq`. */
  readonly queues?: boolean;
  readonly folder?: string;
}

interface AppliedMigration {
  readonly version: number;
  readonly name: string;
  readonly sha256: string;
}

/** The schema that BullMQ's tables live in, where queues live on PostgreSQL. */
export const queueSchema = 'bullmq';

/** Any number that nobody else takes; it spells QDMG. */
const migrationLock = 0x51_44_4d_47;

const createLedger = `
  CREATE TABLE IF NOT EXISTS schema_migrations (
    version    integer PRIMARY KEY,
    name       text NOT NULL,
    sha256     text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
  )`;

/** Asked first, because IF NOT EXISTS wants the right to create even where there is nothing to create. */
const createReadModels = `
  DO $$ BEGIN
    IF to_regnamespace('read_models') IS NULL THEN CREATE SCHEMA read_models; END IF;
  END $$`;

const refused = (message: string): QuarterdeckError => new QuarterdeckError('unavailable', message);

async function applied(db: Queryable): Promise<AppliedMigration[]> {
  const { rows } = await db.query<AppliedMigration>(
    'SELECT version, name, sha256 FROM schema_migrations ORDER BY version',
  );
  return rows;
}

/** The files that are not applied yet; throws where the database and the files contradict each other. */
function pending(files: readonly MigrationFile[], done: readonly AppliedMigration[]): MigrationFile[] {
  const known = new Map(files.map((file) => [file.version, file]));
  for (const migration of done) {
    const file = known.get(migration.version);
    if (file === undefined) {
      throw refused(
        `The database is newer than this version of Quarterdeck: it has the migration ${migration.name}. Start the newer version.`,
      );
    }
    if (file.sha256 !== migration.sha256) {
      throw refused(
        `The migration ${file.name} was changed after it had been applied. Restore the file and put the change into a new migration.`,
      );
    }
  }
  const last = done.at(-1)?.version ?? 0;
  const late = files.find((file) => file.version < last && !done.some((row) => row.version === file.version));
  if (late !== undefined) {
    throw refused(
      `The migration ${late.name} comes before one that is applied already. Give it a new number.`,
    );
  }
  return files.filter((file) => file.version > last);
}

async function inOne(client: pg.Client, work: () => Promise<void>): Promise<void> {
  await client.query('BEGIN');
  try {
    await work();
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

const apply = (client: pg.Client, file: MigrationFile): Promise<void> =>
  inOne(client, async () => {
    try {
      await client.query(file.sql);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(`The migration ${file.name} failed: ${reason}`, { cause: error });
    }
    await client.query('INSERT INTO schema_migrations (version, name, sha256) VALUES ($1, $2, $3)', [
      file.version,
      file.name,
      file.sha256,
    ]);
  });

async function migrateQueues(client: pg.Client): Promise<void> {
  const { runMigrations } = await import('bullmq');
  await runMigrations(client, queueSchema);
}

async function grant(client: pg.Client, role: string, folder: string): Promise<void> {
  const { rows } = await client.query<{ owner: string; found: boolean }>(
    'SELECT current_user AS owner, EXISTS (SELECT FROM pg_roles WHERE rolname = $1) AS found',
    [role],
  );
  if (rows[0]?.found !== true) {
    throw refused(`The application's role ${role} does not exist in the database. Create it first.`);
  }
  if (rows[0].owner === role) return;
  await inOne(client, async () => {
    await client.query(`SELECT set_config('quarterdeck.application_role', $1, true)`, [role]);
    await client.query(await grantsSql(folder));
  });
}

export async function migrate(options: MigrateOptions): Promise<void> {
  const { ownerUrl, applicationRole, log, queues = false, folder = migrationsFolder } = options;
  const files = await migrationFiles(folder);
  const client = new pg.Client(connectionConfig(ownerUrl, 'quarterdeck-migrate'));
  client.on('error', () => undefined);
  await client.connect();
  try {
    await client.query('SELECT pg_advisory_lock($1)', [migrationLock]);
    await client.query('SET client_min_messages = warning');
    await client.query(createLedger);
    await client.query(createReadModels);
    for (const file of pending(files, await applied(client))) {
      log(`Applying the migration ${file.name}`);
      await apply(client, file);
    }
    if (queues) await migrateQueues(client);
    await grant(client, applicationRole, folder);
  } finally {
    // Ending the session gives the lock up.
    await client.end().catch(() => undefined);
  }
}

/** Names of the migrations that this code needs and the database lacks; throws where they contradict. */
export async function pendingMigrations(db: Queryable, folder = migrationsFolder): Promise<string[]> {
  const files = await migrationFiles(folder);
  const { rows } = await db.query<{ found: boolean }>(
    `SELECT to_regclass('public.schema_migrations') IS NOT NULL AS found`,
  );
  const done = rows[0]?.found === true ? await applied(db) : [];
  return pending(files, done).map((file) => file.name);
}

/** Whether the current role owns the table `events`, or may become its owner: then nothing is append-only. */
export async function ownsEvents(db: Queryable): Promise<boolean> {
  const { rows } = await db.query<{ owns: boolean }>(
    `SELECT pg_has_role(current_user, relowner, 'MEMBER') AS owns
       FROM pg_class WHERE oid = to_regclass('public.events')`,
  );
  return rows[0]?.owns ?? false;
}
