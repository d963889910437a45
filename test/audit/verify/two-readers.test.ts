/**
 * Files that were edited so that everything that was sealed is still there: what stands beside it, twice, or instead of
 * what was asked for, and an earlier checkpoint that nothing was held against.
 */
import { randomBytes } from 'node:crypto';
import { checkpointText, openCheckpoint } from '../../../src/audit/transparency/checkpoint.ts';
import { signerOf, verifierOf } from '../../../src/audit/transparency/note.ts';
import { ownHand } from '../../../src/audit/verify/hands.ts';
import { verify } from '../../../src/audit/verify/verify.ts';
import { parseOnce } from '../../../src/audit/verify/whole-text.ts';
import { newEventId } from '../../../src/events/event-id.ts';
import { type TestDatabase, testDatabase } from '../../setup/database.ts';
import { newSigningKey, openSealed, origin, type Sealed, textOf } from '../transparency/testbed.ts';

const signingKey = newSigningKey();
const commandId = newEventId();
let db: TestDatabase;
let log: Sealed;
let whole: string;
let readable: string;

beforeAll(async () => {
  db = await testDatabase();
  log = await openSealed(db, signingKey);
  for (let n = 1; n <= 40; n++)
    await log.write(`counter-${n % 3}`, 'Counted', { by: n }, { command: 'count' });
  await log.write(
    'counter-9',
    'Named',
    { owner: 'Olive' },
    { reason: 'asked for', email: 'ann@example.com' },
  );
  for (const by of [4, 5]) await log.write('counter-8', 'Counted', { by }, { commandId });
  whole = await log.exported();
  readable = await log.exported({ readable: true });
});
afterAll(async () => {
  await log.close();
  await db.drop();
});

const kinds = async (text: string) => {
  const { intact, faults } = await log.verdict(text);
  expect(intact).toBe(false);
  return [...new Set(faults.map(({ kind }) => kind))];
};
/** The line of a position changed; it must have been. */
const edited = (text: string, position: number, change: (line: string) => string): string => {
  const lines = text.split('\n');
  const n = lines.findIndex((line) => line.includes(`"position":${position},`));
  const line = change(lines[n] as string);
  expect(line).not.toBe(lines[n]);
  lines[n] = line;
  return lines.join('\n');
};

describe('What an event reads like', () => {
  test('is refused in an older shape than it is stored in, and in a newer one is not vouched for', async () => {
    const shape = (version: number) =>
      edited(readable, 20, (line) =>
        line.replace(
          /("event":.*"schemaVersion":)\d+(.*"by":)\d+/,
          (_, before, between) => `${before}${version}${between}999`,
        ),
      );
    expect(await kinds(shape(0))).toEqual(['altered']);
    const verdict = await log.verdict(shape(99));
    expect(verdict.notes).toEqual([
      expect.stringMatching(/data of 1 events \(at 20\) is shown in a newer shape/),
    ]);
    expect((await log.verdict(readable)).notes).toEqual([]);
  });

  test.each(['reason', 'email', 'name', 'ip'])('holds no %s that nobody gave', async (name) => {
    const invented = edited(readable, 20, (line) =>
      line.replace(/("event":.*"metadata":\{)/, `$1"${name}":"Ann said so",`),
    );
    expect(await kinds(invented)).toEqual(['altered']);
  });

  test('holds nothing more than an event has, and stands beside every event or none', async () => {
    const more = edited(readable, 20, (line) => line.replace('"event":{', '"event":{"approvedBy":"Ann",'));
    expect(await kinds(more)).toEqual(['altered']);
    const less = edited(readable, 20, (line) => line.replace(/,"event":.*\}$/, '}'));
    expect(await kinds(less)).toEqual(['altered']);
  });
});

describe('What stands twice or beside', () => {
  test('an entry, a gap and the end hold nothing of their own', async () => {
    const filtered = await log.exported({ filter: { type: 'Named' } });
    const event = '"event":{"type":"AccountSuspended"}';
    expect(await kinds(edited(filtered, 20, (line) => line.replace('"entry"', `${event},"entry"`)))).toEqual([
      'altered',
    ]);
    expect(await kinds(whole.replace('{"end":', '{"note":1,"end":'))).toEqual(['stray']);
    expect(await kinds(whole.replace('"entries":', '"approved":1,"entries":'))).toEqual(['stray']);
    expect(
      (await log.verdict(whole.replace('"after":', '"approved":1,"after":'))).unverifiable,
    ).toBeDefined();
  });

  test.each<[string, (line: string) => string]>([
    ['data', (line) => line.replace('"data":', '"data":{"by":1e6},"data":')],
    ['a field', (line) => line.replace('"by":', '"by":7,"by":')],
    ['an escaped name', (line) => line.replace('"by":', '"b\\u0079":7,"by":')],
    ['stored', (line) => line.replace('"stored":', '"stored":{},"stored":')],
    ['leaf', (line) => line.replace('"leaf":', '"leaf":"","leaf":')],
    ['with white space to make up for it', (line) => line.replace('"by":', '"by"   :7,  "by"   :')],
  ])('no member does: %s', async (_what, change) => {
    expect(await kinds(edited(whole, 20, change))).toEqual(expect.arrayContaining(['malformed']));
  });

  test('white space and names that are numbers are no such thing', () => {
    for (const text of ['{ "10":1, "2":[{"a":"\\":"}] }', '{"a":{"b":{}},"c":"\\\\"}', '[1e+21,"x: 1.0"]'])
      expect(parseOnce(text)).toEqual(JSON.parse(text));
    for (const text of ['{"a":1,"a":1}', '[{"b":{"c":1,"\\u0063":2}}]', '{"__proto__":1,"__proto__":2}'])
      expect(() => parseOnce(text)).toThrow('A member stands twice.');
    for (const text of ['[9007199254740993]', '{"a":20.0000000000000000001}', '[1e2]', '[1.0]'])
      expect(() => parseOnce(text)).toThrow('A number is not written as it is kept.');
  });
});

test.each<[string, (line: string) => string]>([
  ['a leaf that is no text', (line) => line.replace(/"leaf":"[^"]*"/, '"leaf":5')],
  [
    'a position beyond what is counted',
    (line) => line.replace('"position":20,', '"position":9007199254741020,'),
  ],
  ['a position before the first', (line) => line.replace('"position":20,', '"position":-20,')],
])('%s is told of its line, and the rest is looked at', async (_what, change) => {
  expect(await kinds(edited(whole, 20, change))).toContain('malformed');
});

test('a CSV file has the columns of an export and no other, once', async () => {
  const { id, rows } = await log.transparency.exports.open({ ...origin, body: { format: 'csv' } });
  const { csvLines } = await import('../../../src/http/csv.ts');
  const { csvColumns } = await import('../../../src/audit/provable/format.ts');
  const columns = csvColumns.map((name) => ({ name, text: false }));
  const csv = await textOf(csvLines(columns, rows));
  const manifest = await textOf(await log.transparency.exports.manifest({ ...origin, id: String(id) }));
  const faultsOf = async (text: string) =>
    (await log.verdict(manifest, { csv: text })).faults.map(({ kind }) => kind);
  const inEach = (first: string, others: string) =>
    csv
      .trimEnd()
      .split('\r\n')
      .map((line, n) => `${n === 0 ? first : others},${line}`)
      .join('\r\n');
  expect(await faultsOf(csv)).toEqual([]);
  expect(await faultsOf(inEach('approvedBy', 'Ann'))).toContain('malformed');
  expect(await faultsOf(inEach('type', 'AccountSuspended'))).toContain('malformed');
  expect(await faultsOf(csv.replace('\r\n20,', '\r\n0x14,'))).toEqual(['altered']);
  expect(await faultsOf(csv.replace('""by"":', '""by"":7,""by"":'))).toEqual(['altered']);
});

test('a receipt holds what it has to and nothing beside', async () => {
  const receipt = await log.transparency.proofs.receipt({ ...origin, commandId });
  const text = JSON.stringify(receipt);
  const verdict = await log.verdict(text);
  expect(verdict).toMatchObject({ intact: true, events: 2 });
  expect(verdict.notes).toEqual([expect.stringMatching(/all events of the command cannot be told/)]);
  const [first] = receipt.events;
  for (const forged of [
    text.replace('"stored":{', '"stored":{"approvedBy":"Ann",'),
    text.replace('"stored":', '"event":{"type":"AccountSuspended"},"stored":'),
    text.replace('"commandId":', '"command":"suspend-account","commandId":'),
    text.replace('"data":', '"data":{"by":9},"data":'),
    text.replace('"stored":{', '"stored":{"__proto__":{"approvedBy":"Ann"},'),
    text.replace('"vkey":"', '"vkey":"forged'),
    text.replace(commandId, newEventId()),
    JSON.stringify({ ...receipt, events: [first, first] }),
  ]) {
    expect(forged).not.toBe(text);
    expect((await log.verdict(forged)).intact).toBe(false);
  }
});

test('the filter that nothing was left out by is told to the letter', async () => {
  const filtered = await log.exported({ filter: { correlationId: 'no‑such' } });
  expect((await log.verdict(filtered)).notes).toEqual([
    'Nothing that matches {"correlationId":"no\\u2011such"} was left out, by what entries carry.',
  ]);
  expect(
    (await log.verdict(filtered.replace('"filter":{', '"filter":{"from":"x",'))).unverifiable,
  ).toBeDefined();
});

test('an earlier checkpoint of any size is held against the log, or nothing is called intact', async () => {
  const [vkey = ''] = await log.vkeys();
  const { name } = verifierOf(vkey);
  const signer = signerOf(name, signingKey);
  expect(signer.vkey).toBe(vkey);
  const part = await log.exported({ from: 1, to: 21 });
  const { checkpoint } = JSON.parse(part.slice(0, part.indexOf('\n')));
  const { size } = openCheckpoint(checkpoint, [verifierOf(vkey)]);
  expect(size).toBeGreaterThan(40);
  let untold = 0;
  for (let kept = 1; kept <= size; kept++) {
    const earlier = signer.sign(checkpointText({ origin: name, size: kept, root: randomBytes(32) }));
    const { intact, unverifiable } = await log.verdict(part, { earlier });
    expect([kept, intact]).toEqual([kept, false]);
    if (unverifiable === undefined) continue;
    untold++;
    expect(kept).toBeGreaterThan(21);
    expect(unverifiable).toContain(`make one that goes on to position ${kept}`);
    expect((await log.verdict(whole, { earlier })).unverifiable).toBeUndefined();
  }
  expect(untold).toBeGreaterThan(0);
});

describe('What is no export at all', () => {
  async function* many(bytes: Buffer, times: number): AsyncGenerator<Buffer> {
    for (let n = 0; n < times; n++) yield bytes;
  }
  const verdictOf = async (...sources: AsyncIterable<Uint8Array>[]) => {
    async function* all() {
      for (const source of sources) yield* source;
    }
    return verify({ source: all(), vkeys: await log.vkeys() }, ownHand);
  };
  const head = () => many(Buffer.from(whole.slice(0, whole.indexOf('\n') + 1)), 1);

  test('a line longer than any event cannot be verified, at the beginning and behind it', async () => {
    const piece = Buffer.alloc(16_384, 'x');
    for (const before of [[], [head()]])
      expect(await verdictOf(...before, many(piece, 5_000))).toMatchObject({
        intact: false,
        unverifiable: 'a line of it is longer than any event.',
      });
  });

  test('of lines without end only so many are looked at', async () => {
    let read = 0;
    async function* endless() {
      for (;;) {
        read++;
        yield Buffer.from('{}\n'.repeat(20_000));
      }
    }
    expect(await verdictOf(head(), endless())).toMatchObject({ intact: false, unverifiable: undefined });
    expect(read).toBeLessThan(1_000);
  });
});
