/** Who am I, how does it look, am I connected, and the way out. */
import {
  ActionIcon,
  Button,
  Group,
  Stack,
  Text,
  useComputedColorScheme,
  useMantineColorScheme,
} from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { meKey, signOut } from '../api/me.ts';
import { asProblem } from '../api/problem.ts';
import { MoonIcon, SunIcon } from '../parts/icons.tsx';
import { LiveDot } from './live-dot.tsx';
import { useMe } from './me-context.ts';

export const Who = () => {
  const { principal, roles } = useMe();
  return (
    <Stack gap="xs" px="xs" pb={4}>
      <div data-testid="who">
        <Text size="sm" fw={600} truncate title={principal.id}>
          {principal.name ?? principal.email ?? principal.id}
        </Text>
        {principal.name && principal.email && (
          <Text size="xs" className="bar-quiet" truncate>
            {principal.email}
          </Text>
        )}
        <Text size="xs" className="bar-quiet">
          {roles.length === 0 ? 'no role' : roles.join(', ')}
        </Text>
      </div>
      <Group justify="space-between">
        <LiveDot />
        <SchemeSwitch />
      </Group>
      <SignOut />
    </Stack>
  );
};

const SignOut = () => {
  const client = useQueryClient();
  const leave = useMutation({
    mutationFn: signOut,
    onSuccess: () => {
      client.setQueryData(meKey, null);
      client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== meKey[0] });
    },
    onError: (error) =>
      notifications.show({ color: 'red', title: 'Still signed in', message: asProblem(error).message }),
  });
  return (
    <Button
      data-testid="sign-out"
      variant="default"
      size="xs"
      loading={leave.isPending}
      onClick={() => leave.mutate()}
    >
      Sign out
    </Button>
  );
};

const SchemeSwitch = () => {
  const { setColorScheme } = useMantineColorScheme();
  const isDark = useComputedColorScheme('light') === 'dark';
  const label = isDark ? 'Use light colours' : 'Use dark colours';
  return (
    <ActionIcon
      variant="transparent"
      color="#dbe7ee"
      aria-label={label}
      title={label}
      onClick={() => setColorScheme(isDark ? 'light' : 'dark')}
    >
      {isDark ? <SunIcon /> : <MoonIcon />}
    </ActionIcon>
  );
};
