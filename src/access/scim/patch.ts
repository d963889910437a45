/**
 * PATCH (RFC 7644 section 3.5.2) in the dialects that directories speak: Okta sends one operation without a
 * path and an object as its value, Entra ID one with a path for each attribute, names operations `Replace`
 * and truths "False". All of them become a list of (operation, attribute, value).
 */
import { z } from 'zod';
import { invalid } from './fault.ts';
import { toldAfter } from './told.ts';
import { emailIn, lowerCased, type ScimUser, textOf, truthOf } from './user.ts';

export interface Change {
  readonly op: 'add' | 'replace' | 'remove';
  /** In lower case, without the schema's URN: `active`, `name.givenname`, `members[value eq "…"]`. */
  readonly path: string;
  readonly value: unknown;
}

const operationsMax = 1_000;

const message = z.object({
  operations: z
    .array(
      z.object({
        op: z
          .string()
          .toLowerCase()
          .pipe(z.enum(['add', 'replace', 'remove'])),
        path: z.string().max(500).optional(),
        value: z.unknown().optional(),
      }),
    )
    .min(1)
    .max(operationsMax),
});

const pathPattern = /^[a-z][\w.:$-]*(\[[^\]]{0,400}\])?(\.[a-z]\w*)?$/i;
const coreUrn = /^urn:ietf:params:scim:schemas:core:2\.0:\w+:/i;

/** @throws ScimFault */
export const changesOf = (body: unknown): readonly Change[] => {
  const parsed = message.safeParse(withLowerKeys(body));
  if (!parsed.success) {
    const detail = `Operations: a list of 1 to ${operationsMax} {op: add, replace or remove, path, value}`;
    throw invalid('invalidSyntax', detail);
  }
  return parsed.data.operations.flatMap(({ op, path, value }) => {
    if (path !== undefined) return [{ op, path: pathOf(path), value }];
    if (typeof value !== 'object' || value === null || Array.isArray(value) || op === 'remove') {
      throw invalid(
        'invalidPath',
        'Without a path an operation adds or replaces the attributes of an object.',
      );
    }
    return Object.entries(value).map(([name, inner]) => ({ op, path: pathOf(name), value: inner }));
  });
};

/** Names of the message and of its operations in any case; values stay as they are. */
const withLowerKeys = (body: unknown): unknown => {
  const top = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
  const operations = Object.entries(top).find(([key]) => key.toLowerCase() === 'operations')?.[1];
  if (!Array.isArray(operations)) return {};
  return {
    operations: operations.map((operation: unknown) =>
      typeof operation === 'object' && operation !== null
        ? Object.fromEntries(Object.entries(operation).map(([key, value]) => [key.toLowerCase(), value]))
        : operation,
    ),
  };
};

const pathOf = (path: string): string => {
  const bare = path.replace(coreUrn, '');
  if (!pathPattern.test(bare))
    throw invalid('invalidPath', 'A path is an attribute, such as active or name.givenName.');
  // What stands in quotes is a value, whose case matters.
  return bare.replaceAll(/"[^"]*"|[^"]+/g, (part) => (part.startsWith('"') ? part : part.toLowerCase()));
};

type Editable = { -readonly [K in keyof ScimUser]: ScimUser[K] };

/** The user after these changes; what we do not keep is passed over. `paths`: as in `userOf`. @throws ScimFault */
export const changedUser = (
  user: ScimUser,
  changes: readonly Change[],
  paths: readonly string[],
): ScimUser => {
  const edited: Editable = { ...user };
  for (const change of changes) {
    const told = toldAfter(edited.told ?? {}, paths, change);
    if (told !== undefined) edited.told = told;
    apply(edited, change.path, change.op === 'remove' ? undefined : change.value);
  }
  return edited;
};

const apply = (user: Editable, path: string, value: unknown): void => {
  if (path === 'active') user.active = value === undefined ? false : truthOf(value);
  else if (path === 'username') user.userName = requiredText(value);
  else if (path === 'externalid') user.externalId = textOf(value, 'externalId');
  else if (path === 'displayname' || path === 'name.formatted')
    user.displayName = textOf(value, 'displayName');
  else if (path === 'name.givenname') user.givenName = textOf(value, 'name.givenName');
  else if (path === 'name.familyname') user.familyName = textOf(value, 'name.familyName');
  else if (path === 'name') applyName(user, value);
  else if (path === 'emails') user.email = value === undefined ? undefined : emailIn(value);
  else if (/^emails\[(type eq "work"|primary eq "?true"?)\]\.value$/.test(path))
    user.email = textOf(value, 'emails');
};

const applyName = (user: Editable, value: unknown): void => {
  const parts = Object.entries((lowerCased(value) ?? {}) as Record<string, unknown>);
  for (const [part, inner] of parts) apply(user, `name.${part}`, inner);
};

const requiredText = (value: unknown): string => {
  const given = textOf(value, 'userName');
  if (given === undefined) throw invalid('mutability', 'userName cannot be removed.');
  return given;
};
