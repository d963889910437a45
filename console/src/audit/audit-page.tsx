/** The audit log, in the order of the log, by filter. */
import { Anchor, Text } from '@mantine/core';
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { eventsQuery } from '../api/audit.ts';
import { type Query, urlOf } from '../api/client.ts';
import { rowsOf } from '../api/paging.ts';
import type { LogEvent } from '../api/types.ts';
import { setSearch, usePlace } from '../navigation/place.ts';
import { DataTable } from '../parts/data-table.tsx';
import { LoadMore } from '../parts/load-more.tsx';
import { Page } from '../parts/page.tsx';
import { Empty, Loading, Trouble } from '../parts/states.tsx';
import { usePermits } from '../shell/me-context.ts';
import { auditFilterOf, auditQueryOf } from './audit-filter.ts';
import { AuditFilterBar } from './audit-filter-bar.tsx';
import { actorsIn, auditColumns } from './columns.tsx';
import { EventDetails } from './event-details.tsx';

export const AuditPage = () => {
  const filter = auditFilterOf(usePlace().search);
  const query = auditQueryOf(filter);
  const mayExport = usePermits('audit:export');
  const [opened, setOpened] = useState<LogEvent>();
  const events = useInfiniteQuery({ ...eventsQuery(query), placeholderData: keepPreviousData });
  const rows = rowsOf(events.data);
  return (
    <Page
      title="Audit"
      lead="Everything that was done here, allowed or refused. Exports are recorded too."
      actions={mayExport && <Downloads query={query} />}
    >
      <AuditFilterBar filter={filter} onChange={setSearch} />
      {events.isPending && <Loading what="the log" />}
      {events.isError && !events.isFetchNextPageError && (
        <Trouble error={events.error} retry={() => events.refetch()} />
      )}
      {events.isSuccess && rows.length === 0 && <Empty title="No event matches" />}
      {rows.length > 0 && (
        <>
          <DataTable
            caption="Events"
            columns={auditColumns(setOpened, actorsIn(rows))}
            rows={rows}
            keyOf={(event) => event.position}
            onOpen={setOpened}
            rowTestId="audit-row"
          />
          <LoadMore shown={rows.length} what={rows.length === 1 ? 'event' : 'events'} more={events} />
        </>
      )}
      <EventDetails event={opened} onClose={() => setOpened(undefined)} />
    </Page>
  );
};

/** Whoever is handed one of these files must believe who handed it out; the other kind of export can be verified. */
const Downloads = ({ query }: { readonly query: Query }) => (
  <>
    <Text size="sm" className="quiet">
      To read, not provable:
    </Text>
    {(['csv', 'ndjson'] as const).map((format) => (
      <Anchor
        key={format}
        size="sm"
        href={urlOf(`/audit/events.${format}`, query)}
        download={`audit.${format}`}
      >
        {format.toUpperCase()}
      </Anchor>
    ))}
    <Anchor size="sm" href="/internal/docs#exportProvableEvents">
      How to make a provable one
    </Anchor>
  </>
);
