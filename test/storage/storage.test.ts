/** What every place for files promises, on a real directory and on a real S3 server. */
import { createHash, randomBytes } from 'node:crypto';
import { partBytes, partsOf } from '../../src/storage/parts.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { bucketPlace, directoryPlace, type Place } from './places.ts';

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const textOf = async (pieces: AsyncIterable<Buffer> | undefined): Promise<string | undefined> => {
  if (pieces === undefined) return undefined;
  const all: Buffer[] = [];
  for await (const piece of pieces) all.push(piece);
  return Buffer.concat(all).toString('latin1');
};

const digestOf = async (pieces: AsyncIterable<Uint8Array> | undefined): Promise<string> => {
  const hash = createHash('sha256');
  for await (const piece of pieces ?? []) hash.update(piece);
  return hash.digest('hex');
};

const namesIn = async (storage: Storage, prefix: string): Promise<readonly string[]> => {
  const names: string[] = [];
  for await (const { name } of storage.list(prefix)) names.push(name);
  return names.sort();
};

describe.each([
  ['A directory', directoryPlace],
  ['A bucket', bucketPlace],
] as const)('%s', (_, openPlace) => {
  let place: Place;
  let storage: Storage;
  beforeAll(async () => {
    place = await openPlace();
    storage = place.storage;
  });
  afterAll(() => place.end());

  test.each([
    ['nothing', 0],
    ['one byte', 1],
    ['exactly one part', partBytes],
    ['a part and a byte', partBytes + 1],
    ['several parts', 2 * partBytes + 12_345],
  ])('gives back what was written: %s', async (_name, bytes) => {
    const content = randomBytes(bytes);
    expect(await storage.write('given/whole', content)).toBe(bytes);
    expect(await storage.write('given/in-pieces', inPieces(content, 100_003))).toBe(bytes);
    for (const name of ['given/whole', 'given/in-pieces']) {
      expect(await storage.stat(name)).toEqual({ bytes });
      expect(await digestOf(await storage.read(name))).toBe(await digestOf(inPieces(content, 100_003)));
    }
  });

  test('a file is replaced as a whole', async () => {
    await storage.write('replaced', Buffer.from('the first, and longer'));
    await storage.write('replaced', Buffer.from('the second'));
    expect(await textOf(await storage.read('replaced'))).toBe('the second');
  });

  test.each([
    ['early', 1],
    ['after several parts', 30],
  ])('content that fails %s leaves the file that was there, and nothing else', async (_name, pieces) => {
    const piece = randomBytes(1024 * 1024);
    async function* failing(): AsyncGenerator<Buffer> {
      for (let n = 0; n < pieces; n++) yield piece;
      throw new Error('the source broke');
    }
    await storage.write('failing/before', Buffer.from('as before'));
    await expect(storage.write('failing/before', failing())).rejects.toThrow('the source broke');
    await expect(storage.write('failing/new', failing())).rejects.toThrow('the source broke');
    expect(await textOf(await storage.read('failing/before'))).toBe('as before');
    expect(await namesIn(storage, 'failing/')).toEqual(['failing/before']);
    expect(await place.unfinished()).toEqual([]);
  });

  test.each([
    [{}, '0123456789'],
    [{ start: 3 }, '3456789'],
    [{ end: 4 }, '0123'],
    [{ start: 2, end: 5 }, '234'],
    [{ start: 9, end: 10 }, '9'],
    [{ start: 4, end: 4 }, ''],
    [{ start: 8, end: 99 }, '89'],
    [{ start: 10 }, ''],
    [{ start: 50, end: 60 }, ''],
  ])('reads the range %j', async (range, expected) => {
    await storage.write('ranged', Buffer.from('0123456789'));
    expect(await textOf(await storage.read('ranged', range))).toBe(expected);
  });

  test('what is not there is undefined, and may be removed', async () => {
    expect(await storage.read('missing/file')).toBeUndefined();
    expect(await storage.read('missing/file', { start: 1, end: 1 })).toBeUndefined();
    expect(await storage.stat('missing/file')).toBeUndefined();
    await storage.remove('missing/file');
    expect(await namesIn(storage, 'missing/')).toEqual([]);
  });

  test('a folder is no file', async () => {
    await storage.write('folder/inner', Buffer.from('x'));
    expect(await storage.stat('folder')).toBeUndefined();
    expect(await storage.read('folder')).toBeUndefined();
  });

  test('lists by prefix, more than one page of them, and forgets what was removed', async () => {
    const names = Array.from({ length: 1_050 }, (_n, i) => `listed/${i % 3}/${String(i).padStart(5, '0')}`);
    for (let at = 0; at < names.length; at += 50)
      await Promise.all(names.slice(at, at + 50).map((name) => storage.write(name, Buffer.from(name))));
    expect(await namesIn(storage, 'listed/')).toEqual([...names].sort());
    expect(await namesIn(storage, 'listed/1/')).toEqual(
      names.filter((n) => n.startsWith('listed/1/')).sort(),
    );
    expect(await namesIn(storage, 'listed/1/0010')).toEqual(
      names.filter((n) => n.startsWith('listed/1/0010')),
    );
    await storage.remove('listed/0/00000');
    expect(await namesIn(storage, 'listed/0/00000')).toEqual([]);
    for await (const file of storage.list('listed/2/')) expect(file.bytes).toBe(file.name.length);
  });

  test.each([
    '',
    '.',
    '..',
    '../outside',
    'a/../../outside',
    '/etc/passwd',
    'a//b',
    'a/',
    '.hidden',
    'a\\b',
    'a\0b',
    'ä',
  ])('the name %j is refused, whatever is done with it', async (name) => {
    await expect(storage.write(name, Buffer.from('x'))).rejects.toThrow('is no name');
    await expect(storage.read(name)).rejects.toThrow('is no name');
    await expect(storage.stat(name)).rejects.toThrow('is no name');
    await expect(storage.remove(name)).rejects.toThrow('is no name');
    if (name !== '' && name !== 'a/') await expect(namesIn(storage, name)).rejects.toThrow('is no name');
  });

  test('a reader may leave early, and the next begins anew', async () => {
    await storage.write('left', randomBytes(3 * 1024 * 1024));
    for (let n = 0; n < 60; n++)
      for await (const piece of (await storage.read('left')) ?? []) {
        expect(piece.length).toBeGreaterThan(0);
        break;
      }
    expect(await storage.stat('left')).toEqual({ bytes: 3 * 1024 * 1024 });
  });
});

test('parts are of one size but for the last, whatever the pieces', async () => {
  const bytes = randomBytes(1_000);
  for (const [size, piece] of [
    [300, 7],
    [250, 250],
    [100, 999],
    [1_000, 1_000],
    [4_000, 1],
  ] as const) {
    const parts: Buffer[] = [];
    for await (const part of partsOf(inPieces(bytes, piece), size)) parts.push(part);
    expect(parts.slice(0, -1).every(({ length }) => length === size)).toBe(true);
    expect(Buffer.concat(parts).equals(bytes)).toBe(true);
  }
});
