/**
 * Whether too much of a job goes wrong: more than its `maxFailureRatio` of what was decided since it last
 * began to run failed or was rejected. Whoever resumes it has seen what went wrong, so that counts no more.
 * Nothing is concluded from fewer items than the first chunk of such a job has.
 */
import { canaryItems } from './conduct.ts';
import { decidedOf, type JobRecord } from './job-record.ts';

export const failureRatioExceeded = 'failure_ratio_exceeded';

export const failsTooMuch = ({
  counts,
  total,
  rateBase,
  badBase,
  maxFailureRatio,
}: Pick<JobRecord, 'counts' | 'total' | 'rateBase' | 'badBase' | 'maxFailureRatio'>): boolean => {
  if (maxFailureRatio === null || decidedOf(counts) >= total) return false;
  const decided = decidedOf(counts) - counts.cancelled - rateBase;
  const bad = counts.failed + counts.rejected - badBase;
  return decided >= canaryItems && bad > maxFailureRatio * decided;
};
