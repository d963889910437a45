/** The engine with the reference domain over a database, and files of exports in a place of the test's. */
import { systemPrincipal } from '../../src/access/principal.ts';
import { systemSources } from '../../src/clock.ts';
import { createPool, type Db } from '../../src/db/pool.ts';
import { areas } from '../../src/domain/index.ts';
import { createEngine, type Engine } from '../../src/engine.ts';
import type { Duties, EngineOptions } from '../../src/engine-options.ts';
import { openStorage } from '../../src/storage/open.ts';
import type { Storage } from '../../src/storage/storage.ts';
import type { Export } from '../../src/workers/exports/request.ts';
import { until } from '../setup/until.ts';

export const origin = { principal: systemPrincipal };

export interface Desk {
  readonly engine: Engine;
  readonly storage: Storage;
  readonly pool: Db;
  readonly errors: readonly string[];
  start(body: object): Promise<Export>;
  until(id: string, holds: (one: Export) => boolean): Promise<Export>;
  ended(id: string): Promise<Export>;
  textOf(id: string): Promise<string>;
  stop(): Promise<void>;
}

interface DeskOptions {
  readonly url: string;
  readonly location: string;
  readonly duties: Duties;
  readonly more?: Partial<EngineOptions>;
}

export const openDesk = async ({ url, location, duties, more = {} }: DeskOptions): Promise<Desk> => {
  const pool = createPool({ url, onError: () => undefined });
  const errors: string[] = [];
  const storage = await openStorage(location);
  const engine = await createEngine({
    ...systemSources,
    areas,
    pool,
    directUrl: url,
    masterKey: Buffer.alloc(32, 5),
    signingKey: Buffer.alloc(32, 6),
    publicUrl: 'http://127.0.0.1',
    allowedNetworks: ['127.0.0.0/8'],
    trustedProxies: [],
    redisUrls: [],
    onError: (error, doing) => void errors.push(`${doing}: ${String(error)}`),
    say: () => undefined,
    exportsStorage: storage,
    ...more,
  });
  await engine.start(duties);
  const { exports } = engine;
  const watch: Desk['until'] = async (id, holds) => {
    let seen = await exports.get({ ...origin, id });
    await until(async () => {
      seen = await exports.get({ ...origin, id });
      return holds(seen);
    });
    return seen;
  };
  return {
    engine,
    storage,
    pool,
    errors,
    start: async (body) =>
      (await exports.accept({ ...origin, body: { query: 'accounts', format: 'ndjson', ...body } })).export,
    until: watch,
    ended: (id) => watch(id, ({ state }) => state !== 'accepted' && state !== 'running'),
    async textOf(id) {
      const file = await exports.file({ ...origin, id });
      const pieces: Buffer[] = [];
      for await (const piece of await file.open({ start: 0, end: file.bytes })) pieces.push(piece);
      return Buffer.concat(pieces).toString('utf8');
    },
    async stop() {
      await engine.stop();
      await pool.end();
    },
  };
};

/** Straight into the read model: opening so many accounts one by one is not what these tests are about. */
export const fillAccounts = async (pool: Db, count: number): Promise<void> => {
  await until(
    async () =>
      (await pool.query(`SELECT FROM projections WHERE name = 'accounts' AND state = 'live'`)).rowCount === 1,
  );
  const { rows } = await pool.query<{ name: string }>(
    `SELECT table_name AS name FROM projections WHERE name = 'accounts' AND state = 'live'`,
  );
  await pool.query(`INSERT INTO read_models."${rows[0]?.name}"
      ("accountId", status, plan, contract, "tenureMonths", "monthlyCharges", "totalCharges", currency, "openedAt",
        "changedAt", flags, cost, margin, name, _version, _position, _subject)
    SELECT 'many-' || lpad(n::text, 8, '0'), 'active', 'DSL', 'one-year', n % 72, 29.85, 358.20, 'USD',
      '2026-01-01T00:00:00.000000Z', '2026-01-01T00:00:00.000000Z', '{}', 0, 0, 'Name ' || n, 1, 1, 'account-' || n
    FROM generate_series(1, ${count}) AS n`);
};
