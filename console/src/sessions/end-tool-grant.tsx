/** Ends what somebody gave a tool: its tokens of that sign-in are refused from then on. */
import { Button } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { asProblem } from '../api/problem.ts';
import { endToolGrant, toolGrantsKey } from '../api/tool-grants.ts';
import type { ToolGrant } from '../api/types.ts';
import { useMe, usePermits } from '../shell/me-context.ts';

export const EndToolGrant = ({ grant: { id, personId, tool } }: { readonly grant: ToolGrant }) => {
  const { principal } = useMe();
  const mayEndOthers = usePermits('sessions:revoke');
  const client = useQueryClient();
  const end = useMutation({
    mutationFn: () => endToolGrant(id),
    onSettled: () => client.invalidateQueries({ queryKey: toolGrantsKey }),
    onError: (error) =>
      notifications.show({ color: 'red', title: `${tool} goes on`, message: asProblem(error).message }),
  });
  if (personId !== principal.id && !mayEndOthers) return null;
  return (
    <Button
      size="compact-sm"
      variant="default"
      loading={end.isPending}
      onClick={() => end.mutate()}
      aria-label={`End ${tool}`}
      data-testid="end-tool-grant"
    >
      End
    </Button>
  );
};
