/** `quarterdeck verify` as an auditor runs it: a process, files, an exit code and words. Never a stack trace. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { csvColumns } from '../../../src/audit/provable/format.ts';
import { csvLines } from '../../../src/http/csv.ts';
import { builtProgram } from '../../chaos/built.ts';
import { type TestDatabase, testDatabase } from '../../setup/database.ts';
import { newSigningKey, openSealed, origin, type Sealed, tamper, textOf } from '../transparency/testbed.ts';

let db: TestDatabase;
let log: Sealed;
let folder: string;
let key: string;
let text: string;
let csv: string;
let manifest: string;
let program: string;

beforeAll(async () => {
  program = await builtProgram();
  db = await testDatabase();
  log = await openSealed(db);
  for (let n = 0; n < 60; n++) await log.write(`counter-${n % 5}`, 'Counted', { by: n });
  await log.sealed();
  folder = await mkdtemp(join(tmpdir(), 'quarterdeck-verify-'));
  key = await file('vkey', (await log.vkeys()).join('\n'));
  text = await log.exported({ to: 50 });
  const { id, rows } = await log.transparency.exports.open({ ...origin, body: { format: 'csv', to: 50 } });
  csv = await textOf(
    csvLines(
      csvColumns.map((name) => ({ name, text: false })),
      rows,
    ),
  );
  manifest = await file(
    'manifest.ndjson',
    await textOf(await log.transparency.exports.manifest({ ...origin, id: String(id) })),
  );
});
afterAll(async () => {
  await log.close();
  await db.drop();
  await rm(folder, { recursive: true, force: true });
});

const file = async (name: string, content: string | Buffer): Promise<string> => {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
};

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

const run = async (...words: readonly string[]): Promise<Ended> => {
  const child = spawn(process.execPath, [program, 'verify', ...words], {
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  let [out, err] = ['', ''];
  child.stdout.on('data', (bytes: Buffer) => (out += String(bytes)));
  child.stderr.on('data', (bytes: Buffer) => (err += String(bytes)));
  const [code] = (await once(child, 'close')) as [number | null];
  expect(out + err).not.toMatch(/\n\s+at /);
  return { code, out, err };
};

const ours = (...words: readonly string[]): Promise<Ended> => run(...words, '--key', key);

test('0: intact, also packed, and as CSV with its manifest', async () => {
  const plain = await file('plain.ndjson', text);
  expect(await ours(plain)).toMatchObject({ code: 0, out: expect.stringMatching(/^intact\n/), err: '' });
  expect(await ours(await file('packed.ndjson.gz', gzipSync(text)))).toMatchObject({ code: 0 });
  expect(await ours(manifest, '--events', await file('whole.csv', csv))).toMatchObject({
    code: 0,
    out: expect.stringContaining(': 50 events in the CSV file, each against its entry here.'),
  });
  expect(await ours(manifest, '--events', await file('whole.csv.gz', gzipSync(csv)))).toMatchObject({
    code: 0,
  });
});

test('1: altered, left out, cut at the end of a line', async () => {
  expect(await ours(await file('altered.ndjson', text.replace('"by":7', '"by":8')))).toMatchObject({
    code: 1,
    out: expect.stringMatching(/^altered at \d+\n/),
  });
  const lines = text.split('\n');
  expect(await ours(await file('cut.ndjson', lines.slice(0, 20).join('\n')))).toMatchObject({
    code: 1,
    out: expect.stringMatching(/^missing \d+\n/),
  });
  const rows = csv.split('\r\n');
  expect(
    await ours(manifest, '--events', await file('short.csv', rows.slice(0, 9).join('\r\n'))),
  ).toMatchObject({
    code: 1,
  });
});

test('1: a file as the archive keeps them, written halfway to the end of a member', async () => {
  const lines = text.split('\n').slice(0, -1);
  const members = [0, 20, 40].map((from) =>
    gzipSync(`${lines.slice(from, from === 40 ? undefined : from + 20).join('\n')}\n`),
  );
  expect(await ours(await file('members.ndjson.gz', Buffer.concat(members)))).toMatchObject({ code: 0 });
  expect(await ours(await file('half.ndjson.gz', Buffer.concat(members.slice(0, 2))))).toMatchObject({
    code: 1,
    out: expect.stringMatching(/^missing 40\n/),
  });
});

test('1: a tile that does not hold what was sealed', async () => {
  const own = await testDatabase();
  const other = await openSealed(own);
  for (let n = 0; n < 20; n++) await other.write('counter-1', 'Counted', { by: n });
  await other.sealed();
  const vkey = (await other.vkeys()).join('\n');
  await tamper(
    own,
    `UPDATE log_tiles SET hashes = overlay(hashes PLACING '\\x00'::bytea FROM 97) WHERE level = 0 AND index = 0`,
  );
  const tampered = await file('tile.ndjson', await other.exported());
  await other.close();
  await own.drop();
  expect(await run(tampered, '--key', await file('other-vkey', vkey))).toMatchObject({
    code: 1,
    out: expect.stringMatching(/^altered at 4\n/),
  });
});

describe('2: it cannot be told', () => {
  test('words that are none of the command, or no number of threads', async () => {
    const whole = await file('whole.ndjson', text);
    for (const words of [['--quick'], ['--threads', 'two'], ['--threads', '0'], [whole]])
      expect(await ours(whole, ...words)).toMatchObject({ code: 2, out: '' });
    expect(await run()).toMatchObject({ code: 2, out: '' });
    expect(await run('--help')).toMatchObject({ code: 0, err: '' });
  });

  test('a packed file with bytes that changed on the way', async () => {
    const packed = gzipSync(text);
    packed.fill(0, packed.length - 8);
    expect(await ours(await file('bytes.ndjson.gz', packed))).toMatchObject({
      code: 2,
      err: expect.stringMatching(/bytes\.ndjson\.gz cannot be unpacked to its end: incorrect data check/),
    });
  });

  test('another key, another file, no file, no key', async () => {
    const other = await openSealed(db, newSigningKey());
    const vkey = (await other.vkeys()).at(-1) ?? '';
    await other.close();
    const whole = await file('whole.ndjson', text);
    expect(await run(whole, '--key', vkey.replace(/\+[^+]*$/, '+AAAA'))).toMatchObject({ code: 2 });
    expect(await ours(await file('other.txt', 'Dear auditor,\n'))).toMatchObject({
      code: 2,
      out: expect.stringContaining('not verified'),
    });
    expect(await ours(join(folder, 'none.ndjson'))).toMatchObject({
      code: 2,
      err: expect.stringContaining('There is no file'),
    });
    expect(await run(whole, '--key', join(folder, 'none'))).toMatchObject({ code: 2 });
    expect(await run(whole)).toMatchObject({
      code: 2,
      err: expect.stringContaining('Give the verifier key'),
    });
    expect(await ours(manifest)).toMatchObject({ code: 2, out: expect.stringContaining('--events') });
  });

  test('a packed file that is cut, of an export and of its CSV', async () => {
    const packed = gzipSync(text);
    expect(await ours(await file('cut.ndjson.gz', packed.subarray(0, packed.length / 2)))).toMatchObject({
      code: 2,
      err: expect.stringMatching(
        /cut\.ndjson\.gz cannot be unpacked to its end: unexpected end of file \(behind \d+ bytes of what it holds\)\. Fetch it anew/,
      ),
    });
    const rows = gzipSync(csv);
    expect(
      await ours(manifest, '--events', await file('cut.csv.gz', rows.subarray(0, rows.length / 2))),
    ).toMatchObject({
      code: 2,
      err: expect.stringMatching(/cut\.csv\.gz cannot be unpacked to its end/),
    });
  });

  describe('a server', () => {
    let server: Server | undefined;
    afterEach(() => server?.close());
    const serve = async (answer: RequestListener): Promise<string> => {
      server = createServer(answer).listen(0, '127.0.0.1');
      await once(server, 'listening');
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    };
    const asked = async (url: string): Promise<Ended> =>
      ours(url, '--token-file', await file('token', 'secret'));

    test('that hangs up in the middle', async () => {
      const url = await serve((_request, response) => {
        response.writeHead(200, { 'content-length': String(text.length) });
        response.write(text.slice(0, text.length / 2), () => response.destroy());
      });
      expect(await asked(url)).toMatchObject({ code: 2, err: expect.stringContaining('broke off') });
    });

    test('that refuses, or is not there', async () => {
      const url = await serve((_request, response) => response.writeHead(403).end('not permitted'));
      expect(await asked(url)).toMatchObject({
        code: 2,
        err: expect.stringMatching(/answers 403: not permitted/),
      });
      server?.close();
      await once(server as Server, 'close');
      expect(await asked(url)).toMatchObject({ code: 2, err: expect.stringContaining('does not answer') });
      expect(await asked('http://')).toMatchObject({ code: 2, err: expect.stringContaining('is no URL') });
    });
  });
});

test('rows without end that no event is of are counted, and a quotation mark that never closes is found', async () => {
  const [header = '', row = ''] = csv.split('\r\n');
  const strays = `${row.replace(/^\d+/, '0')}\r\n`.repeat(200_000);
  const many = await ours(
    manifest,
    '--events',
    await file('many.csv', `${header}\r\n${strays}${csv.slice(header.length + 2)}`),
  );
  expect(many).toMatchObject({ code: 1, out: expect.stringMatching(/and 199980 more/) });
  const open = await ours(
    manifest,
    '--events',
    await file('open.csv', `${header}\r\n"${'x'.repeat(70_000_000)}`),
  );
  expect(open).toMatchObject({ code: 1, out: expect.stringContaining('The CSV file cannot be read') });
});
