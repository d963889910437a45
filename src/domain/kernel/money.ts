/**
 * Money: whole minor units (cents, yen, fils) and their currency. It comes in and goes out as a decimal
 * string and never passes through a float: digits are moved as text, and sums of integers below 2^53 are
 * exact. An amount has at most 12 digits before the point, so minor units stay below 10^15 and nine of
 * the largest amounts can still be added.
 */
import { z } from 'zod';
import { decimalsOf } from './currencies.ts';

export interface Money {
  /** Whole minor units; negative only as the result of a subtraction. */
  readonly minor: number;
  readonly currency: string;
}

/** As it stands in the data of events. */
export const moneySchema = z.object({ minor: z.int(), currency: z.string() });

/** A decimal amount as text, not negative: no sign, no leading zeros, no exponent, no separators. */
export const amountPattern = /^(0|[1-9]\d{0,11})(\.\d{1,3})?$/;

/** Whether an amount of that form has no more decimals than its currency. */
export const fitsCurrency = (amount: string, currency: string): boolean => {
  const point = amount.indexOf('.');
  return (point < 0 ? 0 : amount.length - point - 1) <= decimalsOf(currency);
};

/** @throws RangeError for a text that is no amount in that currency; inputs are checked before. */
export const moneyOf = (amount: string, currency: string): Money => {
  const negative = amount.startsWith('-');
  const unsigned = negative ? amount.slice(1) : amount;
  if (!amountPattern.test(unsigned) || !fitsCurrency(unsigned, currency)) {
    throw new RangeError(`"${amount}" is not an amount in ${currency}`);
  }
  const [whole = '', decimals = ''] = unsigned.split('.');
  const minor = Number(whole + decimals.padEnd(decimalsOf(currency), '0'));
  return { minor: negative && minor !== 0 ? -minor : minor, currency };
};

/** The decimal string with all decimals of the currency: `"29.85"`, `"1200"`, `"-0.500"`. */
export const amountOf = ({ minor, currency }: Money): string => {
  const decimals = decimalsOf(currency);
  const digits = String(Math.abs(minor)).padStart(decimals + 1, '0');
  const sign = minor < 0 ? '-' : '';
  if (decimals === 0) return sign + digits;
  return `${sign}${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
};

export const zero = (currency: string): Money => ({ minor: 0, currency });

export const add = (a: Money, b: Money): Money => ({ ...a, minor: a.minor + inSame(a, b) });

export const subtract = (a: Money, b: Money): Money => ({ ...a, minor: a.minor - inSame(a, b) });

export const exceeds = (a: Money, b: Money): boolean => a.minor > inSame(a, b);

export const sameMoney = (a: Money, b: Money): boolean => a.minor === b.minor && a.currency === b.currency;

/** `USD 29.85`, for messages. */
export const written = (money: Money): string => `${money.currency} ${amountOf(money)}`;

const inSame = (a: Money, b: Money): number => {
  if (a.currency !== b.currency) throw new RangeError(`${a.currency} and ${b.currency} do not add up`);
  return b.minor;
};
