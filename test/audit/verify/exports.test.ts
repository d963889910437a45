/** Provable exports, as the offline verifier sees them: what it finds when the file is not as it was handed out. */
import { openCheckpoint } from '../../../src/audit/transparency/checkpoint.ts';
import { signerOf, verifierOf } from '../../../src/audit/transparency/note.ts';
import { toldOf } from '../../../src/audit/verify/verdict.ts';
import { type TestDatabase, testDatabase } from '../../setup/database.ts';
import { newSigningKey, openSealed, origin, type Sealed, textOf } from '../transparency/testbed.ts';

let db: TestDatabase;
let log: Sealed;
let whole: string;
let lines: string[];
let earlier: string;
let middle: string;

beforeAll(async () => {
  db = await testDatabase();
  log = await openSealed(db);
  for (let n = 1; n <= 30; n++) await write(n);
  await log.sealed();
  earlier = await log.transparency.proofs.checkpoint(origin);
  middle = new Date().toISOString();
  for (let n = 31; n <= 60; n++) await write(n);
  whole = await log.exported();
  lines = whole.split('\n').slice(0, -1);
});
afterAll(async () => {
  await log.close();
  await db.drop();
});

const write = (n: number): Promise<void> =>
  n % 10 === 0
    ? log.write(
        `counter-${n}`,
        'Named',
        { owner: `Owner ${n}` },
        { reason: 'renamed, "quoted"', email: 'ann@example.com' },
      )
    : log.write(
        `counter-${n % 3}`,
        'Counted',
        { by: n },
        n % 2 === 0 ? { command: 'count', tool: 'cli' } : {},
      );

const without = (index: number): string => `${lines.filter((_, n) => n !== index).join('\n')}\n`;
const changed = (index: number, change: (line: string) => string): string =>
  `${lines.map((line, n) => (n === index ? change(line) : line)).join('\n')}\n`;
const faultsOf = async (text: string) => (await log.verdict(text)).faults;

test('the whole log is intact, and says so of every position', async () => {
  const verdict = await log.verdict(whole);
  const size = openCheckpoint(
    JSON.parse(lines[0] as string).checkpoint,
    (await log.vkeys()).map(verifierOf),
  ).size;
  expect(verdict).toMatchObject({
    intact: true,
    faults: [],
    notes: [],
    entries: 0,
    events: lines.length - 2,
  });
  expect(toldOf(verdict)[1]).toMatch(new RegExp(`: ${verdict.events} events in full\\.$`));
  expect(verdict.range).toEqual({ after: 0, upTo: verdict.events });
  expect(size).toBeGreaterThanOrEqual(verdict.events);
  expect(whole).not.toMatch(/ann@example|Owner 10|quoted/);
});

test('it goes on from an earlier checkpoint', async () => {
  expect(await log.verdict(whole, { earlier })).toMatchObject({ intact: true });
});

describe('A file that is not as it was handed out', () => {
  test.each<[string, string, () => string]>([
    ['a line taken out', 'missing', () => without(20)],
    ['the first event taken out', 'missing', () => without(1)],
    ['the last event taken out', 'missing', () => without(lines.length - 2)],
    ['a byte of data changed', 'altered', () => changed(20, (line) => line.replace('"by":', '"by":9'))],
    ['an actor changed', 'altered', () => changed(20, (line) => line.replace('person:test', 'person:anna'))],
    [
      'a time changed',
      'altered',
      () => changed(20, (line) => line.replace(/"recordedAt":"2/, '"recordedAt":"1')),
    ],
    ['a leaf changed', 'altered', () => changed(20, (line) => line.replace(/"leaf":"../, '"leaf":"AA'))],
    ['two lines swapped', 'stray', () => swapped(20)],
    ['a line twice', 'stray', () => changed(20, (line) => `${line}\n${line}`)],
    ['a line that is no JSON', 'malformed', () => changed(20, (line) => line.slice(0, -2))],
    ['bytes behind its end', 'stray', () => `${whole}{"leaf":""}\n`],
    ['a word behind its end', 'stray', () => `${whole}x`],
    ['its end cut off', 'missing', () => without(lines.length - 1)],
    ['half of it cut off', 'missing', () => whole.slice(0, whole.length / 2)],
    [
      'other counts',
      'stray',
      () => changed(lines.length - 1, (line) => line.replace('"events":', '"events":1')),
    ],
    [
      'an event put in its middle',
      'stray',
      () => changed(20, (line) => `${line}\n${line.replace('"position":20', '"position":21')}`),
    ],
  ])('%s: %s', async (_, kind, text) => {
    const verdict = await log.verdict(text());
    expect(verdict.intact).toBe(false);
    if (verdict.unverifiable === undefined) expect(verdict.faults.map((fault) => fault.kind)).toContain(kind);
  });

  test('with a hash around its range changed makes another tree', async () => {
    const part = await log.exported({ from: 11, to: 37 });
    expect(await log.verdict(part)).toMatchObject({ intact: true });
    for (const side of ['before', 'behind'])
      expect(await faultsOf(part.replace(new RegExp(`"${side}":\\["..`), `"${side}":["AA`))).toMatchObject([
        { kind: 'altered', position: 0 },
      ]);
  });

  test('with something around its range that is no hash is never intact, whatever else was done to it', async () => {
    const part = await log.exported({ from: 11, to: 37 });
    const altered = part.replace('"by":', '"by":9');
    expect(altered).not.toBe(part);
    for (const text of [part, altered])
      for (const side of ['before', 'behind'])
        expect(
          await log.verdict(text.replace(new RegExp(`"${side}":\\["[^"]*"`), `"${side}":["x"`)),
        ).toMatchObject({ intact: false });
  });

  test('with a member that no event has is found', async () => {
    for (const more of ['"reason":"forged","position":20', '"note":{},"position":20'])
      expect(await faultsOf(changed(20, (line) => line.replace('"position":20', more)))).toMatchObject([
        { kind: 'altered', position: 20 },
      ]);
    expect(
      await faultsOf(changed(20, (line) => line.replace('"stored"', '"shown":"forged","stored"'))),
    ).toMatchObject([{ kind: 'altered', position: 20 }]);
  });

  test('names the positions that are missing, and no others', async () => {
    const missing = async (text: string) =>
      (await faultsOf(text)).filter(({ kind }) => kind === 'missing').map(({ message }) => message);
    expect(await missing(without(20))).toEqual(['Position 20 is missing: behind 19 comes 21.']);
    expect(await missing(without(1))).toEqual(['Position 1 is missing: behind 0 comes 2.']);
    const three = lines.filter((_, n) => n < 20 || n > 22).map((line) => `${line}\n`);
    expect(await missing(three.join(''))).toEqual(['Positions 20 to 22 are missing: behind 19 comes 23.']);
  });

  test('names the position that was altered', async () => {
    expect(await faultsOf(changed(20, (line) => line.replace('"by":', '"by":9')))).toMatchObject([
      { kind: 'altered', position: 20 },
    ]);
  });
});

const swapped = (index: number): string => {
  const copy = [...lines];
  [copy[index], copy[index + 1]] = [copy[index + 1] as string, copy[index] as string];
  return `${copy.join('\n')}\n`;
};

describe('Nothing is ever called intact', () => {
  test('with another key than the log’s', async () => {
    const { name } = verifierOf((await log.vkeys())[0] as string);
    const vkeys = [signerOf(name, newSigningKey()).vkey];
    expect(await log.verdict(whole, { vkeys })).toMatchObject({
      intact: false,
      unverifiable: 'None of the given keys has signed the note.',
    });
  });

  test('without a key, and with none that is one', async () => {
    expect(await log.verdict(whole, { vkeys: [] })).toMatchObject({ intact: false });
    expect((await log.verdict(whole, { vkeys: ['nonsense'] })).unverifiable).toMatch(/no verifier key/);
  });

  test('that is something else', async () => {
    for (const text of [
      '',
      '\n',
      'hello',
      '{}',
      '{"format":"quarterdeck-audit-export/2"}\n',
      '[1]\n',
      'c2sp.org/tlog-proof@v1\n',
    ])
      expect((await log.verdict(text)).unverifiable).toBeDefined();
  });

  test('whose head was altered', async () => {
    for (const change of [
      (head: string) => head.replace('"after":0', '"after":1'),
      (head: string) => head.replace('"upTo":', '"upTo":9'),
      (head: string) => head.replace('"filter":{}', '"filter":{"type":"Counted"}'),
      (head: string) => head.replace('"filter":{}', '"filter":{"odd":"x"}'),
      (head: string) => head.replace('"origin":"q', '"origin":"p'),
      (head: string) => head.replace('quarterdeck.internal/test', 'quarterdeck.internal/prod'),
    ])
      expect((await log.verdict(changed(0, change))).intact).toBe(false);
  });

  test('against an earlier checkpoint of another log', async () => {
    const other = signerOf('quarterdeck.internal/test/other', newSigningKey());
    const note = other.sign(
      'quarterdeck.internal/test/other\n1\nLP73YnWX4AtWSXV3Stco7yEHBnWfym1kE4xt/By/LNo=\n',
    );
    const vkeys = [...(await log.vkeys()), other.vkey];
    expect((await log.verdict(whole, { earlier: note, vkeys })).unverifiable).toMatch(/another log/);
  });
});

describe('A filtered export', () => {
  const counted = { filter: { type: 'Counted', tool: 'cli' } };

  test('holds every match, and proves that it does', async () => {
    const text = await log.exported(counted);
    const verdict = await log.verdict(text, { earlier });
    expect(verdict).toMatchObject({
      intact: true,
      notes: ['Nothing that matches {"tool":"cli","type":"Counted"} was left out, by what entries carry.'],
    });
    expect(verdict.events).toBeGreaterThan(10);
    expect(verdict.entries).toBeGreaterThan(10);
    expect(text).not.toMatch(/"by":1,|"by":1}/);
  });

  test('from which a match was left out is found out, though its entry is there', async () => {
    const text = await log.exported(counted);
    const everything = (await log.exported({ filter: { type: 'Counted' } })).split('\n');
    const entryOnly = (await log.exported({ filter: { actor: 'person:nobody' } })).split('\n');
    const of = text.split('\n');
    const index = of.findIndex((line) => line.includes('"stored"'));
    const { stored } = JSON.parse(of[index] as string);
    of[index] = entryOnly.find((line) => line.includes(`"position":${stored.position},`)) as string;
    expect(await faultsOf(of.join('\n'))).toContainEqual(
      expect.objectContaining({ kind: 'left-out', position: stored.position }),
    );
    const stranger = text.split('\n');
    const entry = stranger.findIndex((line) => line.includes('"entry"') && line.includes('"type":"Counted"'));
    const { entry: left } = JSON.parse(stranger[entry] as string);
    stranger[entry] = everything.find((line) =>
      line.includes(`"stored":{"position":${left.position},`),
    ) as string;
    expect(await faultsOf(stranger.join('\n'))).toContainEqual(
      expect.objectContaining({ kind: 'stray', position: left.position }),
    );
  });

  test('of a time holds the event before it and shows that none was left out there', async () => {
    const text = await log.exported({ from: middle });
    const verdict = await log.verdict(text, { earlier });
    expect(verdict).toMatchObject({ intact: true });
    expect(verdict.entries).toBe(1);
    expect(toldOf(verdict)[1]).toMatch(/: \d+ events in full, and 1 more by its entry alone \(who did what/);
    const [head, , ...rest] = text.split('\n');
    const { after, ...other } = JSON.parse(head as string);
    const cut = [JSON.stringify({ ...other, after: after + 1 }), ...rest].join('\n');
    expect((await log.verdict(cut)).intact).toBe(false);
  });

  test('of a range of positions is proven within the tree around it', async () => {
    const verdict = await log.verdict(await log.exported({ from: 11, to: 37 }));
    expect(verdict).toMatchObject({ intact: true, events: 27, range: { after: 10, upTo: 37 } });
    expect((await log.verdict(await log.exported({ from: 55, to: 56 }), { earlier })).unverifiable).toMatch(
      /make one that begins at position \d+ or before/,
    );
  });
});

describe('Beside the stored form the readable one', () => {
  test('shows what was encrypted, and is compared with what is stored', async () => {
    const text = await log.exported({ readable: true });
    expect(text).toContain('Owner 10');
    expect(text).toContain('ann@example.com');
    expect(await log.verdict(text)).toMatchObject({ intact: true });
    const forged = text.replace(/("event":\{[^\n]*?"by":)(\d+)/, '$17$2');
    expect(forged).not.toBe(text);
    expect(await faultsOf(forged)).toMatchObject([
      { kind: 'altered', message: expect.stringMatching(/data\.by/) },
    ]);
  });

  test('tells what was erased without a record of it', async () => {
    await db.owner.query("UPDATE subject_keys SET wrapped = NULL WHERE subject = 'counter-20'");
    const other = await openSealed(db);
    const text = await other.exported({ readable: true });
    expect(await faultsOf(text)).toMatchObject([
      { kind: 'altered', message: expect.stringMatching(/no event records that counter-20 was erased/) },
    ]);
    await other.close();
  });
});

describe('As CSV', () => {
  const opened = async () => {
    const { id, rows } = await log.transparency.exports.open({
      ...origin,
      body: { format: 'csv', filter: { type: 'Counted' } },
    });
    const { csvLines } = await import('../../../src/http/csv.ts');
    const { csvColumns } = await import('../../../src/audit/provable/format.ts');
    const csv = await textOf(
      csvLines(
        csvColumns.map((name) => ({ name, text: false })),
        rows,
      ),
    );
    return {
      csv,
      manifest: await textOf(await log.transparency.exports.manifest({ ...origin, id: String(id) })),
    };
  };

  test('the file and its manifest prove each other', async () => {
    const { csv, manifest } = await opened();
    const verdict = await log.verdict(manifest, { csv });
    const held = csv.trimEnd().split('\r\n').length - 1;
    expect(held).toBeGreaterThan(50);
    expect(verdict).toMatchObject({ intact: true, events: 0, inCsv: held });
    const alone = verdict.entries - held;
    expect(alone).toBeGreaterThan(0);
    expect(toldOf(verdict)[1]).toContain(
      `: ${held} events in the CSV file, each against its entry here, and ${alone} more by their entries alone (`,
    );
    expect((await log.verdict(manifest)).unverifiable).toMatch(/give the file too/);
  });

  test('a row altered, taken out or put in is found', async () => {
    const { csv, manifest } = await opened();
    const rows = csv.split('\r\n');
    const kinds = async (text: string) =>
      (await log.verdict(manifest, { csv: text })).faults.map(({ kind }) => kind);
    expect(await kinds(csv.replace('""by"":', '""by"":9'))).toEqual(['altered']);
    expect(await kinds(rows.filter((_, n) => n !== 5).join('\r\n'))).toEqual(['left-out']);
    expect(await kinds([...rows.slice(0, 5), rows[4], ...rows.slice(5)].join('\r\n'))).toEqual(['stray']);
    expect(await kinds(csv.slice(0, csv.length / 2))).not.toEqual([]);
    expect(await kinds('')).not.toEqual([]);
    expect(await kinds('a,b\n1\n"')).not.toEqual([]);
  });

  test('a manifest is for whoever made the export', async () => {
    const { id } = await log.transparency.exports.open({ ...origin, body: { format: 'csv' } });
    const another = { ...origin, principal: { ...origin.principal, id: 'person:another' } };
    await expect(log.transparency.exports.manifest({ ...another, id: String(id) })).rejects.toMatchObject({
      code: 'not_found',
    });
    await expect(log.transparency.exports.manifest({ ...origin, id: '1' })).rejects.toMatchObject({
      code: 'not_found',
    });
    await expect(
      log.transparency.exports.manifest({ ...origin, id: String(10 ** 12) }),
    ).rejects.toMatchObject({
      code: 'not_found',
    });
  });
});

test.each<[object, string]>([
  [{ form: 'csv' }, 'form'],
  [{ format: 'xml' }, 'format'],
  [{ filter: { color: 'red' } }, 'filter.color'],
  [{ filter: { type: 7 } }, 'filter.type'],
  [{ from: 'yesterday' }, 'from'],
  [{ from: '2999-01-01T00:00:00Z' }, 'from'],
  [{ to: '2999-01-01T00:00:00Z' }, 'to'],
  [{ to: 10 ** 9 }, 'to'],
  [{ from: 9, to: 3 }, 'from'],
  [{ from: -1 }, 'from'],
  [{ format: 'csv', readable: true }, 'readable'],
])('%j is refused, naming the field', async (body, path) => {
  await expect(log.exported(body)).rejects.toMatchObject({ code: 'invalid_input', errors: [{ path }] });
});

test('each export is recorded before its first line', async () => {
  const before = await log.log.head();
  await log.transparency.exports.open({ ...origin, body: { filter: { stream: 'counter-1' }, to: 20 } });
  const { events } = await log.log.read({ after: before.position, limit: 10 });
  expect(events.map(({ type, data, metadata }) => [type, data, metadata.actor.id])).toEqual([
    [
      'EventsExported',
      { format: 'ndjson', filter: { stream: 'counter-1' }, after: 0, upTo: 20, provable: true },
      'person:auditor',
    ],
  ]);
});
