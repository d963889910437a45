/** What every job has: a label to find it by, a dry run first, and the button that starts it. */

import { Button, Group, Stack, Switch, TextInput } from '@mantine/core';
import type { Command } from '../api/commands.ts';
import { ConductFields, type ConductOptions, conductOf, usualConduct } from './conduct-fields.tsx';

export interface JobOptions {
  readonly label: string;
  readonly reason: string;
  readonly dryRun: boolean;
  readonly conduct: ConductOptions;
}

export const noOptions: JobOptions = { label: '', reason: '', dryRun: false, conduct: usualConduct };

interface JobOptionsProps {
  readonly options: JobOptions;
  readonly onChange: (options: JobOptions) => void;
  /** Whether the command wants a reason; undefined where its input has a field for it. */
  readonly wantsReason: boolean | undefined;
  readonly ready: boolean;
  readonly starting: boolean;
}

export const JobOptionsFields = ({ options, onChange, wantsReason, ready, starting }: JobOptionsProps) => (
  <Stack gap="md">
    <TextInput
      label="Label"
      placeholder="What it is for, for those who see it in the list"
      value={options.label}
      onChange={(event) => onChange({ ...options, label: event.currentTarget.value })}
      data-testid="job-label"
    />
    {wantsReason !== undefined && (
      <TextInput
        label="Reason"
        placeholder="Kept in the audit log with every item"
        required={wantsReason}
        value={options.reason}
        onChange={(event) => onChange({ ...options, reason: event.currentTarget.value })}
      />
    )}
    <ConductFields conduct={options.conduct} onChange={(conduct) => onChange({ ...options, conduct })} />
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

/** As requests want them: what was left empty is absent. */
export const requestOf = ({ label, reason, dryRun, conduct }: JobOptions) => ({
  ...conductOf(conduct),
  label: label.trim() || undefined,
  reason: reason.trim() || undefined,
  dryRun,
});

export const wantsReason = ({ input, needsReason }: Command): boolean | undefined =>
  input.properties?.reason === undefined ? needsReason : undefined;
