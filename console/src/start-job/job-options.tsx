/** What every job has: a label to find it by, a dry run first, and the button that starts it. */
import { Button, Group, Stack, Switch, TextInput } from '@mantine/core';

export interface JobOptions {
  readonly label: string;
  readonly dryRun: boolean;
}

export const noOptions: JobOptions = { label: '', dryRun: false };

interface JobOptionsProps {
  readonly options: JobOptions;
  readonly onChange: (options: JobOptions) => void;
  readonly ready: boolean;
  readonly starting: boolean;
}

export const JobOptionsFields = ({ options, onChange, ready, starting }: JobOptionsProps) => (
  <Stack gap="md">
    <TextInput
      label="Label"
      placeholder="What it is for, for those who see it in the list"
      value={options.label}
      onChange={(event) => onChange({ ...options, label: event.currentTarget.value })}
      data-testid="job-label"
    />
    <Switch
      label="Dry run"
      description="Decides every item and shows what would happen. Stores nothing."
      checked={options.dryRun}
      onChange={(event) => onChange({ ...options, dryRun: event.currentTarget.checked })}
      data-testid="job-dry-run"
    />
    <Group>
      <Button type="submit" disabled={!ready} loading={starting} data-testid="job-start">
        {options.dryRun ? 'Start the dry run' : 'Start the job'}
      </Button>
    </Group>
  </Stack>
);
