/** An export's life around its writing: limits, expiry, faults, what changes while it runs, on a bucket too. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Principal, permissions, systemPrincipal } from '../../src/access/principal.ts';
import { openStorage } from '../../src/storage/open.ts';
import { type TestDatabase, testDatabase } from '../setup/database.ts';
import { until } from '../setup/until.ts';
import { s3Server } from '../storage/places.ts';
import { type Desk, fillAccounts, openDesk, origin } from './desk.ts';

let db: TestDatabase;
let location: string;
let desk: Desk;
const both = { project: true, work: true };

beforeAll(async () => {
  db = await testDatabase();
  location = await mkdtemp(path.join(tmpdir(), 'quarterdeck-exports-'));
  desk = await openDesk({ url: db.applicationUrl, location, duties: both });
  await fillAccounts(desk.pool, 5_000);
});
afterAll(async () => {
  await desk.stop();
  await db.drop();
  await rm(location, { recursive: true, force: true });
});

const namesIn = async (): Promise<readonly string[]> => {
  const names: string[] = [];
  for await (const { name } of desk.storage.list('')) names.push(name);
  return names;
};

const overdue = (id: string) =>
  desk.pool.query(`UPDATE exports SET expires_at = now() - interval '1 second' WHERE id = $1`, [id]);

test('its time over, it is answered no more at once, and goes with its key', async () => {
  const { id } = await desk.ended((await desk.start({})).id);
  await overdue(id);
  await expect(desk.engine.exports.file({ ...origin, id })).rejects.toMatchObject({ code: 'export_expired' });
  expect(await desk.until(id, ({ state }) => state === 'expired')).toMatchObject({
    rows: 5_000,
    expiresAt: null,
  });
  await until(async () => (await namesIn()).every((name) => !name.startsWith(id)));
  const { events } = await desk.engine.log.read({ after: 0, limit: 1_000, types: ['ExportExpired'] });
  expect(events.map(({ data }) => data)).toContainEqual({ exportId: id, early: false });
});

test('rows are all of one moment, whatever happens while they are read', async () => {
  const open = (accountId: string) =>
    desk.engine.commands.execute({
      ...origin,
      name: 'open-account',
      input: {
        ...{ accountId, plan: 'DSL', contract: 'one-year', tenureMonths: 1 },
        ...{ monthlyCharges: '1.00', totalCharges: '1.00' },
      },
    });
  await open('before');
  const { id } = await desk.start({ fields: ['accountId'] });
  // Before and behind what is read at that moment.
  const during = Promise.all(Array.from({ length: 40 }, (_, n) => open(n % 2 === 0 ? `a-${n}` : `z-${n}`)));
  const made = await desk.ended(id);
  await during;
  const { position = 0 } = made as { position?: number };
  const { events } = await desk.engine.log.read({
    after: 0,
    upTo: position,
    limit: 1_000,
    types: ['AccountOpened'],
  });
  const opened = events.map(({ data }) => data.accountId);
  const ids = (await desk.textOf(id))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).accountId as string);
  expect(opened).toContain('before');
  expect(ids.filter((one) => !one.startsWith('many-')).sort()).toEqual([...opened].sort());
});

test('one caller has so many at a time; the sixth is told to wait', async () => {
  const idle = await openDesk({ url: db.applicationUrl, location, duties: { project: false, work: false } });
  await desk.stop();
  try {
    const ids: string[] = [];
    for (let n = 0; n < 5; n++) ids.push((await idle.start({})).id);
    await expect(idle.start({})).rejects.toMatchObject({ code: 'too_many_requests', retryAfterSeconds: 10 });
    await idle.engine.exports.cancel({ ...origin, id: ids[0] ?? '' });
    await idle.start({});
    await expect(idle.start({})).rejects.toMatchObject({ code: 'too_many_requests' });
    // One that was refused is not in the log either.
    const { events } = await idle.engine.log.read({ after: 0, limit: 1_000, types: ['ExportAccepted'] });
    const { data } = await idle.engine.exports.list({ ...origin });
    expect(events).toHaveLength(data.length);
  } finally {
    await idle.stop();
    desk = await openDesk({ url: db.applicationUrl, location, duties: both });
  }
  const { data } = await desk.engine.exports.list({ ...origin, states: ['accepted', 'running'] });
  for (const { id } of data) expect((await desk.ended(id)).state).toBe('completed');
});

test('a requester who may not any more gets a failed export, with the reason', async () => {
  const nobody: Principal = {
    id: 'person:gone',
    kind: 'person',
    roles: [],
    permissions: permissions(['*']),
    tool: 'console',
  };
  const { id } = await desk.engine.exports.accept({
    principal: nobody,
    body: { query: 'accounts', format: 'csv' },
  });
  expect(await desk.ended(id)).toMatchObject({
    state: 'failed',
    error: { code: 'requester_not_permitted' },
  });
  expect((await namesIn()).some((name) => name.startsWith(id))).toBe(false);
});

test('at download everything is permitted anew: rights that were lost meanwhile get nothing', async () => {
  const { id } = await desk.ended((await desk.start({ fields: ['accountId', 'name', 'margin'] })).id);
  const as = (grants: readonly string[]): Principal => ({
    ...systemPrincipal,
    permissions: permissions(grants),
  });
  const all = ['exports:run', 'exports:personal', 'accounts:read', 'accounts:read-internal'];
  await desk.engine.exports.file({ id, principal: as(all) });
  for (const lost of all)
    await expect(
      desk.engine.exports.file({ id, principal: as(all.filter((one) => one !== lost)) }),
    ).rejects.toMatchObject({ code: 'not_permitted', extra: { permission: lost } });
});

test('of somebody else nothing is shown that one may not read, and nothing is ended without exports:run', async () => {
  const { exports } = desk.engine;
  const where = { name: 'Name 17' };
  const { id } = await desk.ended((await desk.start({ fields: ['accountId'], where, label: 'Of 17' })).id);
  const as = (...grants: string[]): Principal => ({
    ...{ id: 'person:watcher', kind: 'person', roles: [], tool: 'console' },
    permissions: permissions(['exports:read-all', ...grants]),
  });
  const hidden = { label: null, where: { name: '[not shown]' }, sha256: null, salt: null };
  const whole = { label: 'Of 17', where, sha256: expect.any(String), salt: expect.any(String) };
  expect(await exports.get({ id, principal: as() })).toMatchObject({
    ...hidden,
    rows: 1,
    state: 'completed',
  });
  expect(await exports.get({ id, principal: as('accounts:read') })).toMatchObject(hidden);
  expect(await exports.get({ id, principal: as('accounts:read', 'exports:personal') })).toMatchObject(whole);
  expect(await exports.get({ ...origin, id })).toMatchObject(whole);
  const { data } = await exports.list({ principal: as() });
  expect(data.find((one) => one.id === id)).toMatchObject(hidden);
  for (const end of [exports.cancel, exports.remove])
    await expect(end({ id, principal: as() })).rejects.toMatchObject({ code: 'not_permitted' });
  expect((await exports.get({ ...origin, id })).state).toBe('completed');
  await exports.remove({ id, principal: as('exports:run') });
  const removed = await exports.get({ ...origin, id });
  expect(removed).toMatchObject({ state: 'expired', label: 'Of 17', sha256: null, salt: null });
});

test('whoever reaches fewer rows than were read gets nothing', async () => {
  const { id } = await desk.ended((await desk.start({ fields: ['accountId'] })).id);
  const whole = permissions(['*']);
  const rows = () => [[{ projection: 'accounts', anyOf: [{ region: 'EMEA' }] }]];
  const narrow: Principal = { ...systemPrincipal, permissions: { ...whole, rows } };
  await expect(desk.engine.exports.file({ id, principal: narrow })).rejects.toMatchObject({
    code: 'not_permitted',
  });
});

test('a place that is away is tried again, and the export fails in the end with a word', async () => {
  const faults: string[] = [];
  const broken = {
    ...(await openStorage(location)),
    write: async () => {
      throw new Error('no space left on device');
    },
  };
  await desk.stop();
  const away = await openDesk({
    url: db.applicationUrl,
    location,
    duties: both,
    more: { exportsStorage: broken, onError: (error) => void faults.push(String(error)) },
  });
  const { id } = await away.start({});
  await until(() => faults.length > 0);
  expect(faults[0]).toContain('no space left');
  expect((await away.engine.exports.get({ ...origin, id })).state).toBe('running');
  await away.stop();
  // The place is back: it completes.
  desk = await openDesk({ url: db.applicationUrl, location, duties: both });
  expect((await desk.ended(id)).state).toBe('completed');
});

test('what was killed between its end and the end of its key is finished by housekeeping', async () => {
  const { id } = await desk.ended((await desk.start({})).id);
  // As a kill leaves it: the row says expired, key and file are still there.
  await desk.pool.query(`UPDATE exports SET state = 'expired' WHERE id = $1`, [id]);
  await until(async () => {
    const { rows } = await desk.pool.query('SELECT FROM exports WHERE id = $1 AND cleared', [id]);
    return rows.length === 1;
  });
  expect((await namesIn()).filter((name) => name.startsWith(id))).toEqual([]);
  const { rows } = await desk.pool.query('SELECT wrapped FROM subject_keys WHERE subject = $1', [
    `$export:${id}`,
  ]);
  expect(rows).toEqual([{ wrapped: null }]);
});

test('in a bucket it is written, read in parts and taken away alike', async () => {
  const server = await s3Server();
  const storage = await openStorage(server.location, { s3Endpoint: server.endpoint });
  await desk.stop();
  const bucket = await openDesk({
    url: db.applicationUrl,
    location,
    duties: both,
    more: { exportsStorage: storage },
  });
  try {
    const { id, bytes } = await bucket.ended((await bucket.start({})).id);
    const text = await bucket.textOf(id);
    expect([text.length, text.trimEnd().split('\n').length]).toEqual([bytes, 5_041]);
    const file = await bucket.engine.exports.file({ ...origin, id });
    const pieces: Buffer[] = [];
    for await (const piece of await file.open({ start: 100_000, end: 100_050 })) pieces.push(piece);
    expect(Buffer.concat(pieces).toString()).toBe(text.slice(100_000, 100_050));
    await bucket.engine.exports.remove({ ...origin, id });
    const left: string[] = [];
    for await (const { name } of storage.list('')) left.push(name);
    expect(left).toEqual([]);
  } finally {
    await bucket.stop();
    storage.close();
    await server.end();
    desk = await openDesk({ url: db.applicationUrl, location, duties: both });
  }
});
