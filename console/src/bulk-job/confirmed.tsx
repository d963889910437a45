/** A button that says what it will do and asks once more, in a box of its own. */
import { Button, Popover, Stack, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import type { ReactNode } from 'react';

interface ConfirmedProps {
  readonly label: string;
  readonly testId: string;
  readonly text: ReactNode;
  readonly primary?: boolean;
  /** What may be chosen, and the buttons that do it. */
  readonly children: (close: () => void) => ReactNode;
}

export const Confirmed = ({ label, testId, text, primary = false, children }: ConfirmedProps) => {
  const [opened, { toggle, close }] = useDisclosure(false);
  return (
    <Popover
      opened={opened}
      onClose={close}
      onDismiss={close}
      trapFocus
      withArrow
      position="bottom-end"
      shadow="md"
    >
      <Popover.Target>
        <Button variant={primary ? 'filled' : 'default'} onClick={toggle} data-testid={testId}>
          {label}
        </Button>
      </Popover.Target>
      <Popover.Dropdown>
        <Stack gap="sm" w={300}>
          <Text size="sm" component="div">
            {text}
          </Text>
          {children(close)}
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
};
