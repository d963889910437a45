/** How the file is read, as it was found, for people to correct: what they see below is what the server will see. */
import { Group, NativeSelect } from '@mantine/core';
import type { FileHead } from './file-head.ts';
import { type Delimiter, delimiters, encodings, type Reading } from './reading.ts';

interface ReadingFieldsProps {
  readonly head: FileHead;
  readonly onChange: (reading: Reading) => void;
}

export const ReadingFields = ({ head, onChange }: ReadingFieldsProps) => {
  const { reading, sheets = [] } = head;
  if (head.type === 'application/x-ndjson') return null;
  if (head.type !== 'text/csv') {
    return (
      <NativeSelect
        label="Sheet"
        value={reading.sheet ?? ''}
        data={[...sheets]}
        onChange={(event) => onChange({ sheet: event.currentTarget.value })}
        maw="20rem"
        data-testid="reading-sheet"
      />
    );
  }
  return (
    <Group gap="md" align="end">
      <NativeSelect
        label="Encoding"
        value={reading.encoding ?? 'utf-8'}
        data={[...encodings]}
        onChange={(event) => onChange({ ...reading, encoding: event.currentTarget.value })}
        data-testid="reading-encoding"
      />
      <NativeSelect
        label="Cells are separated by"
        value={reading.delimiter ?? 'comma'}
        data={Object.keys(delimiters)}
        onChange={(event) => onChange({ ...reading, delimiter: event.currentTarget.value as Delimiter })}
        data-testid="reading-delimiter"
      />
      <NativeSelect
        label="Numbers are written"
        value={reading.decimal ?? 'point'}
        data={[
          { value: 'point', label: 'with a point, 29.85' },
          { value: 'comma', label: 'with a comma, 29,85' },
        ]}
        onChange={(event) => {
          const { decimal: _, ...others } = reading;
          onChange(event.currentTarget.value === 'comma' ? { ...others, decimal: 'comma' } : others);
        }}
        data-testid="reading-decimal"
      />
    </Group>
  );
};
