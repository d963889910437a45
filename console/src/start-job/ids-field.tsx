/** A list of account ids, pasted from wherever it comes. */
import { Text, Textarea } from '@mantine/core';
import { count } from '../parts/written.ts';

interface IdsFieldProps {
  readonly text: string;
  readonly onChange: (text: string) => void;
}

export const IdsField = ({ text, onChange }: IdsFieldProps) => (
  <>
    <Textarea
      label="Account ids"
      description="Separated by spaces, commas or lines"
      className="mono"
      autosize
      minRows={4}
      maxRows={14}
      spellCheck={false}
      value={text}
      onChange={(event) => onChange(event.currentTarget.value)}
      data-testid="job-targets"
    />
    <Text size="sm">{count(idsIn(text).length)} different ids</Text>
  </>
);

export const idsIn = (text: string): readonly string[] => [...new Set(text.split(/[\s,;]+/).filter(Boolean))];
