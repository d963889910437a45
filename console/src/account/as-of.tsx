/** Choose a moment to look at the account as it was then; empty is now. */
import { Button, Group, TextInput } from '@mantine/core';
import { useEffect, useState } from 'react';
import { localOf, utcOf } from '../parts/written.ts';

interface AsOfProps {
  readonly asOf: string | undefined;
  readonly onChange: (asOf: string | undefined) => void;
}

export const AsOf = ({ asOf, onChange }: AsOfProps) => {
  const [chosen, setChosen] = useState('');
  useEffect(() => setChosen(asOf === undefined || /^\d+$/.test(asOf) ? '' : localOf(asOf)), [asOf]);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        onChange(utcOf(chosen));
      }}
    >
      <Group gap="xs" align="flex-end">
        <TextInput
          type="datetime-local"
          step={1}
          aria-label="As of, your own time"
          title="Your own time"
          leftSection="as of"
          leftSectionWidth={52}
          value={chosen}
          onChange={(event) => setChosen(event.currentTarget.value)}
          data-testid="as-of"
        />
        <Button type="submit" variant="default" disabled={chosen === ''}>
          Show
        </Button>
        {asOf !== undefined && (
          <Button variant="subtle" onClick={() => onChange(undefined)}>
            Now
          </Button>
        )}
      </Group>
    </form>
  );
};
