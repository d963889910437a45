/** What a request for an export asks, read strictly: each wrong field is told with its path and what would be right. */
import { z } from 'zod';
import { checkAsked } from '../asked.ts';
import { escapes, exportFormats } from './request.ts';

const label = 'Give text of at most 200 characters.';
const fields = 'Give a list of names of fields, or leave it out for all that are shown unasked.';
const fieldsMax = 500;

const schema = z.strictObject({
  query: z.string('Give the name of a projection, like accounts.').max(100),
  where: z
    .record(z.string(), z.unknown(), 'Give an object of fields, like {"status": "active"}.')
    .default({}),
  format: z.enum(exportFormats, `Give one of ${exportFormats.join(', ')}.`),
  escape: z.enum(escapes, `Give one of ${escapes.join(', ')}.`).optional(),
  fields: z.array(z.string(fields), fields).min(1, fields).max(fieldsMax, fields).optional(),
  label: z.string(label).max(200, label).optional(),
  asOf: z
    .union([z.string(), z.int().nonnegative()], 'Give a time with its zone, or a log position.')
    .optional(),
});

export type AskedExport = z.output<typeof schema>;

/** @throws QuarterdeckError invalid_input with every field that is wrong. */
export const readExportBody = (body: unknown): AskedExport =>
  checkAsked(schema, body, 'The export is not valid.');
