/** Opens an upload as what its media type says, with the options that this type has and no others. */
import { invalidInput, QuarterdeckError } from '../../errors.ts';
import type { UploadRequest, UploadType } from '../request.ts';
import type { AskedReading } from './asked-reading.ts';
import { csvSource } from './csv.ts';
import { type Encoding, encodingOf, encodingsSaid } from './encodings.ts';
import { malformedLine, uploadTooLarge } from './faults.ts';
import type { Wanted } from './header.ts';
import { ndjsonSource } from './ndjson.ts';
import { type Source, type SourceItem, type UploadSource, uploadBytesMax } from './source.ts';
import { xlsxSource } from './xlsx/xlsx.ts';

export const sourceNames = {
  'text/csv': 'csv',
  'application/x-ndjson': 'ndjson',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet': 'xlsx',
} as const satisfies Record<UploadType, string>;

const optionsOf = {
  csv: ['map', 'encoding', 'delimiter', 'decimal'],
  ndjson: ['encoding'],
  xlsx: ['map', 'sheet'],
} as const;

const why = {
  map: 'A map is for tables; each NDJSON line already names its fields.',
  encoding: 'A workbook says its encoding itself; leave it out.',
  delimiter: 'Only CSV has a delimiter; leave it out.',
  decimal: 'Only the numbers of CSV are text; leave it out.',
  sheet: 'Only a workbook has sheets; leave it out.',
} as const;

/** @throws QuarterdeckError `invalid_input`, `unsupported_media_type`. Nothing is read yet. */
export const openUpload = (
  { mediaType, charset }: Pick<UploadRequest, 'mediaType' | 'charset'>,
  content: AsyncIterable<Uint8Array>,
  asked: AskedReading,
  wanted: Wanted,
): UploadSource => {
  const name = sourceNames[mediaType];
  requireOptions(name, asked);
  if (name === 'xlsx') return xlsxSource(content, wanted, asked.sheet);
  const encoding = encodingSaid(asked.encoding, charset);
  if (name === 'ndjson') return ndjsonSource(content, encoding);
  const { delimiter, decimal = 'point' } = asked;
  return csvSource(content, wanted, { encoding, delimiter, decimal });
};

const requireOptions = (name: keyof typeof optionsOf, asked: AskedReading): void => {
  const allowed: readonly string[] = optionsOf[name];
  const errors = (Object.keys(why) as (keyof typeof why)[])
    .filter((option) => asked[option] !== undefined && !allowed.includes(option))
    .map((path) => ({ path, message: why[path] }));
  if (errors.length > 0)
    throw new QuarterdeckError('invalid_input', 'The bulk job is not valid.', { errors });
};

const encodingSaid = (label: string | undefined, charset: string | undefined): Encoding => {
  const byCharset = encodingOf(charset ?? 'utf-8');
  if (byCharset === undefined) {
    throw new QuarterdeckError('unsupported_media_type', `Send the upload in ${encodingsSaid}.`);
  }
  const said = label === undefined ? byCharset : encodingOf(label);
  if (said === undefined || (charset !== undefined && said !== byCharset)) {
    throw invalidInput('encoding', 'It is not the charset of the Content-Type; say one of them.');
  }
  return said;
};

/** Passes on at most what an upload may have. */
export async function* bounded(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let size = 0;
  for await (const bytes of content) {
    size += bytes.length;
    if (size > uploadBytesMax) throw uploadTooLarge();
    yield bytes;
  }
}

/** Somebody who sends nothing at all means something else, unless they say `expectedCount=0`. */
export async function* notEmpty(items: Source): AsyncGenerator<readonly SourceItem[]> {
  let any = false;
  for await (const batch of items) {
    any = true;
    yield batch;
  }
  if (!any) throw malformedLine(1, 'The upload has no rows. If that is meant, say expectedCount=0.');
}
