/**
 * Attributes of a SCIM user that the access policy wants to know of, by which row rules tell rows: the simple ones of
 * RFC 7643 (`title`), those of an extension (`urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department`)
 * or of a company's own schema. Each is a list of texts here, however the directory sends it. One that we do not
 * understand is refused and never passed over: somebody would keep rows that the directory took from them.
 */
import { invalid } from './fault.ts';

/** By their paths as the policy writes them. */
export type Told = Readonly<Record<string, readonly string[]>>;

const valuesMax = 100;
const charactersMax = 320;
const coreUrn = /^urn:ietf:params:scim:schemas:core:2\.0:\w+:/i;

const plain = (path: string): string => path.replace(coreUrn, '').toLowerCase();

const textIn = (value: unknown, path: string): string => {
  const inner = typeof value === 'object' && value !== null && 'value' in value ? value.value : value;
  const text = ['string', 'number', 'boolean'].includes(typeof inner) ? String(inner) : undefined;
  if (text === undefined || text.length > charactersMax)
    throw invalid('invalidValue', `${path}: texts of at most ${charactersMax} characters`);
  return text;
};

const valuesIn = (value: unknown, path: string): readonly string[] => {
  if (value === undefined || value === null || value === '') return [];
  const values = Array.isArray(value) ? value : [value];
  if (values.length > valuesMax) throw invalid('invalidValue', `${path}: at most ${valuesMax} values`);
  return [...new Set(values.map((one) => textIn(one, path)))].filter((text) => text !== '');
};

/** `urn:…:User:department` → the schema and the attribute; of a core attribute the schema is empty. */
const partsOf = (path: string): readonly [string, string] => {
  const bare = plain(path);
  const at = bare.lastIndexOf(':');
  return [bare.slice(0, Math.max(0, at)), bare.slice(at + 1)];
};

/** In a whole resource whose keys are in lower case. @throws ScimFault `invalidValue` */
export const toldIn = (resource: Readonly<Record<string, unknown>>, paths: readonly string[]): Told =>
  Object.fromEntries(
    paths.map((path) => {
      const [schema, name] = partsOf(path);
      const holder = (schema === '' ? resource : resource[schema]) as Record<string, unknown> | undefined;
      return [path, valuesIn(holder?.[name], path)];
    }),
  );

/**
 * After one change of a PATCH; undefined where it is about none of the paths. `changed`: in lower case.
 * @throws ScimFault `invalidPath`, `invalidValue`
 */
export const toldAfter = (
  told: Told,
  paths: readonly string[],
  { op, path: changed, value }: { readonly op: string; readonly path: string; readonly value: unknown },
): Told | undefined => {
  const inside = paths.filter((path) => partsOf(path)[0] === changed);
  if (inside.length > 0) {
    const given = Object.entries((op === 'remove' ? {} : (value ?? {})) as Record<string, unknown>);
    const named = (path: string) => given.find(([name]) => name.toLowerCase() === partsOf(path)[1]);
    const changes = inside.flatMap((path) => {
      const found = named(path);
      return found === undefined && op !== 'remove' ? [] : [[path, valuesIn(found?.[1], path)] as const];
    });
    return { ...told, ...Object.fromEntries(changes) };
  }
  const path = paths.find((one) => changed === plain(one) || changed.startsWith(`${plain(one)}[`));
  if (path === undefined) return undefined;
  if (changed !== plain(path))
    throw invalid('invalidPath', `${path}: send all of its values, without a filter`);
  const before = op === 'add' && Array.isArray(value) ? (told[path] ?? []) : [];
  return { ...told, [path]: valuesIn(op === 'remove' ? undefined : [...before, ...listOf(value)], path) };
};

const listOf = (value: unknown): readonly unknown[] => {
  if (Array.isArray(value)) return value;
  return value === undefined || value === null || value === '' ? [] : [value];
};

/** As members of a resource that is answered. */
export const toldView = (told: Told): Readonly<Record<string, unknown>> => {
  const view: Record<string, unknown> = {};
  for (const [path, values] of Object.entries(told)) {
    if (values.length === 0) continue;
    const bare = path.replace(coreUrn, '');
    const at = bare.lastIndexOf(':');
    const value = values.length === 1 ? values[0] : values;
    if (at < 0) view[bare] = value;
    else view[bare.slice(0, at)] = { ...(view[bare.slice(0, at)] as object), [bare.slice(at + 1)]: value };
  }
  return view;
};
