/** An encrypted file: any part of it is read by itself, and nothing of it can be changed unnoticed. */
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import {
  chunkBytes,
  FileLost,
  fileKey,
  openPart,
  sealedChunks,
} from '../../src/workers/exports/sealed-file.ts';

const key = fileKey(randomBytes(32), 'a-file');

const joined = async (content: AsyncIterable<Buffer>): Promise<Buffer> => {
  const pieces: Buffer[] = [];
  for await (const piece of content) pieces.push(piece);
  return Buffer.concat(pieces);
};

async function* inPieces(bytes: Buffer, size = 10_007): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const sealed = (plain: Buffer, under = key) => joined(sealedChunks(under, inPieces(plain)));

const opened = async (file: Buffer, bytes: number, part = { start: 0, end: bytes }, under = key) => {
  const read = async ({ start, end }: { start: number; end: number }) =>
    inPieces(file.subarray(start, end), 3_001);
  return joined(await openPart({ key: under, bytes, read }, part, async () => undefined));
};

const sizes = [0, 1, chunkBytes - 1, chunkBytes, chunkBytes + 1, 3 * chunkBytes, 3 * chunkBytes + 77];

test.each(sizes)('%i bytes come back as they were', async (bytes) => {
  const plain = randomBytes(bytes);
  const file = await sealed(plain);
  expect(file.length).toBe(bytes + 16 * Math.max(1, Math.ceil(bytes / chunkBytes)));
  expect((await opened(file, bytes)).equals(plain)).toBe(true);
});

test('any part is the part', async () => {
  const bytes = 3 * chunkBytes + 77;
  const plain = randomBytes(bytes);
  const file = await sealed(plain);
  await fc.assert(
    fc.asyncProperty(fc.nat(bytes - 1), fc.nat(bytes), async (start, length) => {
      const end = Math.min(bytes, start + length + 1);
      expect((await opened(file, bytes, { start, end })).equals(plain.subarray(start, end))).toBe(true);
    }),
    { numRuns: 100 },
  );
});

describe('is noticed:', () => {
  const bytes = 2 * chunkBytes + 100;
  const sealedChunk = chunkBytes + 16;
  const plain = randomBytes(bytes);
  const changed: readonly (readonly [string, (file: Buffer) => Buffer])[] = [
    [
      'a bit that was turned',
      (file) => Buffer.from(file.map((byte, at) => (at === 70_000 ? byte ^ 1 : byte))),
    ],
    [
      'chunks that changed places',
      (file) =>
        Buffer.concat([
          file.subarray(sealedChunk, 2 * sealedChunk),
          file.subarray(0, sealedChunk),
          file.subarray(2 * sealedChunk),
        ]),
    ],
    ['the last chunk cut off', (file) => file.subarray(0, 2 * sealedChunk)],
    ['the end cut off', (file) => file.subarray(0, -1)],
  ];
  test.each(changed)('%s', async (_, change) => {
    const file = change(await sealed(plain));
    await expect(opened(file, bytes)).rejects.toThrow();
  });

  test('another key, and the same export’s of another attempt', async () => {
    const file = await sealed(plain);
    const exportKey = randomBytes(32);
    await expect(opened(file, bytes, undefined, fileKey(exportKey, 'a-file'))).rejects.toThrow();
    expect(fileKey(exportKey, 'one').equals(fileKey(exportKey, 'two'))).toBe(false);
  });

  test('a last chunk shown for one in the middle: a shorter file than was written', async () => {
    const file = await sealed(plain);
    await expect(opened(file.subarray(0, 2 * sealedChunk), 2 * chunkBytes)).rejects.toThrow();
  });
});

describe('before anything is sent', () => {
  const bytes = 2 * chunkBytes;
  const part = { start: 0, end: bytes };

  test('a file that is lost, or whose beginning was changed, is known, and nobody is told that it was taken', async () => {
    let told = 0;
    const tell = async () => void told++;
    const lost = { key, bytes, read: async () => undefined };
    await expect(openPart(lost, part, tell)).rejects.toBeInstanceOf(FileLost);
    const changed = (await sealed(randomBytes(bytes))).fill(0, 10, 20);
    const read = async () => inPieces(changed);
    await expect(openPart({ key, bytes, read }, part, tell)).rejects.toThrow('authenticate');
    expect(told).toBe(0);
  });

  test('whoever may not, and whoever leaves before the first byte, leaves nothing open', async () => {
    const file = await sealed(randomBytes(bytes));
    let open = 0;
    const read = async () =>
      (async function* () {
        open++;
        try {
          yield* inPieces(file);
        } finally {
          open--;
        }
      })();
    const refuse = () => Promise.reject(new Error('not recorded'));
    await expect(openPart({ key, bytes, read }, part, refuse)).rejects.toThrow('not recorded');
    expect(open).toBe(0);
    const content = await openPart({ key, bytes, read }, part, async () => undefined);
    expect(open).toBe(1);
    await content[Symbol.asyncIterator]().return?.();
    expect(open).toBe(0);
  });
});
