/** The jobs that a job comes from or is followed by: a dry run, what it undoes, what undoes it. */
import type { Job } from '../api/types.ts';
import { jobUrl } from '../bulk-jobs/columns.tsx';
import { Link } from '../navigation/link.tsx';

export const RelatedJobs = ({ job }: { readonly job: Job }) => (
  <>
    <Related id={job.from} before="runs what" link="this dry run" after="looked at" />
    <Related id={job.undoOf} before={job.dryRun ? 'looks at undoing' : 'undoes'} link="this job" />
    <Related id={job.undoneBy} before="undone by" link="this job" />
  </>
);

interface RelatedProps {
  readonly id: string | undefined;
  readonly before: string;
  readonly link: string;
  readonly after?: string;
}

const Related = ({ id, before, link, after = '' }: RelatedProps) =>
  id !== undefined && (
    <>
      {` · ${before} `}
      <Link className="text-link" href={jobUrl(id)}>
        {link}
      </Link>{' '}
      {after}
    </>
  );
