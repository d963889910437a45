/** What can be done with an export: download it when it is complete, cancel it before. */
import { Button } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { cancelExport, type Export, exportsKey, fileUrl, isRunning } from '../api/exports.ts';
import { asProblem } from '../api/problem.ts';

export const ExportActs = ({ one }: { readonly one: Export }) => {
  const client = useQueryClient();
  const cancel = useMutation({
    mutationFn: () => cancelExport(one.id),
    onSettled: () => client.invalidateQueries({ queryKey: exportsKey }),
    onError: (error) =>
      notifications.show({ color: 'red', title: 'Not cancelled', message: asProblem(error).message }),
  });
  if (one.state === 'completed')
    return (
      <Button component="a" href={fileUrl(one.id)} download size="compact-sm" data-testid="download-export">
        Download
      </Button>
    );
  if (!isRunning(one)) return null;
  return (
    <Button
      size="compact-sm"
      variant="default"
      loading={cancel.isPending}
      onClick={() => cancel.mutate()}
      data-testid="cancel-export"
    >
      Cancel
    </Button>
  );
};
