/**
 * The texts that a workbook keeps beside its cells, which name them by number. There may be millions, so they
 * lie in a file, sixty-four at a time, and those last used in memory. Rows mostly name them in the order in
 * which they lie, and come back to the first ones.
 */
import { readSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { LRUCache } from 'lru-cache';
import { broken, cellTooLong } from './faults.ts';
import { cellCharsMax, readXml } from './xml.ts';

export interface SharedStrings {
  /** @throws QuarterdeckError `malformed_request` where there is none of that number. */
  get(index: number): string;
}

export const noSharedStrings: SharedStrings = {
  get() {
    throw broken();
  },
};

const blockStrings = 64;
const cachedCharsMax = 8 * 2 ** 20;
/** What an entry takes beside its characters, in characters. */
const blockOverhead = 1_024;
/** XML cannot hold it, so no text does. */
const separator = '\u0000';

interface Written {
  readonly count: number;
  /** Where each block begins, and where the last one ends. */
  readonly offsets: readonly number[];
}

const write = async (pieces: AsyncIterable<string>, file: FileHandle): Promise<Written> => {
  const offsets = [0];
  let end = 0;
  let count = 0;
  let block: string[] = [];
  let waiting: Buffer[] = [];
  const closeBlock = (): void => {
    const bytes = Buffer.from(block.join(separator));
    end += bytes.length;
    offsets.push(end);
    waiting.push(bytes);
    block = [];
  };
  const add = (text: string): void => {
    block.push(text);
    count++;
    if (block.length === blockStrings) closeBlock();
  };
  for await (const _ of readXml(pieces, stringsHandler(add))) {
    if (waiting.length === 0) continue;
    await file.write(Buffer.concat(waiting));
    waiting = [];
  }
  closeBlock();
  await file.write(Buffer.concat(waiting));
  return { count, offsets };
};

/** A text may be in runs of their own look; how it is pronounced (`rPh`) is no part of it. */
const stringsHandler = (add: (text: string) => void) => {
  let text = '';
  let inText = false;
  let inPhonetic = false;
  return {
    open(name: string) {
      if (name === 'si') text = '';
      else if (name === 'rPh') inPhonetic = true;
      else if (name === 't') inText = !inPhonetic;
    },
    close(name: string) {
      if (name === 'si') add(text);
      else if (name === 'rPh') inPhonetic = false;
      else if (name === 't') inText = false;
    },
    text(part: string) {
      if (!inText) return;
      text += part;
      if (text.length > cellCharsMax) throw cellTooLong(cellCharsMax);
    },
  };
};

export const readSharedStrings = async (
  pieces: AsyncIterable<string>,
  file: FileHandle,
): Promise<SharedStrings> => {
  const { count, offsets } = await write(pieces, file);
  const blocks = new LRUCache<number, readonly string[]>({
    maxSize: cachedCharsMax,
    sizeCalculation: (texts) => texts.reduce((sum, { length }) => sum + length, blockOverhead),
  });
  const read = (block: number): readonly string[] => {
    const [from = 0, to = 0] = offsets.slice(block, block + 2);
    const bytes = Buffer.alloc(to - from);
    readSync(file.fd, bytes, 0, bytes.length, from);
    const texts = bytes.toString('utf8').split(separator);
    blocks.set(block, texts);
    return texts;
  };
  return {
    get(index) {
      if (!(Number.isInteger(index) && index >= 0 && index < count)) throw broken();
      const block = Math.floor(index / blockStrings);
      return (blocks.get(block) ?? read(block))[index % blockStrings] ?? '';
    },
  };
};
