/**
 * The bytes of an upload as text, piece by piece. Pieces are gathered to a size at which work on each is
 * little against work on its characters, also where a client sends byte by byte.
 */
import { QuarterdeckError } from '../../errors.ts';
import { byMark, countLines, type Encoding } from './encodings.ts';
import { malformedLine, notInEncoding } from './faults.ts';

/** Half of what an old-space page of V8 takes, so that pieces die young. */
const pieceBytesMin = 64 * 1024;

export interface UploadText {
  readonly pieces: AsyncIterable<string>;
  /** Known once the first piece was read. */
  encoding(): string;
}

async function* gathered(content: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let parts: Uint8Array[] = [];
  let size = 0;
  for await (const bytes of content) {
    parts.push(bytes);
    size += bytes.length;
    if (size < pieceBytesMin) continue;
    yield Buffer.concat(parts, size);
    parts = [];
    size = 0;
  }
  if (size > 0) yield Buffer.concat(parts, size);
}

export const textOf = (content: AsyncIterable<Uint8Array>, said: Encoding): UploadText => {
  let encoding = said;
  let lines = 0;

  const decode = (bytes: Buffer): string => {
    const text = encoding.decode(bytes);
    if (text === undefined) throw faultOf(encoding, lines + encoding.linesBeforeFault(bytes) + 1);
    lines += countLines(text);
    return text;
  };

  const pieces = async function* () {
    let rest: Buffer | undefined;
    for await (const gatheredBytes of gathered(content)) {
      let bytes = gatheredBytes;
      if (rest === undefined) {
        const mark = byMark(bytes);
        encoding = mark?.encoding ?? said;
        bytes = bytes.subarray(mark?.markBytes ?? 0);
        refuseOther(bytes, encoding);
      } else if (rest.length > 0) bytes = Buffer.concat([rest, bytes]);
      const whole = encoding.whole(bytes);
      rest = bytes.subarray(whole);
      yield decode(bytes.subarray(0, whole));
    }
    if (rest !== undefined && rest.length > 0) yield decode(rest);
  };
  return { pieces: pieces(), encoding: () => encoding.name };
};

const remedies: Readonly<Record<Encoding['name'], string>> = {
  'utf-8':
    'It is not UTF-8. Save the file as UTF-8 ("CSV UTF-8" in Excel), or say what it is in, like encoding=windows-1252.',
  'utf-16le': 'It is not UTF-16 (little endian). Save the file as UTF-8, or say what it is in with encoding.',
  'utf-16be': 'It is not UTF-16 (big endian). Save the file as UTF-8, or say what it is in with encoding.',
  'windows-1252':
    'It holds a byte that Windows-1252 does not use. Save the file as UTF-8, or say what it is in with encoding.',
};

const faultOf = ({ name }: Encoding, line: number) => notInEncoding(line, remedies[name]);

/** Files that are no text are told as what they are, rather than as a wrong first column. */
const refuseOther = (bytes: Buffer, { name }: Encoding): void => {
  if (bytes.subarray(0, 4).equals(zipSignature)) {
    throw new QuarterdeckError(
      'malformed_request',
      'The upload is a zip file or an Excel workbook, not text. Send a workbook with Content-Type: application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.',
    );
  }
  if (name.startsWith('utf-16')) return;
  const nul = bytes.subarray(0, 256).indexOf(0);
  if (nul < 0 || bytes.subarray(0, nul).includes(0x0a)) return;
  throw malformedLine(
    1,
    'It holds a NUL byte, as UTF-16 does. Save the file as UTF-8, or say encoding=utf-16le or utf-16be.',
  );
};

const zipSignature = Buffer.from('PK\x03\x04', 'latin1');
