/** The product's own database: accounts as it knows them, what it applied of ours, and what it did by itself. */
import pg from 'pg';

export const productDatabase = 'product';

const schema = `
  CREATE TABLE IF NOT EXISTS accounts (
    id     text COLLATE "C" PRIMARY KEY,
    status text NOT NULL CHECK (status IN ('active', 'suspended', 'closed')),
    plan   text NOT NULL
  );
  -- Ids of events that were applied: a second delivery of one changes nothing.
  CREATE TABLE IF NOT EXISTS applied (event_id uuid PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now());
  -- What the product did by itself, in the transaction in which it did it; reported in this order.
  CREATE TABLE IF NOT EXISTS outbox (
    number      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id          uuid  NOT NULL DEFAULT gen_random_uuid(),
    command     text  NOT NULL,
    input       json  NOT NULL,
    reported_at timestamptz,
    -- Why it could not be taken.
    refusal     text
  );
  -- What arrived by webhook.
  CREATE TABLE IF NOT EXISTS heard (event_id uuid PRIMARY KEY, type text NOT NULL, subject text NOT NULL);`;

const inDatabase = (url: string, name: string): string => {
  const changed = new URL(url);
  changed.pathname = name;
  return changed.href;
};

/** On the same server as Quarterdeck's, and nothing of it. */
export const openProductDatabase = async (superuserUrl: string, name = productDatabase): Promise<pg.Pool> => {
  const client = new pg.Client(superuserUrl);
  await client.connect();
  try {
    const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [name]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${pg.escapeIdentifier(name)}`);
  } finally {
    await client.end();
  }
  const pool = new pg.Pool({ connectionString: inDatabase(superuserUrl, name), max: 8 });
  pool.on('error', () => undefined);
  await pool.query(schema);
  return pool;
};
