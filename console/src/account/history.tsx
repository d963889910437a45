/** How a stream came to be as it is: each state with who, when, why and what changed, newest first. */
import { Group, Paper, Stack, Text, Timeline, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { historyQuery } from '../api/audit.ts';
import type { StreamState } from '../api/types.ts';
import { Link } from '../navigation/link.tsx';
import { usePlace } from '../navigation/place.ts';
import { Diff } from '../parts/diff.tsx';
import { Moment } from '../parts/moment.tsx';
import { Person } from '../parts/person.tsx';
import { Loading, Trouble } from '../parts/states.tsx';
import { count, words } from '../parts/written.ts';

export const History = ({ stream }: { readonly stream: string }) => {
  const history = useQuery(historyQuery(stream));
  if (history.data === null) return null;
  return (
    <Paper component="section" aria-label="History" data-testid="history">
      <Stack gap="md">
        <Title order={2} size="h5">
          History
        </Title>
        {history.isPending && <Loading what="the history" />}
        {history.isError && <Trouble error={history.error} retry={() => history.refetch()} />}
        {history.isSuccess && <States states={history.data} />}
      </Stack>
    </Paper>
  );
};

const States = ({ states }: { readonly states: readonly StreamState[] }) => (
  <Timeline bulletSize={14} lineWidth={2}>
    {states.toReversed().map((state) => (
      <Timeline.Item
        key={state.version}
        title={
          <Text fw={600} size="sm" component="span">
            {words(state.type)}
          </Text>
        }
        data-testid="history-state"
      >
        <Group gap={6} mb={6} className="quiet numbers" fz="sm">
          <Person actor={state.actor} />
          ·
          <Moment at={state.recordedAt} />·<At position={state.position} />
        </Group>
        {state.reason && (
          <Text size="sm" mb={6} fs="italic">
            “{state.reason}”
          </Text>
        )}
        <Diff changes={state.diff} before={state.before} />
      </Timeline.Item>
    ))}
  </Timeline>
);

/** Leads to the account as it was right after this event. */
const At = ({ position }: { readonly position: number }) => {
  const { pathname } = usePlace();
  return (
    <Link className="text-link" href={`${pathname}?asOf=${position}`}>
      position {count(position)}
    </Link>
  );
};
