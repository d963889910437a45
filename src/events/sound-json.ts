/**
 * What JSON may hold here beyond being JSON: nesting within bounds, no NUL and no lone surrogate in any
 * string or name (PostgreSQL and UTF-8 can hold neither), and no name that means something to
 * JavaScript's own objects. Said with the path of the first fault, before any schema sees the value.
 */
import { type FieldError, QuarterdeckError } from '../errors.ts';

/** Deep enough for any input, shallow enough that no walk over it can exhaust the stack. */
export const jsonDepthMax = 64;

const refusedNames = new Set(['__proto__', 'constructor']);

/** What is wrong with a text that comes from outside; undefined where it is sound. */
export const textFault = (text: string): string | undefined => {
  if (text.includes('\u0000')) return 'Holds a NUL character (U+0000); leave it out.';
  if (!text.isWellFormed()) return 'Holds half of a surrogate pair; send whole Unicode characters.';
  return undefined;
};

/** Printed with the fault's character replaced, so that the answer itself is sound text. */
const printable = (name: string): string =>
  name
    .replaceAll('\u0000', '\ufffd')
    .replace(/\p{Surrogate}/gu, '\ufffd')
    .slice(0, 100);

const join = (path: string, name: string | number): string => {
  const segment = typeof name === 'number' ? String(name) : printable(name);
  return path === '' ? segment : `${path}.${segment}`;
};

/** The first fault of a parsed JSON value; undefined where there is none. */
export const jsonFault = (value: unknown, path = ''): FieldError | undefined =>
  isSound(value, 0) ? undefined : faultOf(value, path, 0);

/** The same question without an answer for people: nearly every value is sound, and none is asked for its path. */
const isSound = (value: unknown, depth: number): boolean => {
  if (typeof value === 'string') return textFault(value) === undefined;
  if (typeof value !== 'object' || value === null) return true;
  if (depth >= jsonDepthMax) return false;
  if (Array.isArray(value)) return value.every((item) => isSound(item, depth + 1));
  for (const [name, field] of Object.entries(value)) {
    if (refusedNames.has(name) || textFault(name) !== undefined || !isSound(field, depth + 1)) return false;
  }
  return true;
};

const faultOf = (value: unknown, path: string, depth: number): FieldError | undefined => {
  if (typeof value === 'string') {
    const message = textFault(value);
    return message === undefined ? undefined : { path, message };
  }
  if (typeof value !== 'object' || value === null) return undefined;
  if (depth >= jsonDepthMax) {
    return {
      path: path.split('.')[0] ?? '',
      message: `Nested deeper than ${jsonDepthMax} levels; flatten it.`,
    };
  }
  return Array.isArray(value) ? faultOfArray(value, path, depth) : faultOfObject(value, path, depth);
};

const faultOfArray = (items: readonly unknown[], path: string, depth: number): FieldError | undefined => {
  for (let index = 0; index < items.length; index++) {
    const fault = faultOf(items[index], join(path, index), depth + 1);
    if (fault !== undefined) return fault;
  }
  return undefined;
};

const faultOfObject = (value: object, path: string, depth: number): FieldError | undefined => {
  for (const [name, field] of Object.entries(value)) {
    const at = join(path, name);
    const message = refusedNames.has(name)
      ? `The name "${name}" is not allowed; leave it out.`
      : textFault(name);
    if (message !== undefined) return { path: at, message };
    const fault = faultOf(field, at, depth + 1);
    if (fault !== undefined) return fault;
  }
  return undefined;
};

/**
 * Values of any kind that one input may hold, itself included: a schema finds every fault of a value, so that a
 * body made of faults alone would be a hundred thousand of them.
 */
export const inputValuesMax = 10_000;

export const holdsTooMany = (value: unknown): boolean =>
  countUpTo(value, inputValuesMax + 1) > inputValuesMax;

/** Stops where there are that many. */
const countUpTo = (value: unknown, max: number): number => {
  if (typeof value !== 'object' || value === null) return 1;
  let count = 1;
  for (const name in value) {
    if (count >= max) break;
    count += countUpTo((value as Readonly<Record<string, unknown>>)[name], max - count);
  }
  return count;
};

/** @throws QuarterdeckError `invalid_input` with the path of the first fault. */
export const requireSound = (value: unknown): void => {
  const fault = jsonFault(value);
  if (fault !== undefined) {
    throw new QuarterdeckError('invalid_input', 'The body holds what is not allowed.', { errors: [fault] });
  }
};
