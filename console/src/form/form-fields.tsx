/** All fields of a form with the server's field errors beside them. */
import { Stack } from '@mantine/core';
import { asProblem } from '../api/problem.ts';
import { FieldInput } from './field-input.tsx';
import type { Field } from './schema.ts';
import type { Values } from './values.ts';

interface FormFieldsProps {
  readonly fields: readonly Field[];
  readonly values: Values;
  readonly error: unknown;
  readonly onChange: (values: Values) => void;
}

export const FormFields = ({ fields, values, error, onChange }: FormFieldsProps) => {
  const errors = fieldErrors(error);
  return (
    <Stack gap="sm">
      {fields.map((field) => (
        <FieldInput
          key={field.name}
          field={field}
          value={values[field.name] ?? ''}
          error={errors.get(field.name)}
          onChange={(value) => onChange({ ...values, [field.name]: value })}
        />
      ))}
    </Stack>
  );
};

/** By the field's own name; a path may say more (`input.reason`, `flags.0`). */
const fieldErrors = (error: unknown): ReadonlyMap<string, string> => {
  if (error === null || error === undefined) return new Map();
  return new Map(asProblem(error).errors.map(({ path, message }) => [path.replace(/^input\./, ''), message]));
};

/** The paths of errors that stand beside a field, so that they are not told twice. */
export const shownPaths = (fields: readonly Field[]): ReadonlySet<string> =>
  new Set(fields.flatMap(({ name }) => [name, `input.${name}`]));
