/** Money: exact, whatever the amount and the currency. */
import fc from 'fast-check';
import { decimalsOf, isCurrency } from '../../src/domain/kernel/currencies.ts';
import {
  add,
  amountOf,
  exceeds,
  fitsCurrency,
  type Money,
  moneyOf,
  subtract,
  zero,
} from '../../src/domain/kernel/money.ts';

const currencies = fc.constantFrom('USD', 'EUR', 'JPY', 'KWD', 'BHD', 'CLP');

/** An amount as people write it: with some of its decimals, or none. */
const amounts = currencies.chain((currency) =>
  fc
    .tuple(fc.bigInt({ min: 0n, max: 999_999_999_999n }), fc.nat({ max: 999 }), fc.nat({ max: 3 }))
    .map(([whole, fraction, digits]) => {
      const decimals = String(fraction)
        .padStart(3, '0')
        .slice(0, Math.min(digits, decimalsOf(currency)));
      return { currency, amount: decimals === '' ? `${whole}` : `${whole}.${decimals}` };
    }),
);

const moneyIn = (currency: string): fc.Arbitrary<Money> =>
  fc.integer({ min: 0, max: 10 ** (12 + decimalsOf(currency)) - 1 }).map((minor) => ({ minor, currency }));

const pairs = currencies.chain((currency) => fc.tuple(moneyIn(currency), moneyIn(currency)));

/** The amount in thousandths, by a way that shares nothing with the one that is tested. */
const thousandths = (amount: string): bigint => {
  const [whole = '0', decimals = ''] = amount.split('.');
  return BigInt(whole) * 1000n + BigInt(decimals.padEnd(3, '0') || '0');
};

describe('money', () => {
  test('is the same amount after it was read and written', () => {
    fc.assert(
      fc.property(amounts, ({ amount, currency }) => {
        const money = moneyOf(amount, currency);
        expect(thousandths(amountOf(money))).toBe(thousandths(amount));
        expect(Number.isSafeInteger(money.minor)).toBe(true);
        expect(moneyOf(amountOf(money), currency)).toEqual(money);
      }),
    );
  });

  test('is written with all decimals of its currency, never more or fewer', () => {
    fc.assert(
      fc.property(currencies.chain(moneyIn), (money) => {
        const decimals = amountOf(money).split('.')[1] ?? '';
        expect(decimals).toHaveLength(decimalsOf(money.currency));
      }),
    );
  });

  test('adds and subtracts exactly, also below zero', () => {
    fc.assert(
      fc.property(pairs, ([a, b]) => {
        expect(subtract(add(a, b), b)).toEqual(a);
        expect(BigInt(add(a, b).minor)).toBe(BigInt(a.minor) + BigInt(b.minor));
        const difference = subtract(a, b);
        expect(moneyOf(amountOf(difference), a.currency)).toEqual(difference);
        expect(exceeds(a, b)).toBe(difference.minor > 0);
      }),
    );
  });

  test('does not slip where floats do', () => {
    expect(moneyOf('0.29', 'USD')).toEqual({ minor: 29, currency: 'USD' });
    expect(amountOf(add(moneyOf('0.1', 'USD'), moneyOf('0.2', 'USD')))).toBe('0.30');
    expect(moneyOf('1.005', 'KWD')).toEqual({ minor: 1005, currency: 'KWD' });
    expect(moneyOf('999999999999.999', 'KWD').minor).toBe(999_999_999_999_999);
    expect(amountOf({ minor: -5, currency: 'USD' })).toBe('-0.05');
    expect(Object.is(moneyOf('-0', 'JPY').minor, 0)).toBe(true);
  });

  test('of different currencies is never added, subtracted or compared', () => {
    for (const act of [add, subtract, exceeds]) {
      expect(() => act(zero('USD'), zero('EUR'))).toThrow(RangeError);
    }
  });

  test('has as many decimals as ISO 4217 says', () => {
    expect(['JPY', 'USD', 'KWD', 'BHD', 'EUR', 'ISK'].map(decimalsOf)).toEqual([0, 2, 3, 3, 2, 0]);
    expect(['ZZZ', 'usd', '', 'XAU', 'constructor'].filter(isCurrency)).toEqual([]);
    expect(() => decimalsOf('ZZZ')).toThrow(RangeError);
  });

  test.each([
    ['1.5', 'JPY'],
    ['1.005', 'USD'],
    ['1.0000', 'KWD'],
    ['1e3', 'USD'],
    ['', 'USD'],
    [' ', 'USD'],
    ['--1', 'USD'],
    ['1000000000000', 'USD'],
  ])('%j is no amount in %s', (amount, currency) => {
    expect(() => moneyOf(amount, currency)).toThrow(RangeError);
  });

  test('an amount fits its currency by its decimals alone', () => {
    expect(fitsCurrency('1.00', 'JPY')).toBe(false);
    expect(fitsCurrency('1', 'JPY')).toBe(true);
    expect(fitsCurrency('1.000', 'KWD')).toBe(true);
  });
});
