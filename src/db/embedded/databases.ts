/**
 * The two roles and the database inside the embedded server, made where missing. The owner migrates; the
 * application's role owns nothing of the log.
 */
import pg from 'pg';
import type { Passwords } from './passwords.ts';

export const roles = { owner: 'quarterdeck_owner', application: 'quarterdeck' } as const;
export const databaseName = 'quarterdeck';

export const urlFor = (user: string, password: string, port: number, database: string): string =>
  `postgresql://${user}:${encodeURIComponent(password)}@127.0.0.1:${port}/${database}`;

async function ensureRole(client: pg.Client, role: string, password: string): Promise<void> {
  const { rowCount } = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [role]);
  const verb = rowCount === 0 ? 'CREATE' : 'ALTER';
  await client.query(`${verb} ROLE ${role} LOGIN PASSWORD ${pg.escapeLiteral(password)}`);
}

export async function ensureDatabase(port: number, passwords: Passwords): Promise<void> {
  const client = new pg.Client(urlFor('postgres', passwords.superuser, port, 'postgres'));
  await client.connect();
  try {
    await ensureRole(client, roles.owner, passwords.owner);
    await ensureRole(client, roles.application, passwords.application);
    const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [databaseName]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${databaseName} OWNER ${roles.owner}`);
  } finally {
    await client.end();
  }
}
