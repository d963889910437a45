/**
 * A SCIM user (RFC 7643 section 4.1) as far as we keep one: who it is, how they are called, whether they
 * may come in. Whatever else a directory sends is accepted and not kept: it is nobody's business here.
 */
import { z } from 'zod';
import { invalid } from './fault.ts';
import { type Told, toldIn } from './told.ts';

export interface ScimUser {
  readonly userName: string;
  readonly externalId?: string | undefined;
  readonly displayName?: string | undefined;
  readonly givenName?: string | undefined;
  readonly familyName?: string | undefined;
  readonly email?: string | undefined;
  readonly active: boolean;
  /** What the policy wants to know beside; absent in users from before that. */
  readonly told?: Told | undefined;
}

const text = z.string().max(320);
const optionalText = text
  .nullish()
  .transform((given) => (given === null || given === '' ? undefined : given));

/** Entra ID sends "True" and "False" unless it is told otherwise. */
const truth = z.preprocess(
  (given) => (typeof given === 'string' && /^(true|false)$/i.test(given) ? /^true$/i.test(given) : given),
  z.boolean(),
);

const emails = z.array(z.object({ value: optionalText, primary: truth.optional() })).max(50);

/** Attributes by their names in lower case: in SCIM their case does not matter. */
const resource = z.object({
  username: text.min(1),
  externalid: optionalText,
  displayname: optionalText,
  name: z.object({ givenname: optionalText, familyname: optionalText, formatted: optionalText }).nullish(),
  emails: emails.nullish(),
  active: truth.nullish(),
});

/** `paths`: what the policy wants to know beside. @throws ScimFault `invalidValue` that names the attribute */
export const userOf = (body: unknown, paths: readonly string[]): ScimUser => {
  const given = lowerCased(body);
  const parsed = resource.safeParse(given);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw invalid('invalidValue', `${issue?.path.join('.') || 'the user'}: ${issue?.message}`);
  }
  const {
    username: userName,
    externalid: externalId,
    displayname,
    name,
    emails: addresses,
    active,
  } = parsed.data;
  return {
    userName,
    externalId,
    displayName: displayname ?? name?.formatted,
    givenName: name?.givenname,
    familyName: name?.familyname,
    email: primaryOf(addresses ?? []),
    active: active ?? true,
    told: toldIn(given as Record<string, unknown>, paths),
  };
};

export const truthOf = (value: unknown): boolean => {
  const parsed = truth.safeParse(value);
  if (!parsed.success) throw invalid('invalidValue', 'active: true or false');
  return parsed.data;
};

/** @throws ScimFault `invalidValue` */
export const textOf = (value: unknown, attribute: string): string | undefined => {
  const parsed = optionalText.safeParse(value);
  if (!parsed.success) throw invalid('invalidValue', `${attribute}: text of at most 320 characters`);
  return parsed.data;
};

export const emailIn = (value: unknown): string | undefined => {
  const parsed = emails.safeParse(lowerCased(Array.isArray(value) ? value : [value]));
  if (!parsed.success) throw invalid('invalidValue', 'emails: a list of {value, type, primary}');
  return primaryOf(parsed.data);
};

const primaryOf = (given: z.output<typeof emails>): string | undefined =>
  (given.find(({ primary }) => primary === true) ?? given[0])?.value;

export const lowerCased = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(lowerCased);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key.toLowerCase(), lowerCased(inner)]),
  );
};

/** How people are called by us. */
export const nameOf = ({ displayName, givenName, familyName }: ScimUser): string | undefined => {
  const both = [givenName, familyName].filter((part) => part !== undefined).join(' ');
  return displayName ?? (both === '' ? undefined : both);
};
