/** What the policy says of a provider's directory: whether it may tell us of people, and what counts. */
import { z } from 'zod';

const path = z
  .string()
  .max(300)
  .regex(
    /^(urn:[\w.:-]+:)?[A-Za-z][\w$-]*$/,
    'is an attribute of a SCIM user, such as title or urn:…:User:department',
  );

/** The entry `providers.<id>.scim`; without it SCIM is refused for that provider. */
export const scimRules = z.strictObject({
  /** Which attribute of a SCIM user is the NameID that the provider's assertions carry. */
  nameId: z.enum(['userName', 'externalId']).default('userName'),
  /** Whose word on groups counts for people who are provisioned: the directory's, or each assertion's. */
  groups: z.enum(['directory', 'assertions']).default('directory'),
  /** What row rules call `{principal.<name>}`, and a SCIM user's attribute for it, which wins over an assertion. */
  attributes: z
    .record(z.string().regex(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/, 'a name is 1 to 64 of A–Z a–z 0–9 _ -'), path)
    .optional(),
});

export type ScimRules = z.output<typeof scimRules>;
