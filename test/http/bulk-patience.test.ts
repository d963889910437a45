/** Items are frozen while the caller waits, and of a large job that takes longer than a connection may lie idle. */
import pg from 'pg';
import { bulkRoutes } from '../../src/http/bulk.ts';
import { type TestDatabase, testDatabase } from '../setup/database.ts';
import { until } from '../setup/until.ts';
import { type House, ids, openHouse } from '../workers/house.ts';
import { route, type Served, serve, somebody } from './serving.ts';

let db: TestDatabase;
let house: House;
let served: Served;

beforeAll(async () => {
  db = await testDatabase();
  house = await openHouse({ db });
  house.people.set(somebody.id, somebody);
  await house.bulk.start();
  const never = route('get', '/internal/v1/never', () => new Promise(() => undefined));
  served = await serve({ routes: [...bulkRoutes(house.bulk), never] });
  served.server.timeout = 200;
});
afterAll(async () => {
  await served.close(100);
  await house.close();
  await db.drop();
});

/** Keeps every new job out of the table until connections that lie idle have been cut. */
const frozenSlowly = async (ask: () => Promise<Response>): Promise<Response> => {
  const holding = new pg.Client(db.superuserUrl);
  await holding.connect();
  await holding.query('BEGIN; LOCK TABLE bulk_jobs IN EXCLUSIVE MODE');
  const answer = ask();
  answer.catch(() => undefined);
  await until(async () => {
    const { rows } = await holding.query(
      'SELECT 1 FROM pg_locks WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())',
    );
    return rows.length > 0;
  });
  await expect(fetch(`${served.base}/internal/v1/never`)).rejects.toThrow('fetch failed');
  await holding.end();
  return answer;
};

const post = (path: string, body: unknown): Promise<Response> =>
  fetch(`${served.base}/internal/v1/bulk-jobs${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

test('a job, its undo and its retry are answered however long their items take', async () => {
  const crates = ids('patient', 3);
  await house.stock(crates);
  const body = { command: 'move-crate', input: { to: 'broken' }, targets: crates };
  const failed = await frozenSlowly(() => post('', body));
  expect(failed.status).toBe(202);
  const { id } = (await failed.json()) as { id: string };
  expect(await house.ended(id)).toMatchObject({ failed: 3 });
  expect((await frozenSlowly(() => post(`/${id}/retry-failed`, {}))).status).toBe(202);

  const moved = await house.start({ ...body, input: { to: 'hall' } });
  await house.ended(moved.id);
  expect((await frozenSlowly(() => post(`/${moved.id}/undo`, {}))).status).toBe(202);
});
