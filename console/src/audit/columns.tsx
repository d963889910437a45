/** The columns of the audit log. */
import { UnstyledButton } from '@mantine/core';
import type { LogEvent } from '../api/types.ts';
import type { Column } from '../parts/data-table.tsx';
import { Moment } from '../parts/moment.tsx';
import { actorName, count, plainValue } from '../parts/written.ts';

/** Actor with the name beside it, where the metadata holds one. */
export const actorOf = ({ metadata }: LogEvent): string => {
  const named = metadata.name ?? metadata.email;
  return typeof named === 'string' ? named : actorName(metadata.actor);
};

export const auditColumns = (open: (event: LogEvent) => void): readonly Column<LogEvent>[] => [
  {
    name: 'position',
    label: 'Position',
    right: true,
    cell: (event) => (
      <UnstyledButton className="text-link numbers" fz="inherit" onClick={() => open(event)}>
        {count(event.position)}
      </UnstyledButton>
    ),
  },
  { name: 'recordedAt', label: 'Recorded', cell: (event) => <Moment at={event.recordedAt} /> },
  { name: 'type', label: 'Event', cell: (event) => event.type },
  { name: 'stream', label: 'Stream', cell: (event) => <span className="mono">{event.stream}</span> },
  {
    name: 'actor',
    label: 'Actor',
    cell: (event) => <span title={event.metadata.actor?.id}>{actorOf(event)}</span>,
  },
  { name: 'command', label: 'Command', cell: (event) => plainValue(event.metadata.command) },
  { name: 'reason', label: 'Reason', wrap: true, cell: (event) => plainValue(event.metadata.reason) },
];
