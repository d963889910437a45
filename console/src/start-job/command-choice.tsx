/** Which command a job runs, and what it says about itself. */
import { NativeSelect } from '@mantine/core';
import type { Command } from '../api/commands.ts';

interface CommandChoiceProps {
  readonly commands: readonly Command[];
  readonly chosen: Command;
  readonly onChange: (command: Command) => void;
}

const descriptionOf = ({ summary, needsApproval, irreversible }: Command): string =>
  [
    summary,
    needsApproval ? 'Needs the approval of another person.' : undefined,
    irreversible === undefined ? undefined : `Cannot be undone: ${irreversible}`,
  ]
    .filter(Boolean)
    .join(' ');

export const CommandChoice = ({ commands, chosen, onChange }: CommandChoiceProps) => (
  <NativeSelect
    label="Command"
    description={descriptionOf(chosen)}
    value={chosen.name}
    data={commands.map(({ name }) => name)}
    onChange={(event) => {
      const command = commands.find(({ name }) => name === event.currentTarget.value);
      if (command !== undefined) onChange(command);
    }}
    data-testid="job-command"
  />
);
