/** Asks for an export of everything that one may read of something; filtered ones start where the filter is. */
import { Button, Group, NativeSelect, Stack, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { exportsKey, formats, startExport } from '../api/exports.ts';
import { Trouble } from '../parts/states.tsx';
import { words } from '../parts/written.ts';

const queries = ['accounts', 'invoices', 'credits', 'notes', 'access-grants'].map((value) => ({
  value,
  label: words(value),
}));

export const NewExport = () => {
  const [query, setQuery] = useState('accounts');
  const [format, setFormat] = useState<string>('csv');
  const [label, setLabel] = useState('');
  const client = useQueryClient();
  const start = useMutation({
    mutationFn: () => startExport({ query, format, ...(label.trim() === '' ? {} : { label: label.trim() }) }),
    onSuccess: () => setLabel(''),
    onSettled: () => client.invalidateQueries({ queryKey: exportsKey }),
  });
  return (
    <Stack gap="xs">
      <Group align="flex-end" gap="sm">
        <NativeSelect
          label="Of"
          data={queries}
          value={query}
          onChange={(event) => setQuery(event.currentTarget.value)}
          data-testid="export-query"
        />
        <NativeSelect
          label="As"
          data={[...formats]}
          value={format}
          onChange={(event) => setFormat(event.currentTarget.value)}
          data-testid="export-format"
        />
        <TextInput
          label="Label"
          placeholder="What it is for"
          maxLength={200}
          value={label}
          onChange={(event) => setLabel(event.currentTarget.value)}
          data-testid="export-label"
        />
        <Button loading={start.isPending} onClick={() => start.mutate()} data-testid="start-export">
          Export
        </Button>
      </Group>
      {start.isError && <Trouble error={start.error} />}
    </Stack>
  );
};
