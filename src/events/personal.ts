/**
 * Marks on zod schemas: which fields are personal data. The marks live in zod's own metadata, so that
 * the JSON Schema of an input, the codec and the console see the same truth.
 */
import { z } from 'zod';

interface FieldMarks {
  readonly personal?: boolean;
}

/** Marks a field as personal: encrypted in the log under its subject's key, erased with it. */
export const personal = <S extends z.ZodType>(schema: S): S =>
  schema.meta({ ...schema.meta(), personal: true });

const wrappers = new Set(['optional', 'nullable', 'default', 'prefault', 'readonly', 'nonoptional', 'catch']);

const isMarked = (schema: z.ZodType): boolean => {
  if ((schema.meta() as FieldMarks | undefined)?.personal === true) return true;
  const def = schema.def as { type: string; innerType?: z.ZodType };
  return wrappers.has(def.type) && def.innerType !== undefined && isMarked(def.innerType);
};

/**
 * Names of the personal fields of an object schema. Only fields of the top level may be marked: a mark
 * deeper inside would be missed by the codec, so it is an error at definition time.
 */
export const personalFields = (schema: z.ZodObject): readonly string[] => {
  const names: string[] = [];
  for (const [name, field] of Object.entries(schema.shape)) {
    if (isMarked(field as z.ZodType)) names.push(name);
    else if (hasMarkInside(field as z.ZodType)) {
      throw new Error(`personal() inside the field "${name}" is not supported: mark the field itself`);
    }
  }
  return names;
};

const hasMarkInside = (schema: z.ZodType): boolean => {
  const def = schema.def as {
    innerType?: z.ZodType;
    element?: z.ZodType;
    keyType?: z.ZodType;
    valueType?: z.ZodType;
    left?: z.ZodType;
    right?: z.ZodType;
    in?: z.ZodType;
    out?: z.ZodType;
    rest?: z.ZodType | null;
    catchall?: z.ZodType;
    items?: z.ZodType[];
    options?: z.ZodType[];
    shape?: object;
  };
  const { innerType, element, keyType, valueType, left, right, in: from, out, rest, catchall } = def;
  const inner = [
    ...[innerType, element, keyType, valueType, left, right, from, out, rest, catchall],
    ...(def.items ?? []),
    ...(def.options ?? []),
    ...Object.values(def.shape ?? {}),
  ];
  return inner.some((s) => s instanceof z.ZodType && (isMarked(s) || hasMarkInside(s)));
};
