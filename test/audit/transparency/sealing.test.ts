/** The log seals itself: what is signed grows with it, is proven from it, and outlives processes and keys. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openCheckpoint } from '../../../src/audit/transparency/checkpoint.ts';
import { entryOf } from '../../../src/audit/transparency/entry.ts';
import {
  createFrontier,
  leafHash,
  provesConsistency,
  provesInclusion,
} from '../../../src/audit/transparency/merkle.ts';
import { verifierOf } from '../../../src/audit/transparency/note.ts';
import { readProofFile } from '../../../src/audit/transparency/proof-file.ts';
import { readBundle, tilePath } from '../../../src/audit/transparency/tiles.ts';
import { newEventId } from '../../../src/events/event-id.ts';
import { type TestDatabase, testDatabase } from '../../setup/database.ts';
import { until } from '../../setup/until.ts';
import { newSigningKey, openSealed, origin, type Sealed, tamper } from './testbed.ts';

let db: TestDatabase;
let log: Sealed;

beforeAll(async () => {
  db = await testDatabase();
  log = await openSealed(db);
});
afterAll(async () => {
  await log.close();
  await db.drop();
});

const write = async (count: number, stream = 'counter-1'): Promise<void> => {
  for (let n = 0; n < count; n += 50)
    await Promise.all(
      Array.from({ length: Math.min(50, count - n) }, () =>
        log.write(stream, 'Counted', { by: 1 }, { reason: 'Müller said so', email: 'ann@example.com' }),
      ),
    );
};

const signed = async () => {
  const note = await log.transparency.proofs.checkpoint(origin);
  return openCheckpoint(note, (await log.vkeys()).map(verifierOf));
};

/** Every event's leaf, hashed here from what the database holds. */
const leaves = async (size: number): Promise<readonly Buffer[]> => {
  const all: Buffer[] = [];
  while (all.length < size) {
    const { events } = await log.log.readStored({ after: all.length, upTo: size, limit: 1_000 });
    all.push(...events.map((event) => leafHash(entryOf(event))));
  }
  return all;
};

const rootOf = (all: readonly Buffer[]): Buffer => {
  const frontier = createFrontier();
  for (const leaf of all) frontier.push(leaf);
  return frontier.root();
};

test('a checkpoint is signed for every event, and its root is that of their leaves', async () => {
  await write(700);
  await log.sealed();
  const { size, root, origin: name } = await signed();
  expect(size).toBeGreaterThanOrEqual(700);
  expect(name).toMatch(/^quarterdeck\.internal\/test\/[0-9a-f]{16}$/);
  expect(root).toEqual(rootOf(await leaves(size)));
  expect(await log.transparency.tree.root(size)).toEqual(root);
});

test('an entry tells nothing of a person and is small', async () => {
  const [event] = (await log.log.readStored({ after: 5, limit: 1 })).events;
  const entry = entryOf(event as never);
  expect(Object.keys(JSON.parse(entry))).toEqual([
    ...['actor', 'correlationId', 'dataSha256', 'id', 'metadataSha256', 'position', 'recordedAt'],
    ...['schemaVersion', 'stream', 'tool', 'type', 'version'],
  ]);
  expect(entry).not.toMatch(/Müller|ann@/);
  expect(JSON.parse(entry)).toMatchObject({
    position: 6,
    recordedAt: event?.recordedAt,
    actor: 'person:test',
  });
});

test('tiles hold the leaves and the levels above them, whole and partial; bundles the entries', async () => {
  const { size } = await signed();
  const all = await leaves(size);
  const { proofs } = log.transparency;
  const full = await proofs.tile({ ...origin, level: '0', path: '001' });
  expect(full).toEqual(Buffer.concat(all.slice(256, 512)));
  const width = size % 256;
  const partial = await proofs.tile({ ...origin, level: '0', path: tilePath(Math.floor(size / 256), width) });
  expect(partial).toEqual(Buffer.concat(all.slice(size - width)));
  const above = await proofs.tile({ ...origin, level: '1', path: tilePath(0, Math.floor(size / 256)) });
  expect(above.subarray(0, 32)).toEqual(rootOf(all.slice(0, 256)));
  const bundle = await proofs.bundle({ ...origin, path: '000' });
  expect(readBundle(bundle).map((entry) => leafHash(Buffer.from(entry)))).toEqual(all.slice(0, 256));
  for (const [level, path] of [
    ...[
      ['0', '999'],
      ['0', '000.p/0'],
      ['0', '0'],
      ['7', '000'],
      ['x', '000'],
      ['0', tilePath(Math.floor(size / 256))],
    ],
  ] as [string, string][])
    await expect(proofs.tile({ ...origin, level, path })).rejects.toMatchObject({ code: 'not_found' });
});

test('every event is proven, also right after it was appended', async () => {
  const { size } = await signed();
  for (const position of [1, 2, 255, 256, 257, size]) {
    const file = readProofFile(
      await log.transparency.proofs.inclusion({ ...origin, position: String(position) }),
    );
    const tree = openCheckpoint(file.checkpoint, (await log.vkeys()).map(verifierOf));
    expect(file.index).toBe(position - 1);
    const leaf = leafHash(file.extra ?? Buffer.alloc(0));
    expect(provesInclusion({ leaf, index: position - 1, ...tree }, file.hashes)).toBe(true);
  }
  await write(1);
  const { position: newest } = await log.log.head();
  expect(
    (await log.verdict(await log.transparency.proofs.inclusion({ ...origin, position: String(newest) })))
      .intact,
  ).toBe(true);
  await expect(
    log.transparency.proofs.inclusion({ ...origin, position: String(newest + 100) }),
  ).rejects.toMatchObject({
    code: 'not_found',
  });
});

test('a later checkpoint is proven to go on from every earlier one', async () => {
  await log.sealed();
  const newer = await signed();
  for (const from of [1, 2, 255, 256, 511, newer.size]) {
    const { hashes, to } = await log.transparency.proofs.consistency({ ...origin, from });
    expect(to).toBe(newer.size);
    const older = { size: from, root: await log.transparency.tree.root(from) };
    expect(
      provesConsistency(
        older,
        newer,
        hashes.map((one) => Buffer.from(one, 'base64')),
      ),
    ).toBe(true);
  }
  await expect(
    log.transparency.proofs.consistency({ ...origin, from: newer.size + 1 }),
  ).rejects.toMatchObject({
    errors: [{ path: 'from' }],
  });
});

test('a command has a receipt, which proves its events and no others', async () => {
  const commandId = newEventId();
  await log.write('counter-9', 'Counted', { by: 4 }, { commandId });
  await log.write('counter-9', 'Counted', { by: 5 }, { commandId });
  const receipt = await log.transparency.proofs.receipt({ ...origin, commandId });
  expect(receipt.events.map(({ stored }) => stored.data.by)).toEqual([4, 5]);
  expect(await log.verdict(JSON.stringify(receipt))).toMatchObject({ intact: true, events: 2 });
  const [first] = receipt.events;
  const forged = {
    ...receipt,
    events: [{ ...first, stored: { ...first?.stored, data: { counter: 'counter-9', by: 400 } } }],
  };
  expect(await log.verdict(JSON.stringify(forged))).toMatchObject({
    intact: false,
    faults: [{ kind: 'altered', position: first?.position }],
  });
  await expect(log.transparency.proofs.receipt({ ...origin, commandId: newEventId() })).rejects.toMatchObject(
    {
      code: 'not_found',
    },
  );
  await expect(log.transparency.proofs.receipt({ ...origin, commandId: 'x' })).rejects.toMatchObject({
    errors: [{ path: 'commandId' }],
  });
});

test('events as stored hold every field, and are for those who may see every field', async () => {
  const { proofs, exports } = log.transparency;
  const { permissions } = await import('../../../src/access/principal.ts');
  const without = {
    ...origin,
    principal: { ...origin.principal, permissions: permissions(['audit:read', 'audit:export']) },
  };
  expect(await proofs.vkey(without)).toBe(await proofs.vkey(origin));
  for (const asked of [
    () => exports.open({ ...without, body: {} }),
    () => proofs.receipt({ ...without, commandId: 'x' }),
  ])
    await expect(asked()).rejects.toMatchObject({
      code: 'not_permitted',
      extra: { permission: 'audit:all-fields' },
    });
});

test('only who may see every event gets any of it', async () => {
  const nobody = {
    ...origin,
    principal: {
      ...origin.principal,
      permissions: (await import('../../../src/access/principal.ts')).permissions([]),
    },
  };
  const { proofs, exports } = log.transparency;
  for (const asked of [
    () => proofs.vkey(nobody),
    () => proofs.vkeys(nobody),
    () => proofs.checkpoint(nobody),
    () => proofs.tile({ ...nobody, level: '0', path: '000' }),
    () => proofs.bundle({ ...nobody, path: '000' }),
    () => proofs.inclusion({ ...nobody, position: '1' }),
    () => proofs.consistency({ ...nobody, from: 1 }),
    () => proofs.receipt({ ...nobody, commandId: newEventId() }),
    () => exports.open({ ...nobody, body: {} }),
    () => exports.manifest({ ...nobody, id: '1' }),
  ])
    await expect(asked()).rejects.toMatchObject({ code: 'not_permitted' });
});

test('what was signed is mirrored outside the database', async () => {
  await log.transparency.stop();
  const kept = await readFile(join(log.mirrorDir, 'checkpoint'), 'utf8');
  expect(kept).toBe(await log.transparency.proofs.checkpoint(origin));
  await log.again();
});

test('another process goes on where the last one stopped, and says so with its own key', async () => {
  const before = await log.transparency.proofs.checkpoint(origin);
  const [oldKey] = await log.vkeys();
  await log.again(newSigningKey());
  await until(async () => (await log.vkeys()).length === 2);
  await write(300);
  await log.sealed();
  const [newKey] = await log.vkeys();
  expect(newKey).not.toBe(oldKey);
  const older = openCheckpoint(before, [verifierOf(oldKey as string)]);
  const newer = openCheckpoint(await log.transparency.proofs.checkpoint(origin), [
    verifierOf(newKey as string),
  ]);
  expect(newer.size).toBeGreaterThan(older.size);
  expect(newer.root).toEqual(rootOf(await leaves(newer.size)));
  const introduced = (await log.whole()).filter(({ type }) => type === 'LogKeyIntroduced');
  expect(introduced.map(({ data }) => data.vkey)).toEqual([oldKey, newKey]);
  // Whoever has both keys may hold the log against a checkpoint of the old one.
  expect(await log.verdict(await log.exported(), { earlier: before })).toMatchObject({ intact: true });
});

test('the log checks itself, and records that it did', async () => {
  const { upTo } = await log.transparency.checkAll(new AbortController().signal);
  await log.sealed();
  const checked = (await log.whole()).filter(({ type }) => type === 'LogChecked');
  expect(checked.map(({ data }) => data)).toEqual([{ after: 0, upTo }]);
});

test('what was sealed cannot be changed by the application', async () => {
  for (const sql of [
    "UPDATE log_tiles SET hashes = decode(repeat('00', 8192), 'hex') WHERE level = 0 AND index = 0",
    'UPDATE log_tiles SET hashes = substring(hashes FOR 32) WHERE level = 0 AND index = 0',
    'UPDATE log_tiles SET index = 77 WHERE level = 0 AND index = 0',
    'DELETE FROM log_tiles',
    'TRUNCATE log_tiles',
  ])
    await expect(db.app.query(sql)).rejects.toMatchObject({ code: expect.stringMatching(/42501/) });
});

test('two sealers do not sign two trees', async () => {
  const other = await openSealed(db);
  await Promise.all([write(120), write(120, 'counter-2')]);
  await log.sealed();
  await other.close();
  const { size, root } = await signed();
  expect(root).toEqual(rootOf(await leaves(size)));
});

test('hashed from its stored text or written anew, the same event has the same leaf', async () => {
  const odd = [
    'ünïcödé',
    'quote " and \\ back',
    'line\nbreak\ttab\u0007bell',
    '\u2028\u2029',
    '😀',
    '\u007f',
    '</script>',
    '',
  ];
  for (const text of odd)
    await log.write(
      `counter-${text}`,
      'Counted',
      { by: 1e21 },
      {
        tool: `tool ${text}`,
        command: text,
        reference: `,"correlationId":${text}`,
        correlationId: `,"commandId":${text}`,
        approval: text,
        executor: { kind: 'system', id: text },
        reason: text,
        commandId: `${text},"correlationId":"x"`,
      },
    );
  await log.write(
    'counter-1',
    'Counted',
    { by: -0.5 },
    { causationId: 'c', bulkJobId: 'b', traceparent: 't', sessionId: 's' },
  );
  await log.sealed();
  await log.transparency.checkAll(new AbortController().signal);
  const { size, root } = await signed();
  expect(root).toEqual(rootOf(await leaves(size)));
});

test('events from before they were stored as canonical JSON are sealed as what they say', async () => {
  const old = await testDatabase();
  const older = await openSealed(old);
  await older.transparency.stop();
  for (let n = 0; n < 30; n++) await older.write('counter-1', 'Counted', { by: n });
  const { position } = await older.log.head();
  await tamper(
    old,
    `UPDATE events SET data = replace(data::text, '{"by":', E'{ "zero": null,\n "by" : ')::json,
       metadata = regexp_replace(metadata::text, '^\\{(.*),("commandId":"[^"]*")\\}$', '{ \\2, \\1}')::json`,
    'TRUNCATE log_tiles',
    'TRUNCATE log_checkpoints',
    `UPDATE log_identity SET canonical_from = ${position}`,
  );
  await older.again();
  for (let n = 0; n < 30; n++) await older.write('counter-1', 'Counted', { by: n });
  await older.sealed();
  await older.transparency.checkAll(new AbortController().signal);
  expect(await older.verdict(await older.exported())).toMatchObject({ intact: true });
  await older.close();
  await old.drop();
});
