/** Waiting, nothing there, and trouble: the three ways in which a screen has no data. */
import { Alert, Button, Group, List, Loader, Stack, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { asProblem, type Problem } from '../api/problem.ts';

export const Loading = ({ what }: { readonly what: string }) => (
  <Group gap="sm" py="xl" justify="center" role="status">
    <Loader size="sm" />
    <Text className="quiet">Loading {what}…</Text>
  </Group>
);

interface EmptyProps {
  readonly title: string;
  readonly children?: ReactNode;
}

export const Empty = ({ title, children }: EmptyProps) => (
  <Stack gap={4} align="center" py={48} px="md" ta="center" data-testid="empty">
    <Text fw={600}>{title}</Text>
    {children !== undefined && (
      <Text component="div" size="sm" className="quiet">
        {children}
      </Text>
    )}
  </Stack>
);

interface TroubleProps {
  readonly error: unknown;
  readonly retry?: () => unknown;
  /** Paths that a form shows beside their fields already. */
  readonly shown?: ReadonlySet<string>;
}

export const Trouble = ({ error, retry, shown }: TroubleProps) => {
  const problem = asProblem(error);
  const fields = problem.errors.filter(({ path }) => shown?.has(path) !== true);
  return (
    <Alert
      className="trouble"
      color="red"
      variant="transparent"
      title={problem.title}
      role="alert"
      data-testid="problem"
      w="100%"
      maw={720}
    >
      <Stack gap="xs" align="flex-start">
        {problem.detail !== undefined && <Text size="sm">{problem.detail}</Text>}
        {problem.rejection !== undefined && (
          <Text size="sm">
            Rule: <span className="mono">{problem.rejection}</span>
          </Text>
        )}
        {fields.length > 0 && (
          <List size="sm">
            {fields.map(({ path, message }) => (
              <List.Item key={`${path} ${message}`}>
                {path !== '' && <strong>{path}: </strong>}
                {message}
              </List.Item>
            ))}
          </List>
        )}
        {retry !== undefined && mayPass(problem) && (
          <Button size="xs" variant="default" onClick={() => void retry()}>
            Try again
          </Button>
        )}
      </Stack>
    </Alert>
  );
};

/** A refusal stays one until something else changes; asking again is for faults. */
const mayPass = ({ passing, status }: Problem): boolean => passing || status >= 500;
