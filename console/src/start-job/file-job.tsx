/** A job from a file: CSV or NDJSON, one row an input, its columns mapped to the command's fields. */
import { FileInput, Stack, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import type { Command } from '../api/commands.ts';
import { fieldsOf } from '../form/schema.ts';
import { Trouble } from '../parts/states.tsx';
import { words } from '../parts/written.ts';
import { CommandChoice } from './command-choice.tsx';
import { readHead } from './file-head.ts';
import { JobOptionsFields, noOptions } from './job-options.tsx';
import { guessMapping, type Mapping, missing } from './mapping.ts';
import { MappingTable } from './mapping-table.tsx';
import { useStart } from './use-start.ts';

export const FileJob = ({ commands }: { readonly commands: readonly Command[] }) => {
  const [name, setName] = useState('open-account');
  const command = commands.find((one) => one.name === name) ?? commands[0];
  const [file, setFile] = useState<File | null>(null);
  const [corrected, setCorrected] = useState<Mapping>();
  const [options, setOptions] = useState(noOptions);
  const head = useMutation({ mutationFn: readHead });
  const start = useStart();
  if (command === undefined) return null;

  const fields = fieldsOf(command.input);
  const mapping = corrected ?? guessMapping(fields, head.data?.columns ?? []);
  const lacking = missing(fields, mapping);
  const choose = (chosen: File | null): void => {
    setFile(chosen);
    setCorrected(undefined);
    head.reset();
    if (chosen !== null) head.mutate(chosen);
  };
  const submit = (): void => {
    if (file === null || head.data === undefined) return;
    const { dryRun, label } = options;
    const { type } = head.data;
    start.mutate({
      upload: { command: command.name, file, type, map: mapping, dryRun, label: label.trim() || undefined },
    });
  };
  return (
    <form
      data-testid="start-job-form"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <Stack gap="md">
        <CommandChoice
          commands={commands}
          chosen={command}
          onChange={(next) => {
            setName(next.name);
            setCorrected(undefined);
          }}
        />
        <FileInput
          label="File"
          description="CSV with a header line, or NDJSON. It is read here only as far as its columns."
          placeholder="Choose a file"
          accept=".csv,.ndjson,.jsonl,text/csv,application/x-ndjson"
          value={file}
          onChange={choose}
          clearable
          data-testid="job-file"
        />
        {head.isError && <Text c="red">{head.error.message}</Text>}
        {head.isSuccess && (
          <MappingTable fields={fields} head={head.data} mapping={mapping} onChange={setCorrected} />
        )}
        {head.isSuccess && lacking.length > 0 && (
          <Text size="sm" c="orange">
            Without a column, so every row will be rejected: {lacking.map(words).join(', ')}
          </Text>
        )}
        {start.error !== null && <Trouble error={start.error} />}
        <JobOptionsFields
          options={options}
          onChange={setOptions}
          ready={head.isSuccess}
          starting={start.isPending}
        />
      </Stack>
    </form>
  );
};
