/** Ends one session; ending the present one leads back to the sign-in page. */
import { Button } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { meKey } from '../api/me.ts';
import { asProblem } from '../api/problem.ts';
import { endSession, sessionsKey } from '../api/sessions.ts';
import type { Session } from '../api/types.ts';
import { useMe, usePermits } from '../shell/me-context.ts';

export const EndSession = ({ session: { id, personId, current } }: { readonly session: Session }) => {
  const { principal } = useMe();
  const mayEndOthers = usePermits('sessions:revoke');
  const client = useQueryClient();
  const end = useMutation({
    mutationFn: () => endSession(id),
    onSettled: () => client.invalidateQueries({ queryKey: current ? meKey : sessionsKey }),
    onError: (error) =>
      notifications.show({ color: 'red', title: 'The session goes on', message: asProblem(error).message }),
  });
  if (personId !== principal.id && !mayEndOthers) return null;
  return (
    <Button
      size="compact-sm"
      variant="default"
      loading={end.isPending}
      onClick={() => end.mutate()}
      data-testid="end-session"
    >
      {current ? 'Sign out here' : 'End'}
    </Button>
  );
};
