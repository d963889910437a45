/** Erasing somebody's personal data, and the legal holds that keep data from it. */
import { Button, Modal, Title } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { type UseInfiniteQueryResult, useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { CommandForm } from '../account/command-form.tsx';
import { commandsQuery } from '../api/commands.ts';
import { erasuresQuery, holdsQuery } from '../api/compliance.ts';
import { rowsOf } from '../api/paging.ts';
import type { Page as PageOf } from '../api/types.ts';
import { type Column, DataTable } from '../parts/data-table.tsx';
import { LoadMore } from '../parts/load-more.tsx';
import { Page } from '../parts/page.tsx';
import { Empty, Loading, Trouble } from '../parts/states.tsx';
import { words } from '../parts/written.ts';
import { erasureColumns, holdColumns } from './columns.tsx';

export const CompliancePage = () => (
  <Page
    title="Compliance"
    lead="Erasing destroys the key of somebody’s data for ever. What a legal hold keeps cannot be erased."
    actions={
      <>
        <CommandButton name="place-legal-hold" />
        <CommandButton name="lift-legal-hold" />
        <CommandButton name="erase-subject" danger />
      </>
    }
  >
    <Listed
      what="erasure"
      title="Erasures"
      rows={useInfiniteQuery(erasuresQuery)}
      columns={erasureColumns}
      keyOf={({ subject }) => subject}
    />
    <Listed
      what="legal hold"
      title="Legal holds"
      rows={useInfiniteQuery(holdsQuery)}
      columns={holdColumns}
      keyOf={({ holdId }) => holdId}
    />
  </Page>
);

const CommandButton = ({ name, danger = false }: { readonly name: string; readonly danger?: boolean }) => {
  const [opened, { open, close }] = useDisclosure(false);
  const command = useQuery(commandsQuery).data?.find((one) => one.name === name);
  if (command?.permitted !== true) return null;
  return (
    <>
      <Button {...(danger ? { color: 'red' } : { variant: 'default' })} onClick={open}>
        {words(name)}
      </Button>
      <Modal opened={opened} onClose={close} title={command.summary}>
        <CommandForm command={command} onDone={close} />
      </Modal>
    </>
  );
};

interface ListedProps<Row> {
  /** One of them, in words. */
  readonly what: string;
  readonly title: string;
  readonly rows: UseInfiniteQueryResult<{ readonly pages: readonly PageOf<Row>[] }>;
  readonly columns: readonly Column<Row>[];
  readonly keyOf: (row: Row) => string;
}

const Listed = <Row,>({ what, title, rows: asked, columns, keyOf }: ListedProps<Row>) => {
  const rows = rowsOf(asked.data);
  return (
    <>
      <Title order={2} size="h4">
        {title}
      </Title>
      {asked.isPending && <Loading what={`${what}s`} />}
      {asked.isError && <Trouble error={asked.error} retry={() => asked.refetch()} />}
      {asked.isSuccess && rows.length === 0 && <Empty title={`No ${what} so far`} />}
      {rows.length > 0 && (
        <>
          <DataTable
            caption={title}
            columns={columns}
            rows={rows}
            keyOf={keyOf}
            rowTestId={`${what.replace(' ', '-')}-row`}
          />
          <LoadMore shown={rows.length} what={rows.length === 1 ? what : `${what}s`} more={asked} />
        </>
      )}
    </>
  );
};
