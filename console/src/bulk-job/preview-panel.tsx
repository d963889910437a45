/** What a dry run found: what there would be, what would be refused and why, and a sample of diffs. */
import { Alert, Group, Paper, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { accountUrl } from '../accounts/columns.tsx';
import { hasEnded } from '../api/bulk-jobs.ts';
import { type Preview, type PreviewedItem, previewQuery } from '../api/previews.ts';
import type { Job } from '../api/types.ts';
import { Link } from '../navigation/link.tsx';
import { type Column, DataTable } from '../parts/data-table.tsx';
import { Diff } from '../parts/diff.tsx';
import { Loading, Trouble } from '../parts/states.tsx';
import { count } from '../parts/written.ts';

export const PreviewPanel = ({ job }: { readonly job: Job }) => {
  const preview = useQuery(previewQuery(job.id, hasEnded(job)));
  return (
    <Stack component="section" aria-label="Preview" gap="sm" data-testid="job-preview">
      <Title order={2} size="h5">
        What would happen
      </Title>
      {preview.isPending && <Loading what="the preview" />}
      {preview.isError && <Trouble error={preview.error} retry={() => preview.refetch()} />}
      {preview.data !== undefined && <Found preview={preview.data} />}
    </Stack>
  );
};

const Found = ({ preview }: { readonly preview: Preview }) => (
  <>
    {preview.irreversible !== null && (
      <Alert color="orange" title="This cannot be undone" data-testid="irreversible">
        {preview.irreversible}
      </Alert>
    )}
    <Paper>
      <Group gap="xl" align="flex-start">
        <Counts
          title="Would be recorded"
          lines={preview.wouldAppend.map(({ type, count: n }) => [type, n])}
        />
        <Counts
          title="Would not happen, by code"
          lines={preview.codes.map(({ outcome, code, count: n }) => [`${outcome}: ${code}`, n])}
        />
      </Group>
    </Paper>
    {preview.sample.length > 0 && (
      <>
        <DataTable<PreviewedItem>
          caption="A sample of items and what would change"
          columns={preview.diffsShown ? [...place, changes] : place}
          rows={preview.sample}
          keyOf={({ index }) => index}
          rowTestId="preview-row"
        />
        <Text size="sm" className="quiet">
          {preview.sample.length === 1 ? 'One item' : `${count(preview.sample.length)} items`} of those to
          which something would happen
          {preview.diffsShown ? '.' : '; what would change in them is for who may run the command.'}
        </Text>
      </>
    )}
  </>
);

interface CountsProps {
  readonly title: string;
  readonly lines: readonly (readonly [string, number])[];
}

const Counts = ({ title, lines }: CountsProps) => (
  <div>
    <Text size="sm" className="quiet" mb={4}>
      {title}
    </Text>
    {lines.length === 0 && <Text size="sm">nothing</Text>}
    {lines.map(([name, n]) => (
      <Group key={name} gap="sm" className="numbers">
        <Text fw={600}>{count(n)}</Text>
        <Text className="mono" size="sm">
          {name}
        </Text>
      </Group>
    ))}
  </div>
);

const place: readonly Column<PreviewedItem>[] = [
  { name: 'index', label: 'Item', right: true, cell: ({ index, line }) => count(line ?? index) },
  {
    name: 'target',
    label: 'Target',
    cell: ({ target }) =>
      target === null ? (
        '–'
      ) : (
        <Link className="text-link mono" href={accountUrl(target)}>
          {target}
        </Link>
      ),
  },
  { name: 'would', label: 'Would record', cell: ({ wouldAppend }) => wouldAppend.join(', ') },
];

const changes: Column<PreviewedItem> = {
  name: 'diff',
  label: 'What would change',
  wrap: true,
  cell: ({ diff, before = {}, withheld = [] }) =>
    diff === undefined ? (
      <span className="quiet">erased</span>
    ) : (
      <>
        {(diff.length > 0 || withheld.length === 0) && <Diff changes={diff} former={before} />}
        {withheld.length > 0 && (
          <span className="quiet">
            personal, not shown: {withheld.map((path) => path.slice(1)).join(', ')}
          </span>
        )}
      </>
    ),
};
