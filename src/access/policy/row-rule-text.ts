/** A row rule as text of the policy, checked for its form; `row-rule.ts` says what that is. */
import { z } from 'zod';
import { parseRowRule, RowRuleError } from './row-rule.ts';

export const rowRule = z.string('write a rule as text').superRefine((text, context) => {
  try {
    parseRowRule(text);
  } catch (error) {
    if (!(error instanceof RowRuleError)) throw error;
    context.addIssue({ code: 'custom', message: error.message });
  }
});
