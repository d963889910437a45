/**
 * Amounts as inputs carry them: decimal strings. How many decimals an amount may have depends on its
 * currency, so where the input names the currency the schema checks that, and where the currency is the
 * account's or the invoice's the decider does.
 */
import { z } from 'zod';
import { type Rejection, reject } from '../../commands/definition.ts';
import { decimalsOf, isCurrency } from './currencies.ts';
import { must } from './fields.ts';
import { amountPattern, fitsCurrency } from './money.ts';

const amountMessage =
  'must be a decimal amount as text, like "29.85": not negative, at most 12 digits before the point';

/** Zero or more. */
export const amount = () =>
  z
    .string(must(amountMessage))
    .regex(amountPattern, { error: amountMessage, abort: true })
    .meta({ description: 'A decimal amount, like "29.85".', format: 'decimal' });

/** More than zero: nobody is invoiced, pays or gets back nothing. */
export const positiveAmount = () => amount().refine((given) => /[1-9]/.test(given), 'must be more than 0');

export const currency = () =>
  z
    .string(must('must be an ISO 4217 currency, like "USD"'))
    .refine(isCurrency, { error: 'must be an ISO 4217 currency in capital letters, like "USD"', abort: true })
    .describe('An ISO 4217 currency.');

/** What is wrong with the decimals of an amount in a currency; undefined where nothing is. */
export const decimalsProblem = (given: string, inCurrency: string): string | undefined => {
  if (fitsCurrency(given, inCurrency)) return undefined;
  const decimals = decimalsOf(inCurrency);
  return decimals === 0
    ? `must be a whole amount, like "1200": ${inCurrency} has no decimals`
    : `must be a decimal amount with at most ${decimals} decimals for ${inCurrency}`;
};

/** The same as a rule's answer, where only the decider knows the currency. */
export const tooPrecise = (given: string, inCurrency: string): Rejection | undefined => {
  const problem = decimalsProblem(given, inCurrency);
  return problem === undefined ? undefined : reject('amount_too_precise', `The amount ${problem}.`);
};

/** For a schema that names its currency: the decimals of the given fields, each under its own path. */
export const checkDecimals =
  <Field extends string>(...fields: readonly Field[]) =>
  (
    input: { readonly [F in Field]: string } & { readonly currency?: string | undefined },
    context: z.core.$RefinementCtx,
  ): void => {
    if (input.currency === undefined) return;
    for (const field of fields) {
      const problem = decimalsProblem(input[field], input.currency);
      if (problem !== undefined) {
        context.addIssue({ code: 'custom', path: [field], message: problem, input: input[field] });
      }
    }
  };
