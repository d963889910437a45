/**
 * An NDJSON upload: one JSON object a line, one item each; blank lines are skipped. A line that is not a
 * JSON object refuses the whole upload with its number: nothing is half-read.
 */
import type { EventData } from '../../events/definition.ts';
import { malformedLine, rowTooLarge } from './faults.ts';
import { batchItems, rowBytesMax, type Source, type SourceItem } from './source.ts';

const newline = 0x0a;

export async function* ndjsonSource(
  content: AsyncIterable<Uint8Array>,
): Source & AsyncGenerator<readonly SourceItem[]> {
  let line = 0;
  let batch: SourceItem[] = [];
  for await (const bytes of linesOf(content)) {
    line++;
    if (bytes === tooLong) throw rowTooLarge(line);
    const text = decode(bytes, line);
    if (text.trim() === '') continue;
    batch.push({ line, input: parseObject(text, line) });
    if (batch.length === batchItems) {
      yield batch;
      batch = [];
    }
  }
  if (batch.length > 0) yield batch;
}

const tooLong = Symbol('too long');

/** Lines as bytes, without their end; `tooLong` in place of the first one beyond the bound. */
async function* linesOf(content: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer | typeof tooLong> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const bytes of content) {
    const buffer = rest.length === 0 ? Buffer.from(bytes) : Buffer.concat([rest, bytes]);
    let from = 0;
    for (let end = buffer.indexOf(newline); end >= 0; end = buffer.indexOf(newline, from)) {
      yield end - from > rowBytesMax ? tooLong : buffer.subarray(from, end);
      from = end + 1;
    }
    rest = buffer.subarray(from);
    if (rest.length > rowBytesMax) yield tooLong;
  }
  if (rest.length > 0) yield rest;
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** The decoder drops a BOM, which may only be there on the first line. */
const decode = (bytes: Buffer, line: number): string => {
  try {
    return utf8.decode(bytes);
  } catch {
    throw malformedLine(line, 'It is not UTF-8.');
  }
};

const parseObject = (text: string, line: number): EventData => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw malformedLine(line, 'It is not valid JSON; each line holds one whole JSON object.');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw malformedLine(line, 'It is not a JSON object; each line holds one item like {"field": "value"}.');
  }
  return value as EventData;
};
