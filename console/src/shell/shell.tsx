/** The frame around every screen: navigation and identity at the left, the screen in the middle. */
import { AppShell, Burger, Group } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { connectLive } from '../api/live.ts';
import { meKey } from '../api/me.ts';
import { useLiveStatus } from '../api/use-live.ts';
import { Link } from '../navigation/link.tsx';
import { usePlace } from '../navigation/place.ts';
import { Screen } from '../navigation/routes.tsx';
import { Wheel } from '../parts/icons.tsx';
import { StepUp } from '../step-up/step-up.tsx';
import { LiveDot } from './live-dot.tsx';
import { Navigation } from './navigation.tsx';
import { Who } from './who.tsx';

export const Shell = () => {
  const [opened, { toggle, close }] = useDisclosure(false);
  const { pathname } = usePlace();
  useEffect(() => connectLive(), []);
  useSessionCheck();
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new page closes the menu of narrow screens
  useEffect(close, [pathname]);
  return (
    <AppShell
      header={{ height: { base: 52, sm: 0 } }}
      navbar={{ width: 216, breakpoint: 'sm', collapsed: { mobile: !opened } }}
      padding={{ base: 'sm', sm: 'lg' }}
    >
      <a className="skip" href="#screen">
        Skip to the content
      </a>
      <AppShell.Header className="bar" hiddenFrom="sm">
        <Group h="100%" px="sm" gap="sm">
          <Burger opened={opened} onClick={toggle} size="sm" color="#dbe7ee" aria-label="Menu" />
          <Brand />
          <Group ml="auto">
            <LiveDot />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar className="bar" p="sm">
        <Group visibleFrom="sm" px="xs" pt={4} pb="md">
          <Brand />
        </Group>
        <Navigation />
        <Who />
      </AppShell.Navbar>
      <AppShell.Main id="screen">
        <Screen />
      </AppShell.Main>
      <StepUp />
    </AppShell>
  );
};

/** A lost socket may mean a session that ended: then the gate should know before the next click. */
const useSessionCheck = (): void => {
  const client = useQueryClient();
  const offline = useLiveStatus() === 'offline';
  useEffect(() => {
    if (offline) void client.invalidateQueries({ queryKey: meKey });
  }, [client, offline]);
};

const Brand = () => (
  <Link className="brand" href="/accounts">
    <Wheel />
    Quarterdeck
  </Link>
);
