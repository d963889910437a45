/**
 * The access policy: which groups of which identity provider give which roles, what each role may do,
 * and how far each tool reaches. Whatever is not granted here is denied. Pure; the file's text is read
 * in `policy-file.ts`, the policy in force is kept in `policy-in-force.ts`.
 */
import { z } from 'zod';
import type { Ceiling } from './policy/ceilings.ts';
import { customerCredentials } from './policy/customer-credentials.ts';
import { limits } from './policy/limits.ts';
import { type ProviderRules, providerRuleShape, providerRules } from './policy/provider-rules.ts';
import { rowRule } from './policy/row-rule-text.ts';
import { type ScimRules, scimRules } from './policy/scim-rules.ts';
import { tokenIssuerRules, toolProblems, toolRules } from './policy/tools.ts';

const permissionPattern = /^(\*|[a-z][a-z0-9-]*(:[a-z0-9][a-z0-9-]*)*(:\*)?)$/;
const namePattern = /^[a-z][a-z0-9-]{0,63}$/;

const permission = z
  .string()
  .regex(permissionPattern, 'a permission is written area:action, area:* or *, in lower case');

const name = z.string().regex(namePattern, 'a name is 1 to 64 of a–z 0–9 -, beginning with a letter');

const role = z.strictObject({
  permissions: z.array(permission),
  /** The rows that its permissions reach; without any, every row. */
  rows: z.array(rowRule).min(1, 'leave rows out where the role reaches every row').optional(),
  limits: limits.optional(),
});

/** One role or several; in the policy in force always a list. */
const roleNames = z.preprocess(
  (given) => (typeof given === 'string' ? [given] : given),
  z.array(name).min(1),
);

const provider = z.strictObject({
  /** Keys are groups as the provider sends them, in its own spelling. */
  groups: z.record(z.string().min(1), roleNames),
  ...providerRuleShape,
  scim: scimRules.optional(),
});

export const policySchema = z.strictObject({
  roles: z.record(name, role),
  providers: z.record(name, provider).default({}),
  tools: z.record(name, toolRules(permission)).default({}),
  /** Whose tokens a tool may exchange for ours. */
  tokenIssuers: z.record(name, tokenIssuerRules(name)).default({}),
  customerCredentials: customerCredentials.optional(),
});

export type Policy = z.output<typeof policySchema>;

/** In force until one was applied: nobody may do anything. */
export const nobodyMayDoAnything: Policy = { roles: {}, providers: {}, tools: {}, tokenIssuers: {} };

export interface PolicyProblem {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

const own = <T>(record: Readonly<Record<string, T>>, key: string): T | undefined =>
  Object.hasOwn(record, key) ? record[key] : undefined;

/** What the shape alone cannot say. */
export const problemsIn = (policy: Policy): readonly PolicyProblem[] => [
  ...unknownRoles(policy),
  ...toolProblems(policy),
];

/** Every role that a group gives is defined. */
const unknownRoles = (policy: Policy): readonly PolicyProblem[] =>
  Object.entries(policy.providers).flatMap(([id, { groups }]) =>
    Object.entries(groups).flatMap(([group, names]) =>
      names
        .filter((role) => own(policy.roles, role) === undefined)
        .map((role) => ({
          path: ['providers', id, 'groups', group],
          message: `unknown role "${role}" (roles: ${Object.keys(policy.roles).join(', ') || 'none'})`,
        })),
    ),
  );

/** Roles of somebody whom `provider` puts in `groups`; unknown groups and providers give none. */
export const rolesOf = (policy: Policy, provider: string, groups: readonly string[]): readonly string[] => {
  const mapping = own(policy.providers, provider)?.groups ?? {};
  const roles = groups.flatMap((group) => own(mapping, group) ?? []);
  return [...new Set(roles)].sort();
};

/** `groupsAttribute`: what a provider calls groups unless its entry says otherwise. */
export const providerRulesIn = (policy: Policy, provider: string, groupsAttribute: string): ProviderRules =>
  providerRules(own(policy.providers, provider), groupsAttribute);

/** undefined: the provider's directory tells us nothing. */
export const scimRulesOf = (policy: Policy, provider: string): ScimRules | undefined =>
  own(policy.providers, provider)?.scim;

/** The roles of these names as the policy has them; what it does not have is left out. */
export const rolesIn = (policy: Policy, names: readonly string[]): readonly Policy['roles'][string][] =>
  names.flatMap((name) => own(policy.roles, name) ?? []);

/** undefined: it may call as often as it likes. */
export const ceilingOf = (policy: Policy, tool: string): Ceiling | undefined =>
  own(policy.tools, tool)?.ceiling;

/** How far a tool reaches; a tool that the policy does not know reaches nothing. */
export const scopeOf = (policy: Policy, tool: string): readonly string[] =>
  own(policy.tools, tool)?.scope ?? [];
