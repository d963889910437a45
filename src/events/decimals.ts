/**
 * Decimal numbers as text, compared by value and never as floats: `"29.85"`, `"-0.5"`, `"29.850"`.
 */

const pattern = /^(-?)(\d{1,40})(?:\.(\d{1,40}))?$/;

export const isDecimal = (text: string): boolean => pattern.test(text);

const scaled = (text: string, decimals: number): bigint => {
  const [, sign, whole = '', fraction = ''] = pattern.exec(text) ?? [];
  const digits = BigInt(whole + fraction.padEnd(decimals, '0'));
  return sign === '-' ? -digits : digits;
};

const decimalsOf = (text: string): number => pattern.exec(text)?.[3]?.length ?? 0;

/** Below 0, 0 or above 0, as for a sort. Both must be decimals. */
export const compareDecimals = (a: string, b: string): number => {
  const decimals = Math.max(decimalsOf(a), decimalsOf(b));
  const difference = scaled(a, decimals) - scaled(b, decimals);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
};

/** As COLLATE "C" sorts: by the bytes of UTF-8. */
export const compareBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
