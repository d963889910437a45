/** What is wrong with an upload as a whole, always with the line where it is. */
import { QuarterdeckError } from '../../errors.ts';
import { rowBytesMax } from './source.ts';

export const malformedLine = (line: number, message: string): QuarterdeckError =>
  new QuarterdeckError(
    'malformed_request',
    `Line ${line} of the upload cannot be read. Nothing was started.`,
    {
      errors: [{ path: `line ${line}`, message }],
      extra: { line },
    },
  );

export const rowTooLarge = (line: number): QuarterdeckError =>
  new QuarterdeckError(
    'too_large',
    `The row at line ${line} has more than ${rowBytesMax} bytes. Nothing was started.`,
    {
      errors: [{ path: `line ${line}`, message: 'Shorten it, or close a quote.' }],
      extra: { line, limitBytes: rowBytesMax },
    },
  );
