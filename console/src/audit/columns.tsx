/** The columns of the audit log. */
import { UnstyledButton } from '@mantine/core';
import type { Actor, LogEvent } from '../api/types.ts';
import type { Column } from '../parts/data-table.tsx';
import { Moment } from '../parts/moment.tsx';
import { Person } from '../parts/person.tsx';
import { count, plainValue } from '../parts/written.ts';

/** The metadata holds the actor's name and e-mail beside the opaque id. */
export const actorOf = ({ metadata: { actor, name, email } }: LogEvent): Actor | undefined =>
  actor && {
    ...actor,
    ...(typeof name === 'string' ? { name } : {}),
    ...(typeof email === 'string' ? { email } : {}),
  };

/** Names by id, as other events tell them: what a worker records for somebody carries their id alone. */
export const actorsIn = (events: readonly LogEvent[]): ReadonlyMap<string, Actor> =>
  new Map(
    events.flatMap((event) => {
      const actor = actorOf(event);
      return actor === undefined || (actor.name ?? actor.email) === undefined ? [] : [[actor.id, actor]];
    }),
  );

export const auditColumns = (
  open: (event: LogEvent) => void,
  actors: ReadonlyMap<string, Actor>,
): readonly Column<LogEvent>[] => [
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
  {
    name: 'stream',
    label: 'Stream',
    wrap: true,
    cell: (event) => <span className="mono">{event.stream}</span>,
  },
  {
    name: 'actor',
    label: 'Actor',
    cell: (event) => <Person actor={actors.get(event.metadata.actor?.id ?? '') ?? actorOf(event)} />,
  },
  { name: 'command', label: 'Command', cell: (event) => plainValue(event.metadata.command) },
  { name: 'reason', label: 'Reason', wrap: true, cell: (event) => plainValue(event.metadata.reason) },
];
