/** Fields that no column fills: optionally one value for every row of the file. */
import { Stack, Text } from '@mantine/core';
import { FormFields } from '../form/form-fields.tsx';
import type { Field } from '../form/schema.ts';
import type { Values } from '../form/values.ts';

interface SameFieldsProps {
  readonly fields: readonly Field[];
  readonly values: Values;
  readonly error: unknown;
  readonly onChange: (values: Values) => void;
}

export const SameFields = ({ fields, values, error, onChange }: SameFieldsProps) => (
  <Stack gap="xs" component="details">
    <Text component="summary" size="sm" fw={600} style={{ cursor: 'pointer' }}>
      The same for every row
    </Text>
    <Text size="sm" className="quiet" mb="sm">
      What no column of the file holds. A field left empty is left out.
    </Text>
    <FormFields
      fields={fields.map((field) => ({ ...field, required: false }))}
      values={values}
      error={error}
      onChange={onChange}
    />
  </Stack>
);
