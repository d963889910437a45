/** One event of the log, whole: who, when, through what, and its data. */
import { Drawer, Stack, Title } from '@mantine/core';
import type { LogEvent } from '../api/types.ts';
import { Link } from '../navigation/link.tsx';
import { Moment } from '../parts/moment.tsx';
import { Person } from '../parts/person.tsx';
import { count, plainValue, words } from '../parts/written.ts';
import { actorOf } from './columns.tsx';

interface EventDetailsProps {
  readonly event: LogEvent | undefined;
  readonly onClose: () => void;
}

export const EventDetails = ({ event, onClose }: EventDetailsProps) => (
  <Drawer
    opened={event !== undefined}
    onClose={onClose}
    position="right"
    size="lg"
    title={event === undefined ? '' : `${event.type} at position ${count(event.position)}`}
  >
    {event !== undefined && (
      <Stack gap="lg" data-testid="event-details">
        <Facts
          facts={{
            stream: `${event.stream}, version ${event.version}`,
            recordedAt: <Moment at={event.recordedAt} />,
            id: <span className="mono">{event.id}</span>,
            ...(event.metadata.actor === undefined ? {} : { actor: <ByActor event={event} /> }),
          }}
        />
        <Title order={2} size="h6">
          Data
        </Title>
        <Facts facts={written(event.data)} />
        <Title order={2} size="h6">
          Metadata
        </Title>
        <Facts facts={written(event.metadata)} />
      </Stack>
    )}
  </Drawer>
);

/** By name where one is told it; the opaque id finds everything else that they did. */
const ByActor = ({ event }: { readonly event: LogEvent }) => (
  <>
    <Person actor={actorOf(event)} /> ·{' '}
    <Link className="text-link" href={`/audit?actor=${encodeURIComponent(event.metadata.actor?.id ?? '')}`}>
      everything by them
    </Link>
  </>
);

const Facts = ({ facts }: { readonly facts: Readonly<Record<string, React.ReactNode>> }) => (
  <dl className="diff numbers">
    {Object.entries(facts).flatMap(([name, value]) => [
      <dt key={`${name}:`}>{words(name)}</dt>,
      <dd key={name}>{value}</dd>,
    ])}
  </dl>
);

/** Objects one level deep are told member by member: `actor · id`. */
const written = (record: Readonly<Record<string, unknown>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(record).flatMap(([name, value]) =>
      isRecord(value)
        ? Object.entries(value).map(([inner, held]) => [`${name} · ${inner}`, plainValue(held)] as const)
        : [[name, plainValue(value)] as const],
    ),
  );

/** Money is an object too, but told as one value. */
const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !('minor' in value);
