/** The engine with the reference domain over one database, as many processes as a test wants, and a mirror. */

import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { type Principal, permissions } from '../../src/access/principal.ts';
import { systemSources } from '../../src/clock.ts';
import { createPool } from '../../src/db/pool.ts';
import { areas } from '../../src/domain/index.ts';
import { createEngine } from '../../src/engine.ts';
import type { EngineOptions } from '../../src/engine-options.ts';
import { openStorage } from '../../src/storage/open.ts';
import type { TestDatabase } from '../setup/database.ts';

/** Just signed in, and may do everything. */
export const carla = (grants: readonly string[] = ['*']): Principal => ({
  id: 'person:carla',
  kind: 'person',
  email: 'carla@compliance.example',
  name: 'Carla Compliance',
  roles: [],
  permissions: permissions(grants),
  tool: 'console',
  authenticatedAt: Date.now(),
});

export const plaintexts = ['Zoe Quibble', 'zoe.quibble@victim.example', 'Zoe called about her cat Xerxes'];

export const openProcess = async (db: TestDatabase, more: Partial<EngineOptions> = {}) => {
  const pool = createPool({ url: db.applicationUrl, onError: () => undefined });
  const errors: string[] = [];
  const lines: string[] = [];
  const engine = await createEngine({
    ...systemSources,
    areas,
    pool,
    directUrl: db.applicationUrl,
    masterKey: Buffer.alloc(32, 5),
    signingKey: Buffer.alloc(32, 6),
    exportsStorage: await openStorage(join(tmpdir(), 'quarterdeck-exports')),
    publicUrl: 'https://quarterdeck.example',
    allowedNetworks: ['127.0.0.1/32'],
    trustedProxies: [],
    redisUrls: [],
    onError: (error, doing) => void errors.push(`${doing}: ${String(error)}`),
    say: (line) => void lines.push(line),
    ...more,
  }).catch(async (error: unknown) => {
    await pool.end();
    throw error;
  });
  const run = async (name: string, input: object, principal = carla()) => {
    const answer = await engine.commands.execute({ name, input, principal, reason: 'Asked for in writing.' });
    if (answer.kind !== 'done') throw new Error('a dry run was not asked for');
    return answer.done;
  };
  return {
    engine,
    pool,
    errors,
    lines,
    run,
    erase: (subject: string) => run('erase-subject', { subject, basis: 'gdpr-art-17-1-a' }),
    /** Of a new engine the projection may still be built. */
    row: async (projection: string, key: string, parameters: Record<string, string> = {}) => {
      const asked = { projection, key, principal: carla(), query: new URLSearchParams(parameters) };
      const found: Record<string, unknown>[] = [];
      await until(async () => {
        try {
          found.push((await engine.readSide.queries.get(asked)).data as Record<string, unknown>);
          return true;
        } catch (error) {
          if ((error as { code?: string }).code === 'unavailable') return false;
          throw error;
        }
      });
      return found[0] as Record<string, unknown>;
    },
    close: async () => {
      await engine.stop();
      await pool.end();
    },
  };
};

export type Process = Awaited<ReturnType<typeof openProcess>>;

/** An account with a name, an address and a note, all of them of the subject `account-zoe`; and one beside it. */
export const fill = async ({ run }: Process): Promise<void> => {
  const [name = '', ownerEmail = '', text = ''] = plaintexts;
  const account = {
    plan: 'DSL',
    contract: 'one-year',
    tenureMonths: 3,
    monthlyCharges: '29.85',
    totalCharges: '89.55',
  };
  await run('open-account', { ...account, accountId: 'zoe', name, ownerEmail });
  await run('open-account', { ...account, accountId: 'bob', name: 'Bob Bystander' });
  await run('add-note', { noteId: 'n1', accountId: 'zoe', text });
};

export const until = async (holds: () => Promise<boolean>): Promise<void> => {
  while (!(await holds())) await sleep(20);
};

export const scrubbed = ({ pool }: Process, subject: string): Promise<void> =>
  until(async () => {
    const { rows } = await pool.query('SELECT scrubbed_at FROM erasures WHERE subject = $1', [subject]);
    return (rows[0] as { scrubbed_at: string | null } | undefined)?.scrubbed_at != null;
  });

export const stateOf = ({ row }: Process, subject: string) =>
  row('erasures', subject).then(
    ({ state }) => state,
    () => undefined,
  );

/** Every table of the database as text, by name. */
export const everyTable = async (
  db: Pick<TestDatabase, 'superuserUrl'>,
): Promise<ReadonlyMap<string, string>> => {
  // The application owns the read models, the owner everything else: whoever looks at all of it is neither.
  const client = new pg.Client(db.superuserUrl);
  await client.connect();
  try {
    const { rows: tables } = await client.query<{ name: string }>(
      `SELECT oid::regclass::text AS name FROM pg_class
       WHERE relkind = 'r' AND relnamespace::regnamespace::text IN ('public', 'read_models', 'bullmq')`,
    );
    const found = new Map<string, string>();
    for (const { name } of tables) {
      const { rows } = await client.query<{ text: string | null }>(
        `SELECT string_agg(t::text, E'\\n') AS text FROM ${name} t`,
      );
      found.set(name, rows[0]?.text ?? '');
    }
    return found;
  } finally {
    await client.end();
  }
};

export const directory = async () => {
  const path = await mkdtemp(join(tmpdir(), 'quarterdeck-erasure-'));
  return {
    path,
    texts: async () => {
      const names = await readdir(path, { recursive: true, withFileTypes: true });
      return Promise.all(
        names.filter((one) => one.isFile()).map((one) => readFile(join(one.parentPath, one.name), 'utf8')),
      );
    },
    remove: () => rm(path, { recursive: true, force: true }),
  };
};
