/**
 * Limits of a role on what commands are given, in the policy:
 *
 *     limits:
 *       issue-credit: { amount: { lte: "500.00" }, accountId: { prefix: "trial-" } }
 *
 * Command → field of its input → operator → value. All must hold for the role's grant to count. Decimals
 * are compared by value, everything else as text; a field that was not given keeps no limit. Pure.
 */
import { z } from 'zod';
import { compareBytes, compareDecimals, isDecimal } from '../../events/decimals.ts';

const scalar = z.union([z.string(), z.boolean()], {
  error: 'give text or true or false; an amount or a number is written as text, like "500.00"',
});

const condition = z
  .strictObject({
    eq: scalar.optional(),
    ne: scalar.optional(),
    in: z.array(scalar).optional(),
    lt: z.string().optional(),
    lte: z.string().optional(),
    gt: z.string().optional(),
    gte: z.string().optional(),
    prefix: z.string().optional(),
  })
  .refine((given) => Object.values(given).some((value) => value !== undefined), {
    error: 'give an operator and a value, like {lte: "500.00"}',
  });

export const limits = z.record(
  z.string().regex(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/, 'a limit is on a command, by its name'),
  z.record(z.string().min(1), condition),
);

export type Limits = z.output<typeof limits>;
type Condition = z.output<typeof condition>;

const compare = (a: string, b: string): number =>
  isDecimal(a) && isDecimal(b) ? compareDecimals(a, b) : compareBytes(a, b);

const same = (given: string, value: string | boolean): boolean => compare(given, String(value)) === 0;

const holds: { readonly [O in keyof Condition]-?: (given: string, value: never) => boolean } = {
  eq: same,
  ne: (given, value) => !same(given, value),
  in: (given, values: readonly (string | boolean)[]) => values.some((value) => same(given, value)),
  lt: (given, value) => compare(given, value) < 0,
  lte: (given, value) => compare(given, value) <= 0,
  gt: (given, value) => compare(given, value) > 0,
  gte: (given, value) => compare(given, value) >= 0,
  prefix: (given, value) => given.startsWith(value),
};

const keeps = (given: unknown, conditions: Condition): boolean => {
  if (typeof given !== 'string' && typeof given !== 'number' && typeof given !== 'boolean') return false;
  return Object.entries(conditions).every(
    ([operator, value]) =>
      value === undefined || holds[operator as keyof Condition](String(given), value as never),
  );
};

/** Whether the input keeps every limit on that command. */
export const keepsLimits = (
  of: Limits | undefined,
  command: string,
  input: Readonly<Record<string, unknown>>,
): boolean => {
  const own = of !== undefined && Object.hasOwn(of, command) ? of[command] : undefined;
  return Object.entries(own ?? {}).every(([field, conditions]) =>
    keeps(Object.hasOwn(input, field) ? input[field] : undefined, conditions),
  );
};
