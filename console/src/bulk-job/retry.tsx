/**
 * Trying again what an ended job failed at, as it was or from a file with corrections. Rows of the file
 * name their items by target, or by line or index where the target itself was wrong.
 */
import { Button, Checkbox, Divider, FileInput, Modal, SegmentedControl, Stack, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { correctJob, hasEnded, retryJob } from '../api/bulk-jobs.ts';
import { commandsQuery } from '../api/commands.ts';
import type { Job } from '../api/types.ts';
import { jobUrl } from '../bulk-jobs/columns.tsx';
import { fieldsOf } from '../form/schema.ts';
import { navigate } from '../navigation/place.ts';
import { Trouble } from '../parts/states.tsx';
import { count } from '../parts/written.ts';
import { readHead } from '../start-job/file-head.ts';
import { guessMapping } from '../start-job/mapping.ts';

const canBeRetried = (job: Job): boolean =>
  hasEnded(job) && job.resultsExpiredAt === undefined && job.failed + job.rejected > 0;

export const Retry = ({ job }: { readonly job: Job }) => {
  const [opened, { open, close }] = useDisclosure(false);
  if (!canBeRetried(job)) return null;
  return (
    <>
      <Button variant="default" onClick={open} data-testid="job-retry">
        Try again
      </Button>
      <Modal opened={opened} onClose={close} title="Try again what went wrong" size="lg">
        <Stack gap="lg">
          <AsGiven job={job} />
          <Divider label="or with corrections" />
          <Corrected job={job} />
        </Stack>
      </Modal>
    </>
  );
};

const open = (job: Job): void => navigate(jobUrl(job.id));

const AsGiven = ({ job }: { readonly job: Job }) => {
  const kinds = (['failed', 'rejected'] as const).filter((kind) => job[kind] > 0);
  const [chosen, setChosen] = useState<string[]>(job.failed > 0 ? ['failed'] : []);
  const retry = useMutation({ mutationFn: () => retryJob(job.id, chosen), onSuccess: open });
  return (
    <Stack gap="sm" align="flex-start">
      <Checkbox.Group label="The same input once more, for items that" value={chosen} onChange={setChosen}>
        <Stack gap="xs" mt="xs">
          {kinds.map((kind) => (
            <Checkbox key={kind} value={kind} label={`${words[kind]} (${count(job[kind])})`} />
          ))}
        </Stack>
      </Checkbox.Group>
      {retry.error !== null && <Trouble error={retry.error} />}
      <Button
        disabled={chosen.length === 0}
        loading={retry.isPending}
        onClick={() => retry.mutate()}
        data-testid="job-retry-as-given"
      >
        Start a job over them
      </Button>
    </Stack>
  );
};

const words = { failed: 'failed by a fault', rejected: 'were rejected by a rule or their input' } as const;

const Corrected = ({ job }: { readonly job: Job }) => {
  const [file, setFile] = useState<File | null>(null);
  const [match, setMatch] = useState('target');
  const commands = useQuery(commandsQuery);
  const correct = useMutation({
    mutationFn: async (chosen: File) => {
      const { type, columns } = await readHead(chosen);
      const command = commands.data?.find(({ name }) => name === job.command);
      const map = command === undefined ? undefined : guessMapping(fieldsOf(command.input), columns);
      return correctJob(job.id, { file: chosen, type, match, map: type === 'text/csv' ? map : undefined });
    },
    onSuccess: open,
  });
  return (
    <Stack gap="sm" align="flex-start">
      <FileInput
        w="100%"
        label="A file with corrected rows"
        description="CSV or NDJSON. The new job has exactly its rows; each stands for an item that failed or was rejected."
        placeholder="Choose a file"
        accept=".csv,.ndjson,.jsonl,text/csv,application/x-ndjson"
        value={file}
        onChange={setFile}
        clearable
        data-testid="job-correction"
      />
      <Text size="sm" fw={600}>
        A row names its item by
      </Text>
      <SegmentedControl
        aria-label="A row names its item by"
        data={[
          { value: 'target', label: 'target' },
          { value: 'line', label: 'a column “line”' },
          { value: 'index', label: 'a column “index”' },
        ]}
        value={match}
        onChange={setMatch}
      />
      {correct.error !== null && <Trouble error={correct.error} />}
      <Button
        disabled={file === null}
        loading={correct.isPending}
        onClick={() => file !== null && correct.mutate(file)}
        data-testid="job-retry-corrected"
      >
        Start a job over its rows
      </Button>
    </Stack>
  );
};
