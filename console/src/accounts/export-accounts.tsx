/** Exports the accounts of the present filter, and leads to where the file will be. */
import { Button } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { exportsKey, startExport } from '../api/exports.ts';
import { asProblem } from '../api/problem.ts';
import { navigate } from '../navigation/place.ts';
import { usePermits } from '../shell/me-context.ts';
import { type AccountFilter, whereOf } from './account-filter.ts';

export const ExportAccounts = ({ filter }: { readonly filter: AccountFilter }) => {
  const mayRun = usePermits('exports:run');
  const client = useQueryClient();
  const start = useMutation({
    mutationFn: () => startExport({ query: 'accounts', format: 'csv', where: whereOf(filter) }),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: exportsKey });
      navigate('/exports');
    },
    onError: (error) =>
      notifications.show({ color: 'red', title: 'Not exported', message: asProblem(error).message }),
  });
  if (!mayRun) return null;
  return (
    <Button
      variant="default"
      loading={start.isPending}
      onClick={() => start.mutate()}
      data-testid="export-here"
    >
      Export as CSV
    </Button>
  );
};
