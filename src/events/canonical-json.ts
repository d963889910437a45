/**
 * Canonical JSON (RFC 8785): members sorted by UTF-16 code units, no white space, numbers and strings as
 * ECMAScript writes them, so that equal values have equal text and equal hashes.
 */
export const canonicalJson = (value: unknown): string => {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  if (hasOwnForm(value)) return canonicalJson(value.toJSON());
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  // Every event is hashed over this text, so it is put together without lists of pairs.
  const members = value as Readonly<Record<string, unknown>>;
  let text = '';
  for (const name of sortedNames(members)) {
    const member = members[name];
    if (member === undefined) continue;
    text += `${text === '' ? '' : ','}${JSON.stringify(name)}:${
      typeof member === 'string' ? JSON.stringify(member) : canonicalJson(member)
    }`;
  }
  return `{${text}}`;
};

/** What was written in order already, as most is, is not sorted again. */
const sortedNames = (members: object): readonly string[] => {
  const names = Object.keys(members);
  for (let n = 1; n < names.length; n++) {
    if ((names[n - 1] as string) > (names[n] as string)) return names.sort(byCodeUnits);
  }
  return names;
};

const byCodeUnits = (a: string, b: string): number => (a < b ? -1 : 1);

/** A Date, for one: without this all of them would be `{}` and so be equal. */
const hasOwnForm = (value: object): value is { toJSON: () => unknown } =>
  'toJSON' in value && typeof value.toJSON === 'function';
