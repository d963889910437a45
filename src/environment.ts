/**
 * Which environment a database belongs to. A restored copy elsewhere is told by the mismatch: whatever
 * reaches outside stays off there until somebody adopts it.
 */
import type { Db } from './db/pool.ts';
import { claimEnvironment } from './db/sql/environment.ts';

/** The name kept in the database; the first start writes it. */
export const environmentOf = async (pool: Db, name: string): Promise<string> => {
  const { rows } = await pool.query<{ name: string }>({ ...claimEnvironment, values: [name] });
  return rows[0]?.name ?? name;
};
