/**
 * An NDJSON upload: one JSON object a line, one item each; blank lines are skipped. A line that is not a
 * JSON object refuses the whole upload with its number: nothing is half-read.
 */
import type { EventData } from '../../events/definition.ts';
import type { Encoding } from './encodings.ts';
import { malformedLine, rowTooLarge } from './faults.ts';
import { batchItems, rowCharsMax, type SourceItem, type UploadSource } from './source.ts';
import { textOf } from './text.ts';

export const ndjsonSource = (content: AsyncIterable<Uint8Array>, encoding: Encoding): UploadSource => {
  const text = textOf(content, encoding);
  return { items: itemsOf(text.pieces), readAs: () => ({ encoding: text.encoding() }) };
};

async function* itemsOf(pieces: AsyncIterable<string>): AsyncGenerator<readonly SourceItem[]> {
  let line = 0;
  let batch: SourceItem[] = [];
  for await (const lines of linesOf(pieces)) {
    for (const text of lines) {
      line++;
      if (text.length > rowCharsMax) throw rowTooLarge(line);
      if (isBlank(text)) continue;
      batch.push({ line, input: parseObject(text, line) });
      if (batch.length < batchItems) continue;
      yield batch;
      batch = [];
    }
  }
  if (batch.length > 0) yield batch;
}

/** Lines without their end, as many as are whole; the first one beyond the bound as far as it has come. */
async function* linesOf(pieces: AsyncIterable<string>): AsyncGenerator<readonly string[]> {
  let rest = '';
  for await (const piece of pieces) {
    const lines = (rest + piece).split('\n');
    rest = lines.pop() ?? '';
    yield lines;
    if (rest.length > rowCharsMax) yield [rest];
  }
  if (rest.length > 0) yield [rest];
}

const isBlank = (text: string): boolean => text.charCodeAt(0) !== brace && text.trim() === '';

const brace = 0x7b;

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
