/**
 * What the policy says of an identity provider beside its groups: what it must sign, whether it may begin a
 * sign-in by itself, and how it calls what we want to know of a person. Defaults are the strict ones.
 */
import { z } from 'zod';

const attributeName = z.string().min(1).max(500);

/** Entries of `providers.<id>`. */
export const providerRuleShape = {
  /** What must be signed. There is no way to ask for nothing. */
  signed: z
    .enum(['assertion', 'response', 'both'], {
      error: 'says what the provider must sign: assertion, response or both',
    })
    .optional(),
  /** Whether a sign-in may begin at the provider, without a request of ours. */
  idpInitiated: z.boolean().optional(),
  /** The provider's names of attributes, where they are not the usual ones. */
  names: z
    .strictObject({
      groups: attributeName.optional(),
      email: attributeName.optional(),
      name: attributeName.optional(),
    })
    .optional(),
  /** What row rules call `{principal.<name>}`, and the provider's name of the attribute that holds it. */
  attributes: z
    .record(
      z.string().regex(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/, 'a name is 1 to 64 of A–Z a–z 0–9 _ -'),
      attributeName,
    )
    .optional(),
};

const given = z.object(providerRuleShape);

export type Signed = NonNullable<z.output<typeof given>['signed']>;

/** The rules as they apply, defaults filled in. */
export interface ProviderRules {
  readonly signed: Signed;
  readonly idpInitiated: boolean;
  readonly names: AttributeNames;
}

/** What the provider calls groups, e-mail and name and, by our name, what else we want to know of a person. */
export interface AttributeNames {
  readonly groups: string;
  /** undefined: one of the usual names. */
  readonly email?: string | undefined;
  readonly name?: string | undefined;
  readonly person: Readonly<Record<string, string>>;
}

/** `groups`: the attribute of groups where the provider's entry names none; without an entry, the defaults. */
export const providerRules = (entry: z.output<typeof given> | undefined, groups: string): ProviderRules => ({
  signed: entry?.signed ?? 'assertion',
  idpInitiated: entry?.idpInitiated ?? false,
  names: { ...entry?.names, groups: entry?.names?.groups ?? groups, person: entry?.attributes ?? {} },
});
