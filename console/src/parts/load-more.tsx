/** The foot of a list read page by page: how much is shown, and the next page on demand. */
import { Button, Group, Text } from '@mantine/core';
import { Trouble } from './states.tsx';
import { count } from './written.ts';

interface LoadMoreProps {
  readonly shown: number;
  readonly what: string;
  readonly more: {
    readonly hasNextPage: boolean;
    readonly isFetchingNextPage: boolean;
    readonly isFetchNextPageError: boolean;
    readonly error: unknown;
    fetchNextPage(): unknown;
  };
}

export const LoadMore = ({ shown, what, more }: LoadMoreProps) => (
  <>
    {more.isFetchNextPageError && <Trouble error={more.error} />}
    <Group justify="space-between">
      <Text size="sm" className="quiet numbers">
        {count(shown)} {what}
        {more.hasNextPage ? ' shown, there are more' : ''}
      </Text>
      {more.hasNextPage && (
        <Button
          variant="default"
          loading={more.isFetchingNextPage}
          onClick={() => void more.fetchNextPage()}
          data-testid="load-more"
        >
          Load more
        </Button>
      )}
    </Group>
  </>
);
