/** Cuts a stream of bytes into blocks of whole lines. */
const blockBytes = 1_048_576;
/** Longer than any event: what has no line break in so many bytes is no export. */
const lineBytesMax = 64 * 1_048_576;

export class LineTooLong extends Error {}

/**
 * Blocks end with a line break, but for the last where the source does not; whoever takes one may give its memory
 * away, which nothing else lies in but what is in the pool of small ones. @throws LineTooLong
 */
export async function* blocksOfLines(source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let parts: Uint8Array[] = [];
  let length = 0;
  let hasEnd = false;
  for await (const chunk of source) {
    parts.push(chunk);
    length += chunk.length;
    hasEnd ||= chunk.includes(0x0a);
    if (!hasEnd && length > lineBytesMax) throw new LineTooLong();
    if (!hasEnd || length < blockBytes) continue;
    const whole = Buffer.concat(parts);
    const end = whole.lastIndexOf(0x0a) + 1;
    parts = [Buffer.from(whole.subarray(end))];
    yield whole.subarray(0, end);
    length -= end;
    hasEnd = false;
  }
  if (length > 0) yield Buffer.concat(parts);
}

/**
 * V8 moves a string of more than 128 KiB to the old generation the first time that it is met alive, where it stays
 * until all of the heap is looked through: so a block becomes text a few lines at a time.
 */
const textBytes = 64 * 1_024;

/** The lines of a block, without their breaks. */
export function* linesOf(block: Buffer): Generator<string> {
  for (let at = 0; at < block.length; ) {
    const next = block.indexOf(0x0a, Math.min(at + textBytes, block.length - 1));
    const end = next < 0 ? block.length : next + 1;
    const text = block.toString('utf8', at, end);
    at = end;
    for (let from = 0; from < text.length; ) {
      const to = text.indexOf('\n', from);
      yield text.slice(from, to < 0 ? text.length : to);
      from = to < 0 ? text.length : to + 1;
    }
  }
}

/** The first line of a stream, and blocks of the lines behind it. */
export interface Headed {
  readonly head: string;
  readonly blocks: AsyncGenerator<Buffer>;
}

export const headAndBlocks = async (source: AsyncIterable<Uint8Array>): Promise<Headed> => {
  const blocks = blocksOfLines(source);
  const { value, done } = await blocks.next();
  const first = done === true ? Buffer.alloc(0) : value;
  const end = first.indexOf(0x0a);
  const head = first.subarray(0, end < 0 ? first.length : end).toString('utf8');
  async function* rest(): AsyncGenerator<Buffer> {
    if (end >= 0 && end + 1 < first.length) yield first.subarray(end + 1);
    yield* blocks;
  }
  return { head, blocks: rest() };
};
