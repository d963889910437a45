/** What is wrong with an upload as a whole, always with the line where it is. */
import { QuarterdeckError } from '../../errors.ts';
import { rowCharsMax, uploadBytesMax } from './source.ts';

export const malformedLine = (line: number, message: string): QuarterdeckError =>
  new QuarterdeckError(
    'malformed_request',
    `Line ${line} of the upload cannot be read. Nothing was started.`,
    {
      errors: [{ path: `line ${line}`, message }],
      extra: { line },
    },
  );

/** Readable as a file, but its bytes are no text of the encoding that it is said to be in. */
export const notInEncoding = (line: number, message: string): QuarterdeckError =>
  new QuarterdeckError(
    'invalid_input',
    `Line ${line} of the upload is in another encoding. Nothing was started.`,
    {
      errors: [{ path: `line ${line}`, message }],
      extra: { line },
    },
  );

export const rowTooLarge = (line: number): QuarterdeckError =>
  new QuarterdeckError(
    'too_large',
    `The row at line ${line} has more than ${rowCharsMax} characters. Nothing was started.`,
    {
      errors: [{ path: `line ${line}`, message: 'Shorten it, or close a quote.' }],
      extra: { line, limitCharacters: rowCharsMax },
    },
  );

export const uploadTooLarge = (): QuarterdeckError =>
  new QuarterdeckError(
    'too_large',
    `An upload may have ${uploadBytesMax} bytes; this one has more. Split it into several. Nothing was started.`,
    { extra: { limitBytes: uploadBytesMax } },
  );
