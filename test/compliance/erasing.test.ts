import { generateKeyPairSync } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { type Principal, systemPrincipal } from '../../src/access/principal.ts';
import { type TestDatabase, testDatabase } from '../setup/database.ts';
import {
  carla,
  directory,
  everyTable,
  fill,
  openProcess,
  type Process,
  plaintexts,
  scrubbed,
  stateOf,
  until,
} from './testbed.ts';

type Directory = Awaited<ReturnType<typeof directory>>;

const { publicKey } = generateKeyPairSync('ed25519');
const nightly = `
roles:
  nobody: { permissions: [] }
tools:
  console: { scope: ["*"] }
  nightly:
    kind: service
    scope: ["*"]
    keys: [${JSON.stringify({ ...publicKey.export({ format: 'jwk' }), alg: 'EdDSA', use: 'sig', kid: 'n' })}]
`;

describe('Erasing a subject', () => {
  let db: TestDatabase;
  let mirror: Directory;
  let one: Process;
  beforeEach(async () => {
    db = await testDatabase();
    mirror = await directory();
    one = await openProcess(db, { logMirror: mirror.path });
  });
  afterEach(async () => {
    await one.close();
    await db.drop();
    await mirror.remove();
  });

  const logText = async (upTo: number) => {
    const { rows } = await db.app.query(
      `SELECT string_agg(e::text, E'\\n' ORDER BY position) AS text FROM events e WHERE position <= $1`,
      [upTo],
    );
    return (rows[0] as { text: string }).text;
  };
  const keyOf = async (subject: string) => {
    const { rows } = await db.app.query('SELECT wrapped FROM subject_keys WHERE subject = $1', [subject]);
    return rows as { wrapped: Buffer | null }[];
  };
  const working = () => one.engine.start({ project: true, work: true });
  const projected = async () => {
    const { position } = await one.engine.log.head();
    await until(async () =>
      (await one.engine.readSide.health()).projections.every((p) => p.position >= position),
    );
  };

  test('leaves no plaintext in any table or file, and nothing that any key left opens', async () => {
    await working();
    await fill(one);
    await projected();
    const before = await everyTable(db);
    const withPlaintext = [...before].filter(([, text]) => plaintexts.some((plain) => text.includes(plain)));
    expect(withPlaintext).not.toEqual([]);

    const { events } = await one.erase('account-zoe');
    expect(events.map(({ type }) => type)).toEqual(['SubjectErased']);
    await scrubbed(one, 'account-zoe');

    for (const [name, text] of await everyTable(db))
      for (const plain of plaintexts)
        expect({ name, found: text.includes(plain) }).toEqual({ name, found: false });
    for (const text of await mirror.texts())
      for (const plain of [...plaintexts, 'account-zoe', 'zoe']) expect(text).not.toContain(plain);
    expect(await keyOf('account-zoe')).toEqual([{ wrapped: null }]);
    const { events: all } = await one.engine.log.read({ after: 0, limit: 1_000 });
    const opened = JSON.stringify(all);
    for (const plain of plaintexts) expect(opened).not.toContain(plain);
    expect(opened).toContain('Bob Bystander');
    expect(one.errors).toEqual([]);
  });

  test('ends exports that were begun until the rows were scrubbed, and those after show [erased]', async () => {
    await working();
    await fill(one);
    await projected();
    const { exports } = one.engine;
    // Nobody here signed in, and an export is written with what its owner may do at that moment.
    const principal = systemPrincipal;
    const started: string[] = [];
    const ended = async (): Promise<void> => {
      const body = { query: 'accounts', format: 'ndjson', fields: ['name'], where: { accountId: 'zoe' } };
      const { id } = (await exports.accept({ principal, body })).export;
      started.push(id);
      await until(
        async () => !['accepted', 'running'].includes((await exports.get({ principal, id })).state),
      );
    };
    await ended();
    await one.erase('account-zoe');
    let isScrubbed = false;
    const scrubbing = scrubbed(one, 'account-zoe').then(() => {
      isScrubbed = true;
    });
    while (!isScrubbed) await ended();
    await scrubbing;
    await ended();
    const texts: string[] = [];
    for (const id of started) {
      if ((await exports.get({ principal, id })).state === 'expired') continue;
      const file = await exports.file({ principal, id });
      for await (const bytes of await file.open({ start: 0, end: file.bytes })) texts.push(bytes.toString());
    }
    expect(texts).toContain('{"name":"[erased]"}\n');
    for (const text of texts) expect(text).not.toContain('Zoe Quibble');
    expect((await exports.get({ principal, id: String(started[0]) })).state).toBe('expired');
  });

  test('keeps the log to the byte, and everything that reads it says [erased] and goes on', async () => {
    await working();
    await fill(one);
    await projected();
    const { position } = await one.engine.log.head();
    const before = await logText(position);
    await one.erase('account-zoe');
    await scrubbed(one, 'account-zoe');
    expect(await logText(position)).toBe(before);

    expect(await one.row('accounts', 'zoe')).toMatchObject({
      name: '[erased]',
      ownerEmail: '[erased]',
      plan: 'DSL',
    });
    expect(await one.row('accounts', 'bob')).toMatchObject({ name: 'Bob Bystander' });
    expect(await one.row('accounts', 'zoe', { asOf: String(position) })).toMatchObject({ name: '[erased]' });
    expect(await one.row('notes', 'n1')).toMatchObject({ text: '[erased]' });
    const replay = await one.engine.audit.replay({ principal: carla(), stream: 'account-zoe' });
    expect(replay.states[0]?.after).toMatchObject({ name: '[erased]' });

    // What is said of them later is not kept either.
    await one.run('change-plan', { accountId: 'zoe', plan: 'Fiber' });
    await one.run('correct-account', { accountId: 'zoe', name: 'Zoe Again' });
    await projected();
    expect(await one.row('accounts', 'zoe')).toMatchObject({ name: '[erased]', plan: 'Fiber' });
    const [table] = [...(await everyTable(db))].filter(([, text]) => text.includes('Zoe Again'));
    expect(table).toBeUndefined();
  });

  test('is recorded with its ground, its end and the counts, and a second time changes nothing', async () => {
    await working();
    await fill(one);
    await projected();
    await one.erase('account-zoe');
    await until(async () => (await stateOf(one, 'account-zoe')) === 'scrubbed');
    expect(await one.row('erasures', 'account-zoe')).toMatchObject({
      state: 'scrubbed',
      basis: 'gdpr-art-17-1-a',
      erasedBy: 'person:carla',
      scrubbed: { rows: 2, bulkInputs: 0 },
    });
    expect((await one.erase('account-zoe')).events).toEqual([]);
    const said = await one.engine.log.readStreams(['erasure-account-zoe']);
    expect(said.map(({ type, metadata }) => [type, metadata.reason])).toEqual([
      ['SubjectErased', 'Asked for in writing.'],
      ['SubjectScrubbed', undefined],
    ]);
  });

  test('reaches another process that has the key at hand, without waiting for it to age', async () => {
    const other = await openProcess(db, { logMirror: mirror.path });
    await until(async () => one.engine.listener.connected && other.engine.listener.connected);
    await fill(one);
    const nameIn = async ({ engine }: Process) =>
      (await engine.log.readStreams(['account-zoe']))[0]?.data.name;
    expect(await nameIn(other)).toBe('Zoe Quibble');
    await one.erase('account-zoe');
    const answered = performance.now();
    expect(await nameIn(one)).toBe('[erased]');
    await until(async () => (await nameIn(other)) === '[erased]');
    // The cache would have kept it for ten minutes.
    expect(performance.now() - answered).toBeLessThan(60_000);
    // Nor does it decide on what it had in hand.
    await other.run('correct-account', { accountId: 'zoe', name: 'Zoe Again' });
    expect((await other.engine.log.readStreams(['account-zoe'])).at(-1)?.data.name).toBe('[erased]');
    await other.close();
  });

  test('scrubs inputs, previews and the requests of bulk work', async () => {
    await working();
    await fill(one);
    await projected();
    await one.engine.access.applyPolicy(nightly, 'policy');
    const service: Principal = { ...carla(), id: 'service:nightly', kind: 'service', tool: 'nightly' };
    const upload = async (dryRun: boolean, principal: Principal) => {
      const { job } = await one.engine.bulk.accept.fromUpload({
        principal,
        reason: 'Asked for.',
        mediaType: 'application/x-ndjson',
        query: { command: 'correct-account', dryRun: String(dryRun), label: 'Zoe and others' },
        content: (async function* () {
          yield Buffer.from(
            '{"accountId":"zoe","name":"Zoe Quibble-Smith"}\n{"accountId":"bob","name":"Bob B."}\n',
          );
        })(),
      });
      return job.id;
    };
    const dry = await upload(true, service);
    const asCarla = await upload(true, carla());
    await until(async () => {
      const { rows } = await db.app.query('SELECT state FROM bulk_jobs WHERE id = $1', [dry]);
      return (rows[0] as { state: string }).state === 'completed';
    });
    const kept = async (table: string, column: string) =>
      (await db.app.query(`SELECT string_agg(${column}::text, '') AS text FROM ${table}`)).rows
        .map((row) => (row as { text: string }).text)
        .join();
    const copies = [
      ['bulk_chunks', 'inputs'],
      ['bulk_previews', 'sample'],
    ] as const;
    for (const [table, column] of copies)
      expect(await kept(table, column)).toContain('"$personal":"account-zoe","sealed":"');

    await one.erase('account-zoe');
    await scrubbed(one, 'account-zoe');
    for (const [table, column] of copies) {
      expect(await kept(table, column)).not.toContain('"$personal":"account-zoe","sealed":"');
      expect(await kept(table, column)).toContain('"$personal":"account-zoe","sealed":null');
      expect(await kept(table, column)).toContain('"$personal":"account-bob","sealed":"');
    }
    const preview = await one.engine.bulk.jobs.preview({ principal: carla(), id: dry });
    expect(JSON.stringify(preview)).not.toContain('Quibble');
    expect(JSON.stringify(preview)).toContain('Bob B.');

    await one.erase('person:carla');
    await scrubbed(one, 'person:carla');
    const { rows } = await db.app.query('SELECT sealed FROM bulk_jobs WHERE id = $1', [asCarla]);
    expect(rows).toEqual([{ sealed: '' }]);
    expect(await one.engine.bulk.jobs.get({ principal: carla(), id: asCarla })).toMatchObject({
      label: null,
    });
  });

  test('takes the words of the reasons that somebody gave out of the audit index', async () => {
    await working();
    await fill(one);
    const withWords = async (): Promise<number> => {
      const { rows } = await db.app.query("SELECT 1 FROM audit_fresh WHERE words <> ''");
      return rows.length;
    };
    await until(async () => (await withWords()) >= 3);
    await one.erase('person:carla');
    await scrubbed(one, 'person:carla');
    expect(await withWords()).toBe(0);
  });

  test('goes on where a process died between the key and the copies', async () => {
    await working();
    await fill(one);
    await projected();
    await one.close();
    // It answers, but has none of the work.
    one = await openProcess(db, { logMirror: mirror.path });
    await one.erase('account-zoe');
    expect(await one.row('accounts', 'zoe')).toMatchObject({ name: 'Zoe Quibble' });
    await one.close();
    // Somebody took it up and died with it.
    await db.app.query(`UPDATE erasures SET lease_until = clock_timestamp() + interval '1 second'`);
    one = await openProcess(db, { logMirror: mirror.path });
    await working();
    await scrubbed(one, 'account-zoe');
    expect(await one.row('accounts', 'zoe')).toMatchObject({ name: '[erased]' });
  });

  test.each([
    ['account-nobody', 'Nothing personal is kept'],
    ['$hmac', 'must name whose data it is'],
    ['system', 'must name whose data it is'],
    ['service:nightly', 'must name whose data it is'],
    ['account zoe', 'must name whose data it is'],
    ['', 'must name whose data it is'],
  ])('of nobody (%j) is refused and names the field', async (subject, message) => {
    await fill(one);
    const refused = one.erase(subject);
    await expect(refused).rejects.toMatchObject({
      code: 'invalid_input',
      errors: [{ path: 'subject', message: expect.stringContaining(message) }],
    });
    const { rows } = await db.app.query(
      `SELECT count(*)::integer AS n FROM subject_keys WHERE wrapped IS NULL`,
    );
    expect(rows).toEqual([{ n: 0 }]);
    expect(await mirror.texts()).toEqual([]);
    const { rows: refusals } = await db.app.query(`SELECT type FROM events WHERE type = 'CommandRefused'`);
    expect(refusals).toHaveLength(1);
  });

  test('is not done where its tombstone cannot be written', async () => {
    await fill(one);
    await one.close();
    one = await openProcess(db, { logMirror: `${mirror.path}/inside` });
    await rm(`${mirror.path}/inside`, { recursive: true, force: true });
    await writeFile(`${mirror.path}/inside`, 'a file, where a directory should be');
    await expect(one.erase('account-zoe')).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('QUARTERDECK_LOG_MIRROR'),
    });
    expect((await keyOf('account-zoe'))[0]?.wrapped).not.toBeNull();
    expect(await one.engine.log.readStreams(['erasure-account-zoe'])).toEqual([]);
  });

  test('needs the permission, a reason and a fresh sign-in', async () => {
    await fill(one);
    const erase = (principal: ReturnType<typeof carla>, reason?: string) =>
      one.engine.commands.execute({
        name: 'erase-subject',
        input: { subject: 'account-zoe', basis: 'other', statute: 'LGPD' },
        principal,
        ...(reason === undefined ? {} : { reason }),
      });
    await expect(erase(carla(['accounts:*']), 'x')).rejects.toMatchObject({ code: 'not_permitted' });
    await expect(erase(carla())).rejects.toMatchObject({ code: 'reason_required' });
    await expect(erase({ ...carla(), authenticatedAt: 0 }, 'x')).rejects.toMatchObject({
      code: 'reauthentication_required',
    });
    await expect(
      one.run('erase-subject', { subject: 'account-zoe', basis: 'because' }),
    ).rejects.toMatchObject({
      errors: [{ path: 'basis' }],
    });
    await expect(one.run('erase-subject', { subject: 'account-zoe', basis: 'other' })).rejects.toMatchObject({
      rejection: 'statute_required',
    });
    await expect(erase(carla(['compliance:erase']), 'x')).resolves.toMatchObject({ kind: 'done' });
  });
});
