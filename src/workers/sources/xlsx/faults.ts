/** What is wrong with a workbook as a whole, and what to do about it. */
import { QuarterdeckError } from '../../../errors.ts';

export const unreadable = (message: string): QuarterdeckError =>
  new QuarterdeckError('malformed_request', 'The workbook cannot be read. Nothing was started.', {
    errors: [{ path: 'workbook', message }],
  });

export const broken = (): QuarterdeckError =>
  unreadable('It is cut off or damaged. Save it again as .xlsx and send the whole file.');

export const unfoldsTooFar = (part: string, bytesMax: number): QuarterdeckError =>
  new QuarterdeckError(
    'too_large',
    `The workbook's ${part} unfolds to more than ${bytesMax} bytes. Save the rows as CSV and send that. Nothing was started.`,
    { extra: { limitBytes: bytesMax } },
  );

export const cellTooLong = (charsMax: number): QuarterdeckError =>
  new QuarterdeckError(
    'too_large',
    `A cell of the workbook has more than ${charsMax} characters. Shorten it. Nothing was started.`,
    { extra: { limitCharacters: charsMax } },
  );
