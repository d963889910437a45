/**
 * Values of filters, parsed for the kind of their column: from the text of a query string or from JSON.
 * Money is text in both, because a JSON number has been a float before anybody could look at it.
 */
import { invalidInput } from '../errors.ts';
import { isDate, momentOf } from '../events/moment.ts';
import type { Column } from './columns.ts';

export type Value = string | number | boolean;

const textCharactersMax = 1_000;

const isStorable = (text: string): boolean =>
  text.length <= textCharactersMax && !text.includes('\0') && text.isWellFormed();

const wholeNumber = (text: string): number | undefined =>
  /^-?\d{1,16}$/.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : undefined;

const anyNumber = (text: string): number | undefined =>
  /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(text) && Number.isFinite(Number(text)) ? Number(text) : undefined;

/** What a text means for the column; undefined: nothing. */
const meaning = (column: Column, text: string): Value | undefined => {
  if (!isStorable(text)) return undefined;
  switch (column.kind) {
    case 'text':
      return text;
    case 'choice':
      return column.choices.includes(text) ? text : undefined;
    case 'time':
      return momentOf(text, { days: true });
    case 'date':
      return isDate(text) ? text : undefined;
    case 'integer':
      return wholeNumber(text);
    case 'number':
      return anyNumber(text);
    case 'money':
      return /^-?\d{1,18}(\.\d{1,6})?$/.test(text) ? text : undefined;
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : undefined;
    case 'json':
      return undefined;
  }
};

const remedies: Readonly<Record<Column['kind'], string>> = {
  text: `Give a text of at most ${textCharactersMax} characters.`,
  choice: 'Give one of',
  time: 'Give a time with its zone, like 2026-03-31T12:00:00Z, or a day, like 2026-03-31.',
  date: 'Give a day, like 2026-03-31.',
  integer: 'Give a whole number.',
  number: 'Give a number.',
  money: 'Give an amount as text, like 29.85.',
  boolean: 'Give true or false.',
  json: 'Only [null] can be asked of this field.',
};

const remedyFor = ({ kind, choices }: Column): string =>
  kind === 'choice' ? `${remedies.choice} ${choices.join(', ')}.` : remedies[kind];

/** @throws QuarterdeckError invalid_input. */
export const valueOfText = (column: Column, text: string, path: string): Value => {
  const value = meaning(column, text);
  if (value === undefined) throw invalidInput(path, remedyFor(column));
  return value;
};

/** Texts are read as in a query string; numbers and booleans only where the column holds them. */
const textOfJson = (column: Column, json: unknown): string | undefined => {
  if (typeof json === 'string') return json;
  if (typeof json === 'number' && (column.kind === 'integer' || column.kind === 'number'))
    return String(json);
  if (typeof json === 'boolean' && column.kind === 'boolean') return String(json);
  return undefined;
};

/** @throws QuarterdeckError invalid_input. */
export const valueOfJson = (column: Column, json: unknown, path: string): Value => {
  const text = textOfJson(column, json);
  if (text === undefined) throw invalidInput(path, remedyFor(column));
  return valueOfText(column, text, path);
};
