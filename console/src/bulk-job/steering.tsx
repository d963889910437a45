/** Pause, resume, cancel and retry, each where the job's state allows it. Cancelling asks once more. */
import { Button, Popover, Stack, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { jobKey, newerJob, type Steer, steerJob } from '../api/bulk-jobs.ts';
import { asProblem } from '../api/problem.ts';
import type { Job } from '../api/types.ts';
import { jobUrl } from '../bulk-jobs/columns.tsx';
import { navigate } from '../navigation/place.ts';
import { words } from '../parts/written.ts';
import { usePermits } from '../shell/me-context.ts';
import { Retry } from './retry.tsx';

const allowed: Readonly<Record<string, readonly Steer[]>> = {
  accepted: ['pause', 'cancel'],
  'awaiting-approval': ['cancel'],
  running: ['pause', 'cancel'],
  paused: ['resume', 'cancel'],
};

export const Steering = ({ job }: { readonly job: Job }) => {
  const mayRun = usePermits('bulk:run');
  const client = useQueryClient();
  const steer = useMutation({
    mutationFn: (how: Steer) => steerJob(job.id, how),
    onSuccess: (answered) => {
      client.setQueryData<Job>(jobKey(answered.id), (known) => newerJob(known, answered));
      if (answered.id !== job.id) navigate(jobUrl(answered.id));
    },
    onError: (error, how) =>
      notifications.show({
        color: 'red',
        title: `${words(how)}: ${asProblem(error).title}`,
        message: asProblem(error).detail ?? 'Nothing was changed.',
      }),
  });
  const may = mayRun ? (allowed[job.state] ?? []) : [];
  return (
    <>
      {may
        .filter((how) => how !== 'cancel')
        .map((how) => (
          <Button
            key={how}
            variant="default"
            loading={steer.isPending && steer.variables === how}
            onClick={() => steer.mutate(how)}
            data-testid={`job-${how}`}
          >
            {words(how)}
          </Button>
        ))}
      {mayRun && <Retry job={job} />}
      {may.includes('cancel') && <Cancel onCancel={() => steer.mutate('cancel')} />}
    </>
  );
};

const Cancel = ({ onCancel }: { readonly onCancel: () => void }) => {
  const [opened, { toggle, close }] = useDisclosure(false);
  return (
    <Popover
      opened={opened}
      onClose={close}
      onDismiss={close}
      trapFocus
      withArrow
      position="bottom-end"
      shadow="md"
    >
      <Popover.Target>
        <Button variant="default" c="red" onClick={toggle} data-testid="job-cancel">
          Cancel job
        </Button>
      </Popover.Target>
      <Popover.Dropdown>
        <Stack gap="xs" maw={240}>
          <Text size="sm">What is done stays done. The rest will not be started.</Text>
          <Button
            color="red"
            size="xs"
            data-testid="job-cancel-really"
            onClick={() => {
              close();
              onCancel();
            }}
          >
            Cancel the rest
          </Button>
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
};
