/** A job from a file: CSV, a workbook or NDJSON, one row an input, its columns mapped to the command's fields. */
import { FileInput, Stack, Text } from '@mantine/core';
import type { Command } from '../api/commands.ts';
import { Trouble } from '../parts/states.tsx';
import { words } from '../parts/written.ts';
import { CommandChoice } from './command-choice.tsx';
import { JobOptionsFields, wantsReason } from './job-options.tsx';
import { MappingTable } from './mapping-table.tsx';
import { ReadingFields } from './reading-fields.tsx';
import { SameFields } from './same-fields.tsx';
import { useFileJob } from './use-file-job.ts';

export const FileJob = ({ commands }: { readonly commands: readonly Command[] }) => {
  const job = useFileJob(commands);
  if (job.command === undefined) return null;
  return (
    <form
      data-testid="start-job-form"
      onSubmit={(event) => {
        event.preventDefault();
        job.start();
      }}
    >
      <Stack gap="md">
        <CommandChoice commands={commands} chosen={job.command} onChange={job.chooseCommand} />
        <FileInput
          label="File"
          description="CSV or an Excel workbook (.xlsx) with a header line, or NDJSON. It is read here only as far as its columns."
          placeholder="Choose a file"
          accept=".csv,.tsv,.txt,.xlsx,.ndjson,.jsonl,text/csv,application/x-ndjson"
          value={job.file}
          onChange={job.choose}
          clearable
          data-testid="job-file"
        />
        {job.head.isError && <Text c="red">{job.head.error.message}</Text>}
        {job.head.isSuccess && <Columns {...job} />}
        {job.error !== null && <Trouble error={job.error} />}
        <JobOptionsFields
          options={job.options}
          onChange={job.setOptions}
          wantsReason={wantsReason(job.command)}
          ready={job.head.isSuccess}
          starting={job.isPending}
        />
      </Stack>
    </form>
  );
};

/** What of the file goes where. */
const Columns = ({
  head,
  fields,
  open,
  mapping,
  lacking,
  values,
  error,
  ...job
}: ReturnType<typeof useFileJob>) => {
  if (head.data?.type === 'application/x-ndjson') {
    return <Text size="sm">Its lines name the fields themselves: {head.data.columns.join(', ')}.</Text>;
  }
  return (
    <>
      {head.data !== undefined && (
        <>
          <ReadingFields head={head.data} onChange={job.readAs} />
          <MappingTable fields={fields} head={head.data} mapping={mapping} onChange={job.setMapping} />
        </>
      )}
      {open.length > 0 && <SameFields fields={open} values={values} error={error} onChange={job.setValues} />}
      {lacking.length > 0 && (
        <Text size="sm" c="orange">
          Neither in a column nor given for every row: {lacking.map(words).join(', ')}. Each row will be
          rejected.
        </Text>
      )}
    </>
  );
};
