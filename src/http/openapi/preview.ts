/** The preview of a dry run, as OpenAPI says it. */
import { outcomes } from '../../workers/request.ts';
import type { JsonSchema } from '../route.ts';
import { arrayOf, flag, object, orNull, text, whole } from './schemas.ts';

const item = object(
  {
    index: { ...whole, description: 'From 0, in the order given.' },
    line: { ...whole, description: 'Of the upload, from 1.' },
    target: orNull(text),
    wouldAppend: { ...arrayOf(text), description: 'Types of the events that there would be.' },
    diff: {
      ...arrayOf({ type: 'object' }),
      description: 'JSON Patch (RFC 6902) from before to after; absent where personal data was erased since.',
    },
    before: { type: 'object', description: 'Former values of what is replaced or removed, by path.' },
    withheld: {
      ...arrayOf(text),
      description: 'Paths whose former value, or in an undo whose new one too, is personal and not shown.',
    },
  },
  ['line', 'diff', 'before', 'withheld'],
);

export const previewSchema: JsonSchema = object({
  id: text,
  command: text,
  inverse: orNull({ ...text, description: 'The command that would take it back.' }),
  irreversible: orNull({ ...text, description: 'Why nothing would.' }),
  wouldAppend: arrayOf(object({ type: text, count: whole })),
  codes: arrayOf(object({ outcome: { enum: outcomes }, code: text, count: whole })),
  sample: { ...arrayOf(item), description: 'At most 100 items to which something would happen.' },
  diffsShown: {
    ...flag,
    description: 'Diffs are for who holds the command’s permission or `audit:replay`.',
  },
  position: whole,
});
