/**
 * Whether what the page shows changes by itself; nothing on pages that do not. Says it in words too: colour alone
 * tells not everybody.
 */
import { Group, Text } from '@mantine/core';
import { useIsFollowing, useLiveStatus } from '../api/use-live.ts';

const words = {
  live: { text: 'Live', color: '#5fd39a', title: 'This page changes as things happen.' },
  connecting: { text: 'Connecting', color: '#e0a83f', title: 'Connecting for live updates.' },
  offline: { text: 'Polling', color: '#f08a72', title: 'No live connection: pages ask every two seconds.' },
} as const;

export const LiveDot = () => {
  const { text, color, title } = words[useLiveStatus()];
  if (!useIsFollowing()) return null;
  return (
    <Group gap={7} title={title} data-testid="live-status" role="status">
      <svg width="9" height="9" aria-hidden="true">
        <circle cx="4.5" cy="4.5" r="4.5" fill={color} />
      </svg>
      <Text size="sm" inherit>
        {text}
      </Text>
    </Group>
  );
};
