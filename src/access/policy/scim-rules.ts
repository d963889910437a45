/** What the policy says of a provider's directory: whether it may tell us of people, and what counts. */
import { z } from 'zod';

/** The entry `providers.<id>.scim`; without it SCIM is refused for that provider. */
export const scimRules = z.strictObject({
  /** Which attribute of a SCIM user is the NameID that the provider's assertions carry. */
  nameId: z.enum(['userName', 'externalId']).default('userName'),
  /** Whose word on groups counts for people who are provisioned: the directory's, or each assertion's. */
  groups: z.enum(['directory', 'assertions']).default('directory'),
});

export type ScimRules = z.output<typeof scimRules>;
