/** One account: what it is, now or at a moment; what one may do with it; how it came to be so. */
import { Alert, Grid, Group, Paper, Stack, Title } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { accountQuery } from '../api/accounts.ts';
import { Link } from '../navigation/link.tsx';
import { setSearch, usePlace } from '../navigation/place.ts';
import { Page } from '../parts/page.tsx';
import { StateBadge } from '../parts/state-badge.tsx';
import { Loading, Trouble } from '../parts/states.tsx';
import { moment } from '../parts/written.ts';
import { usePermits } from '../shell/me-context.ts';
import { AccountFields } from './account-fields.tsx';
import { AsOf } from './as-of.tsx';
import { CommandList } from './command-list.tsx';
import { History } from './history.tsx';
import { useLiveAccount } from './use-live-account.ts';

export const AccountPage = ({ accountId }: { readonly accountId: string }) => {
  const mayReplay = usePermits('audit:replay');
  const mayAudit = usePermits('audit:read');
  const asOf = usePlace().search.get('asOf') ?? undefined;
  const account = useQuery({ ...accountQuery(accountId, asOf), placeholderData: keepPreviousData });
  useLiveAccount(accountId, asOf);
  const row = account.data?.data;
  return (
    <Page
      title={accountId}
      heading={
        <Group gap="sm" component="span">
          <span className="mono">{accountId}</span>
          {row !== undefined && !account.isError && <StateBadge state={row.status} />}
        </Group>
      }
      lead={
        <Group gap="md" component="span">
          <Link className="text-link" href="/accounts">
            All accounts
          </Link>
          {mayAudit && (
            <Link className="text-link" href={`/audit?about=${encodeURIComponent(`account-${accountId}`)}`}>
              Everything about this account
            </Link>
          )}
        </Group>
      }
      actions={<AsOf asOf={asOf} onChange={(at) => setSearch({ asOf: at })} />}
    >
      {account.isPending && <Loading what="the account" />}
      {account.isError && <Trouble error={account.error} retry={() => account.refetch()} />}
      {asOf !== undefined && account.isSuccess && (
        <Alert color="yellow" variant="light" data-testid="as-of-notice">
          As it was at {isPosition(asOf) ? '' : `${moment(asOf)}, `}position {account.data.position ?? asOf}{' '}
          of the log. Commands act on the present.
        </Alert>
      )}
      <Grid gap="md">
        <Grid.Col span={{ base: 12, lg: 8 }}>
          <Stack gap="md">
            {row !== undefined && !account.isError && (
              <Paper>
                <AccountFields account={row} />
              </Paper>
            )}
            {mayReplay && <History stream={`account-${accountId}`} />}
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, lg: 4 }}>
          {asOf === undefined && row !== undefined && (
            <Stack gap="xs">
              <Title order={2} size="h5">
                Commands
              </Title>
              <CommandList accountId={accountId} />
            </Stack>
          )}
        </Grid.Col>
      </Grid>
    </Page>
  );
};

/** `asOf` is a time or a position, as in the API. */
const isPosition = (asOf: string): boolean => /^\d+$/.test(asOf);
