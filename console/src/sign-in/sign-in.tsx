/** The page for somebody who is not signed in: one button, then the company's own sign-in. */
import { Button, Center, Paper, Stack, Text, Title } from '@mantine/core';
import { useEffect } from 'react';
import { signInUrl } from '../api/me.ts';
import { usePlace } from '../navigation/place.ts';
import { Wheel } from '../parts/icons.tsx';

export const SignIn = () => {
  const { pathname, search } = usePlace();
  const query = search.toString();
  useEffect(() => {
    document.title = 'Sign in · Quarterdeck';
  }, []);
  return (
    <Center component="main" mih="100vh" p="md">
      <Paper p="xl" maw={400} w="100%" shadow="sm">
        <Stack gap="lg">
          <Stack gap={6}>
            <Title order={1} size="h3" className="brand">
              <Wheel size={30} />
              Quarterdeck
            </Title>
            <Text size="sm" className="quiet">
              Sign in with your company account. What you do here is recorded under your name.
            </Text>
          </Stack>
          <Button
            component="a"
            href={signInUrl(query === '' ? pathname : `${pathname}?${query}`)}
            size="md"
            data-testid="sign-in"
          >
            Sign in
          </Button>
        </Stack>
      </Paper>
    </Center>
  );
};
