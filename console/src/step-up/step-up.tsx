/** Asks the person to sign in once more, and goes on with what they were about when they have. */
import { Button, Group, Modal, Stack, Text } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect } from 'react';
import { meKey } from '../api/me.ts';
import { useMe } from '../shell/me-context.ts';
import { freshSignInUrl, onSignedIn, useWaiting } from './fresh-sign-in.ts';

export const StepUp = () => {
  const waiting = useWaiting();
  const { principal } = useMe();
  const client = useQueryClient();
  const settle = useCallback(
    (signedIn: boolean): void => {
      waiting?.settle(signedIn);
      void client.invalidateQueries({ queryKey: meKey });
    },
    [waiting, client],
  );
  useEffect(
    () =>
      onSignedIn((who) => {
        // Somebody else's form is nobody's to send.
        if (who !== principal.id) window.location.reload();
        else settle(true);
      }),
    [settle, principal.id],
  );
  return (
    <Modal opened={waiting !== undefined} onClose={() => settle(false)} title="Sign in once more" centered>
      <Stack gap="md" data-testid="step-up">
        <Text size="sm">{waiting?.why}</Text>
        <Text size="sm" className="quiet">
          It opens in another tab. What you entered here stays, and is sent as soon as you are back.
        </Text>
        <Group gap="xs">
          <Button component="a" href={freshSignInUrl} target="_blank" data-testid="step-up-sign-in">
            Sign in
          </Button>
          <Button variant="default" onClick={() => settle(false)}>
            Not now
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
};
