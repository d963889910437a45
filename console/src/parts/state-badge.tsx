/** States of accounts and jobs, and outcomes of items, each in its colour and in words. */
import { Badge } from '@mantine/core';

const colors: Readonly<Record<string, string>> = {
  active: 'teal',
  suspended: 'orange',
  closed: 'gray',
  open: 'harbour',
  paid: 'teal',
  void: 'gray',
  granted: 'teal',
  revoked: 'gray',
  accepted: 'harbour',
  'awaiting-approval': 'yellow',
  running: 'harbour',
  paused: 'yellow',
  cancelling: 'gray',
  cancelled: 'gray',
  completed: 'teal',
  'completed-with-failures': 'red',
  failed: 'red',
  expired: 'gray',
  succeeded: 'teal',
  unchanged: 'gray',
  rejected: 'orange',
};

export const StateBadge = ({ state }: { readonly state: string }) => (
  <Badge
    color={colors[state] ?? 'gray'}
    variant="dot"
    tt="none"
    fw={500}
    fz={12.5}
    miw="max-content"
    data-state={state}
  >
    {state.replaceAll('-', ' ')}
  </Badge>
);
