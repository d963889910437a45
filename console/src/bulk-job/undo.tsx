/** Undoing what a job did: at once, or first as a dry run. */
import { Button, Group, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { hasEnded } from '../api/bulk-jobs.ts';
import { type Command, commandsQuery } from '../api/commands.ts';
import { undoJob } from '../api/previews.ts';
import type { Job } from '../api/types.ts';
import { count } from '../parts/written.ts';
import { usePermits } from '../shell/me-context.ts';
import { Confirmed } from './confirmed.tsx';
import { useFollowUp } from './use-follow-up.ts';

/** The command that would undo the job, where this person may run it; the server decides. */
const inverseFor = (job: Job, commands: readonly Command[]): Command | undefined => {
  const { inverse } = commands.find(({ name }) => name === job.command) ?? {};
  const command = commands.find(({ name }) => name === inverse);
  const did = !job.dryRun && hasEnded(job) && job.succeeded > 0 && job.undoneBy === undefined;
  return did && command?.permitted === true ? command : undefined;
};

export const Undo = ({ job }: { readonly job: Job }) => {
  const mayRun = usePermits('bulk:run');
  const { data: commands = [] } = useQuery(commandsQuery);
  const [reason, setReason] = useState('');
  const undo = useFollowUp('Undo', undoJob);
  const inverse = inverseFor(job, commands);
  if (inverse === undefined || !mayRun) return null;
  const button = (label: string, dryRun: boolean, close: () => void) => (
    <Button
      size="xs"
      variant={dryRun ? 'default' : 'filled'}
      {...(dryRun ? {} : { color: 'red' })}
      disabled={inverse.needsReason && reason.trim() === ''}
      loading={undo.isPending}
      onClick={() => {
        close();
        undo.mutate({ id: job.id, dryRun, reason: reason.trim() });
      }}
      data-testid={dryRun ? 'job-undo-dry' : 'job-undo-really'}
    >
      {label}
    </Button>
  );
  return (
    <Confirmed
      label="Undo…"
      testId="job-undo"
      text={
        <>
          Runs <span className="mono">{inverse.name}</span> on the {count(job.succeeded)} items that
          succeeded, each as it was before. What was changed since is left alone.
        </>
      }
    >
      {(close) => (
        <>
          <TextInput
            size="xs"
            label="Reason"
            placeholder="Kept in the audit log"
            required={inverse.needsReason}
            value={reason}
            onChange={(event) => setReason(event.currentTarget.value)}
          />
          <Group gap="xs">
            {button('Undo the job', false, close)}
            {button('Look first', true, close)}
          </Group>
        </>
      )}
    </Confirmed>
  );
};
