/**
 * Whether a text is read alike by everybody: in JSON a member may stand twice, and then some readers take the
 * first and some the last, so that one file shows two people two things.
 */

/** Quotes stand nowhere but around strings, so going from one to the next meets each; with the colon of a name. */
const strings = /"(?:[^"\\]|\\.)*"(\s*:)?/g;

const namesIn = (text: string): number => {
  let names = 0;
  for (const [, colon] of text.matchAll(strings)) if (colon !== undefined) names++;
  return names;
};

const membersOf = (value: unknown): number => {
  if (typeof value !== 'object' || value === null) return 0;
  const inside = Object.values(value);
  return inside.reduce<number>((sum, one) => sum + membersOf(one), Array.isArray(value) ? 0 : inside.length);
};

/** `read`: what `JSON.parse` made of the text. Most texts are what is written of it, and need not be looked through. */
export const hasMemberTwice = (text: string, read: unknown): boolean =>
  JSON.stringify(read) !== text && namesIn(text) !== membersOf(read);

/** Readers keep as many digits as they like: a number that is not written as it is kept may be another one there. */
const hasOddNumber = (text: string): boolean =>
  (text.replace(strings, '').match(/-?\d[\d.eE+-]*/g) ?? []).some((one) => String(Number(one)) !== one);

/** @throws SyntaxError also where a member stands twice, and where a number is written as nobody here writes it. */
export const parseOnce = (text: string): unknown => {
  const read: unknown = JSON.parse(text);
  if (JSON.stringify(read) === text) return read;
  if (hasMemberTwice(text, read)) throw new SyntaxError('A member stands twice.');
  if (hasOddNumber(text)) throw new SyntaxError('A number is not written as it is kept.');
  return read;
};
