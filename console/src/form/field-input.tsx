/** One field of a form, by its kind. */
import { NativeSelect, Switch, Textarea, TextInput } from '@mantine/core';
import { words } from '../parts/written.ts';
import type { Field } from './schema.ts';

interface FieldInputProps {
  readonly field: Field;
  readonly value: string | boolean;
  readonly error: string | undefined;
  readonly disabled?: boolean;
  readonly onChange: (value: string | boolean) => void;
}

export const FieldInput = ({ field, value, error, disabled = false, onChange }: FieldInputProps) => {
  const { name, kind, required, choices, help } = field;
  const same = { name, label: words(name), description: help, error, disabled };
  if (kind === 'boolean') {
    return <Switch {...same} checked={value === true} onChange={(e) => onChange(e.currentTarget.checked)} />;
  }
  const text = {
    ...same,
    required,
    value: String(value),
    onChange: (e: { currentTarget: { value: string } }) => onChange(e.currentTarget.value),
  };
  if (kind === 'choice') {
    return (
      <NativeSelect
        {...text}
        data={['', ...choices].map((choice) => ({ value: choice, label: choice || '–' }))}
      />
    );
  }
  if (kind === 'long-text') return <Textarea {...text} autosize minRows={2} maxRows={8} />;
  if (kind === 'number') {
    return <TextInput {...text} type="number" step="any" min={field.minimum} max={field.maximum} />;
  }
  const description = help ?? (kind === 'moment' ? 'Your own time.' : undefined);
  return (
    <TextInput {...text} description={description} type={types[kind]} autoComplete="off" spellCheck={false} />
  );
};

const types = { text: 'text', any: 'text', date: 'date', moment: 'datetime-local' } as const;
