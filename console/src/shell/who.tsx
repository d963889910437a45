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
import { Link } from '../navigation/link.tsx';
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
      <Group justify="space-between" mih={28}>
        <LiveDot />
        <Group ml="auto">
          <SchemeSwitch />
        </Group>
      </Group>
      <Text size="xs">
        <Link className="bar-quiet" href="/sessions" data-testid="my-sessions">
          Where I am signed in
        </Link>
      </Text>
      <SignOut />
    </Stack>
  );
};

/** A form, not a call: signing out may lead over the identity provider's own page and back. */
const SignOut = () => (
  <form method="post" action="/auth/logout">
    <Button type="submit" fullWidth variant="outline" color="#c3d3dd" size="xs" data-testid="sign-out">
      Sign out
    </Button>
  </form>
);

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
