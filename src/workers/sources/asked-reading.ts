/** How an upload is to be read, as it is asked for: of a new job and of corrected rows alike. */
import { z } from 'zod';
import type { Delimiter } from './csv.ts';
import { encodingOf, encodingsSaid } from './encodings.ts';
import type { Decimal } from './fields.ts';

const map = 'Give an object from fields to columns, like {"accountId": "customerID"}.';

const delimiters: Readonly<Record<string, Delimiter>> = {
  comma: 'comma',
  semicolon: 'semicolon',
  tab: 'tab',
  ',': 'comma',
  ';': 'semicolon',
  '\t': 'tab',
};

export const readingShape = {
  map: z.record(z.string(), z.string('Give the name of a column.'), map).optional(),
  encoding: z
    .string()
    .refine((label) => encodingOf(label) !== undefined, `Give ${encodingsSaid}.`)
    .optional(),
  delimiter: z
    .string()
    .refine((said) => Object.hasOwn(delimiters, said), 'Give comma, semicolon or tab.')
    .transform((said) => delimiters[said])
    .optional(),
  decimal: z.enum(['point', 'comma'], 'Give point or comma.').optional(),
  sheet: z.string().min(1, 'Give the name of a sheet.').optional(),
};

export interface AskedReading {
  readonly map?: Readonly<Record<string, string>> | undefined;
  /** A label that `encodingOf` knows. */
  readonly encoding?: string | undefined;
  readonly delimiter?: Delimiter | undefined;
  readonly decimal?: Decimal | undefined;
  /** Of a workbook. */
  readonly sheet?: string | undefined;
}
