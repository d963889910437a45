/**
 * The zip file that a workbook is. Nothing of it is unfolded beyond what it says, nor beyond a bound for each
 * part, however small it is folded; of every part its check sum is held against what was read.
 */
import { once } from 'node:events';
import type { FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { type Entry, fromFd, type ZipFile } from 'yauzl';
import { isQuarterdeckError } from '../../../errors.ts';
import { encodingOf } from '../encodings.ts';
import { textOf } from '../text.ts';
import { broken, unfoldsTooFar, unreadable } from './faults.ts';

export interface Archive {
  has(part: string): boolean;
  /** The part as text, piece by piece. @throws QuarterdeckError `malformed_request`, `too_large`. */
  text(part: string, bytesMax: number): AsyncIterable<string>;
}

/** A workbook has tens of parts; one with thousands of pictures is still read. */
const partsMax = 20_000;

/** What Office wraps an encrypted workbook in, and what the old .xls is. */
const compoundFile = Buffer.from('d0cf11e0a1b11ae1', 'hex');

export const openArchive = async (file: FileHandle, size: number): Promise<Archive> => {
  const head = Buffer.alloc(8);
  await file.read(head, 0, head.length, 0);
  if (size === 0) throw unreadable('It is empty.');
  if (head.equals(compoundFile))
    throw unreadable(
      'It is protected by a password, or in the old .xls format. Save it as .xlsx without a password.',
    );
  if (head.toString('latin1', 0, 2) !== 'PK') throw unreadable('It is no .xlsx file.');
  const zip = await opened(file.fd);
  const parts = await partsOf(zip);
  return {
    has: (part) => parts.has(part),
    text: (part, bytesMax) => textOfPart(zip, parts.get(part), part, bytesMax),
  };
};

const opened = (fd: number): Promise<ZipFile> =>
  new Promise((resolve, reject) => {
    fromFd(fd, { lazyEntries: true, autoClose: false }, (error, zip) => {
      if (error === null) resolve(zip);
      else reject(broken());
    });
  });

const partsOf = async (zip: ZipFile): Promise<ReadonlyMap<string, Entry>> => {
  if (zip.entryCount > partsMax) throw unreadable(`It has more than ${partsMax} parts.`);
  const parts = new Map<string, Entry>();
  const ended = once(zip, 'end').catch(() => Promise.reject(broken()));
  zip.on('entry', (entry: Entry) => {
    parts.set(entry.fileName, entry);
    zip.readEntry();
  });
  zip.readEntry();
  await ended;
  return parts;
};

async function* textOfPart(
  zip: ZipFile,
  entry: Entry | undefined,
  part: string,
  bytesMax: number,
): AsyncGenerator<string> {
  if (entry === undefined) throw broken();
  if (entry.isEncrypted()) throw unreadable('It is protected by a password. Save it without one.');
  if (entry.uncompressedSize > bytesMax) throw unfoldsTooFar(part, bytesMax);
  const utf8 = encodingOf('utf-8');
  if (utf8 === undefined) return;
  try {
    yield* textOf(contentOf(zip, entry), utf8).pieces;
  } catch (error) {
    throw isQuarterdeckError(error) && error.code === 'too_large' ? error : broken();
  }
}

/** yauzl ends it with an error where it is longer or shorter than it says. */
async function* contentOf(zip: ZipFile, entry: Entry): AsyncGenerator<Uint8Array> {
  const stream = await new Promise<NodeJS.ReadableStream>((resolve, reject) => {
    zip.openReadStream(entry, (error, opening) => (error === null ? resolve(opening) : reject(error)));
  });
  let sum = 0;
  for await (const bytes of stream as AsyncIterable<Buffer>) {
    sum = crc32(bytes, sum);
    yield bytes;
  }
  if (sum !== entry.crc32) throw broken();
}
