/**
 * Filters, as far as directories use them: `attribute eq "value"`, several joined by `and` (RFC 7644
 * section 3.4.2.2). Anything else is refused rather than answered with too much.
 */
import { textFault } from '../../events/sound-json.ts';
import { invalid } from './fault.ts';

export type Filter = ReadonlyMap<string, string>;

const condition = /^\s*([A-Za-z][\w.:-]*)\s+eq\s+("(?:[^"\\]|\\.)*")\s*(?:and\s+|$)/i;

/** Attributes in lower case and without the schema's URN. @throws ScimFault `invalidFilter` */
export const parseFilter = (text: string, known: readonly string[]): Filter => {
  const filter = new Map<string, string>();
  let rest = text;
  do {
    const [whole, attribute, value] = condition.exec(rest) ?? [];
    if (whole === undefined || attribute === undefined || value === undefined) throw unusable(known);
    const name = attribute.replace(/^urn:ietf:params:scim:schemas:core:2\.0:\w+:/i, '').toLowerCase();
    if (!known.includes(name) || filter.has(name)) throw unusable(known);
    filter.set(name, readValue(value, known));
    rest = rest.slice(whole.length);
  } while (rest !== '');
  return filter;
};

const readValue = (text: string, known: readonly string[]): string => {
  let value: string;
  try {
    value = JSON.parse(text) as string;
  } catch {
    throw unusable(known);
  }
  // A NUL, say: no column holds it, and the database would refuse the question.
  if (textFault(value) !== undefined) throw unusable(known);
  return value;
};

const unusable = (known: readonly string[]) =>
  invalid('invalidFilter', `A filter is written: attribute eq "value"; attributes are ${known.join(', ')}.`);
