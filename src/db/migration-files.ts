/**
 * The SQL files of `migrations/` in the package's root: `NNNNNN_name.sql`, applied in order of their
 * number, and `grants.sql`, applied after each migration.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** Reached alike from `src/db/` and `dist/db/`. */
export const migrationsFolder = fileURLToPath(new URL('../../migrations/', import.meta.url));

export interface MigrationFile {
  readonly version: number;
  /** The file's name, extension included. */
  readonly name: string;
  readonly sql: string;
  readonly sha256: string;
}

const fileName = /^(\d{6})_[a-z0-9_]+\.sql$/;

/** Line ends do not count: a checkout on another system may have changed them. */
const fingerprint = (sql: string): string =>
  createHash('sha256').update(sql.replaceAll('\r\n', '\n')).digest('hex');

async function readMigration(folder: string, name: string): Promise<MigrationFile> {
  const sql = await readFile(path.join(folder, name), 'utf8');
  return { version: Number(name.slice(0, 6)), name, sql, sha256: fingerprint(sql) };
}

export async function migrationFiles(folder = migrationsFolder): Promise<MigrationFile[]> {
  const names = (await readdir(folder)).filter((name) => fileName.test(name)).sort();
  const files = await Promise.all(names.map((name) => readMigration(folder, name)));
  const twice = files.find((file, index) => file.version === files[index - 1]?.version);
  if (twice !== undefined) throw new Error(`Two migrations have the number of ${twice.name}.`);
  return files;
}

export const grantsSql = (folder = migrationsFolder): Promise<string> =>
  readFile(path.join(folder, 'grants.sql'), 'utf8');
