/**
 * Which styles of a workbook show a number as a date (ECMA-376 part 1, 18.8.30 and 18.8.31), and what such a
 * number is: days since the end of 1899, or since 1904 began.
 */

/** Shown as a moment, an amount of hours and minutes is not one: `[h]:mm` stays a number. */
const isElapsed = (code: string): boolean => /\[(h+|m+|s+)\]/i.test(code);

const isDateCode = (code: string): boolean => {
  if (isElapsed(code)) return false;
  const bare = code.replace(/"[^"]*"|\\.|_.|\*.|\[[^\]]*\]/g, '');
  return /[ymdhs]/i.test(bare.split(';')[0] ?? '') && !/general/i.test(bare);
};

const between = (value: number, from: number, to: number): boolean => value >= from && value <= to;

/** Formats that every workbook has without saying what they are; 27 to 36 and 50 to 58 are East Asian dates. */
const isBuiltInDate = (id: number): boolean =>
  between(id, 14, 22) || between(id, 27, 36) || id === 45 || id === 47 || between(id, 50, 58);

export const isDateFormat = (id: number, code: string | undefined): boolean =>
  code === undefined ? isBuiltInDate(id) : isDateCode(code);

const dayMs = 86_400_000;

/** 1900 counts as a leap year, as it did in Lotus 1-2-3: from its 1 March on the epoch is a day earlier. */
const epochOf = (serial: number, since1904: boolean): number => {
  if (since1904) return Date.UTC(1904, 0, 1);
  return serial < 60 ? Date.UTC(1899, 11, 31) : Date.UTC(1899, 11, 30);
};

const lastSerial = 2_958_466;

/**
 * `2026-03-31`, `2026-03-31T18:30:00` or, of less than a day, `18:30:00`; a workbook knows no zones. undefined:
 * no date is that number.
 */
export const dateText = (serial: number, since1904: boolean): string | undefined => {
  if (!(serial >= 0 && serial < lastSerial) || (Math.floor(serial) === 60 && !since1904)) return undefined;
  const ms = Math.round(serial * dayMs);
  const text = new Date(epochOf(serial, since1904) + ms).toISOString();
  const time = text.slice(11, text.endsWith('.000Z') ? 19 : 23);
  if (serial < 1 && !since1904) return time;
  return ms % dayMs === 0 ? text.slice(0, 10) : `${text.slice(0, 10)}T${time}`;
};
