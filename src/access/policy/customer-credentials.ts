/** What the policy says customers' credentials look like: patterns that the company knows of its own keys. */
import { z } from 'zod';

const patternMax = 200;

const pattern = z
  .string()
  .min(1)
  .max(patternMax)
  .superRefine((text, context) => {
    try {
      new RegExp(text);
    } catch {
      context.addIssue({ code: 'custom', message: 'is no regular expression of JavaScript' });
    }
  });

/** The entry `customerCredentials`; without it the patterns of the usual kinds of keys hold. */
export const customerCredentials = z.strictObject({
  /** Regular expressions, each matched against every word of headers and query, from the word's beginning. */
  patterns: z.array(pattern).min(1).max(50),
});
