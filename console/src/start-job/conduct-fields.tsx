/** How a job runs, folded away because the usual will do: when, with which share, how fast, how much may go wrong. */
import {
  Collapse,
  NumberInput,
  SegmentedControl,
  SimpleGrid,
  Stack,
  Text,
  TextInput,
  UnstyledButton,
} from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import type { Conduct } from '../api/bulk-jobs.ts';
import { utcOf } from '../parts/written.ts';

export interface ConductOptions {
  /** As a `datetime-local` input holds it; empty: at once. */
  readonly startAt: string;
  readonly priority: string;
  readonly maxRate: number | string;
  /** In a hundred. */
  readonly maxFailures: number | string;
}

export const usualConduct: ConductOptions = { startAt: '', priority: 'normal', maxRate: '', maxFailures: '' };

const numberOf = (value: number | string): number | undefined =>
  typeof value === 'number' ? value : undefined;

/** As requests want it: what is as usual is absent. */
export const conductOf = ({ startAt, priority, maxRate, maxFailures }: ConductOptions): Conduct => {
  const failures = numberOf(maxFailures);
  return {
    startAt: utcOf(startAt),
    priority: priority === 'normal' ? undefined : priority,
    maxRate: numberOf(maxRate),
    maxFailureRatio: failures === undefined ? undefined : failures / 100,
  };
};

interface ConductFieldsProps {
  readonly conduct: ConductOptions;
  readonly onChange: (conduct: ConductOptions) => void;
}

export const ConductFields = ({ conduct, onChange }: ConductFieldsProps) => {
  const [opened, { toggle }] = useDisclosure(false);
  return (
    <Stack gap="sm">
      <UnstyledButton
        onClick={() => {
          // What is folded away is not asked for.
          if (opened) onChange(usualConduct);
          toggle();
        }}
        aria-expanded={opened}
        className="text-link"
        w="fit-content"
        data-testid="job-conduct"
      >
        {opened ? 'Run it as usual' : 'Start later, run slower, stop by itself …'}
      </UnstyledButton>
      <Collapse expanded={opened}>
        <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="md">
          <TextInput
            type="datetime-local"
            step={1}
            label="Start at"
            description="Your own time. Empty: at once."
            value={conduct.startAt}
            onChange={(event) => onChange({ ...conduct, startAt: event.currentTarget.value })}
            data-testid="job-start-at"
          />
          <Stack gap={4}>
            <Text size="sm" fw={600}>
              Priority
            </Text>
            <Text size="xs" className="quiet">
              Its share of the workers beside other jobs: 1, 3 or 9.
            </Text>
            <SegmentedControl
              aria-label="Priority"
              data={['low', 'normal', 'high']}
              value={conduct.priority}
              onChange={(priority) => onChange({ ...conduct, priority })}
              data-testid="job-priority"
            />
          </Stack>
          <NumberInput
            label="Items a second at most"
            description="Empty: as fast as it goes."
            min={0.01}
            max={1_000_000}
            value={conduct.maxRate}
            onChange={(maxRate) => onChange({ ...conduct, maxRate })}
            data-testid="job-max-rate"
          />
          <NumberInput
            label="Pause when more go wrong than"
            description="The first 100 items run alone. Empty: never."
            suffix=" %"
            min={0}
            max={100}
            value={conduct.maxFailures}
            onChange={(maxFailures) => onChange({ ...conduct, maxFailures })}
            data-testid="job-max-failures"
          />
        </SimpleGrid>
      </Collapse>
    </Stack>
  );
};
