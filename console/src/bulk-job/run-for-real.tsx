/** Running for real what a dry run looked at. */
import { Button, Checkbox } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { hasEnded } from '../api/bulk-jobs.ts';
import { commandsQuery } from '../api/commands.ts';
import { runFrom } from '../api/previews.ts';
import type { Job } from '../api/types.ts';
import { count } from '../parts/written.ts';
import { usePermits } from '../shell/me-context.ts';
import { Confirmed } from './confirmed.tsx';
import { useFollowUp } from './use-follow-up.ts';

export const RunForReal = ({ job }: { readonly job: Job }) => {
  const mayRun = usePermits('bulk:run');
  const { data: commands = [] } = useQuery(commandsQuery);
  const [evenIfChanged, setEven] = useState(false);
  const run = useFollowUp('Run for real', runFrom);
  const command = commands.find(({ name }) => name === job.command);
  const ready = job.dryRun && hasEnded(job) && job.state !== 'cancelled' && job.succeeded > 0;
  if (!ready || !mayRun || command?.permitted !== true) return null;
  return (
    <Confirmed
      primary
      label="Run for real"
      testId="job-run-for-real"
      text={
        <>
          Runs <span className="mono">{job.command}</span> on the same {count(job.total)} items. What was
          changed after the dry run is left alone.
          {command.irreversible !== undefined && <strong> Cannot be undone: {command.irreversible}</strong>}
        </>
      }
    >
      {(close) => (
        <>
          <Checkbox
            size="sm"
            label="Also items that were changed since"
            checked={evenIfChanged}
            onChange={(event) => setEven(event.currentTarget.checked)}
          />
          <Button
            size="xs"
            loading={run.isPending}
            onClick={() => {
              close();
              run.mutate({ from: job.id, evenIfChanged });
            }}
            data-testid="job-run-for-real-really"
          >
            Run {count(job.total)} items
          </Button>
        </>
      )}
    </Confirmed>
  );
};
