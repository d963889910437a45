/**
 * Verifying a job: reads the log from its acceptance to the head (something that took effect after the end
 * would be there), in windows, without opening anything sealed.
 */
import type { Db } from '../../db/pool.ts';
import { QuarterdeckError } from '../../errors.ts';
import type { StoredEvent } from '../../events/envelope.ts';
import type { EventLog } from '../../events/log.ts';
import { controlStream, itemsStream } from '../engine-events.ts';
import { selectAccepted, selectJobEvents } from '../sql/proof.ts';
import { createProof, type JobEvent, type JobProof } from './proof.ts';

/** Read in well under a second, and never more than so many rows in memory. */
const windowPositions = 20_000;
const archivedPage = 2_000;

export interface Verified extends JobProof {
  readonly jobId: string;
  /** First and last position that was looked at. */
  readonly from: number;
  readonly to: number;
}

/** @throws QuarterdeckError not_found where the log knows no such job. */
export const verifyJob = async (
  { pool, log }: { readonly pool: Db; readonly log: Pick<EventLog, 'head' | 'readStored'> },
  jobId: string,
): Promise<Verified> => {
  const streams = { control: controlStream(jobId), items: itemsStream(jobId) };
  const { rows } = await pool.query<{ position: number }>({ ...selectAccepted, values: [streams.control] });
  const from = rows[0]?.position;
  if (from === undefined) throw new QuarterdeckError('not_found', `The log holds no bulk job "${jobId}".`);
  const to = (await log.head()).position;
  const proof = createProof({ jobId, ...streams });
  const isOfJob = ({ stream }: { readonly stream: string }): boolean =>
    stream === streams.control || stream === streams.items;
  const isOwn = (event: StoredEvent): boolean => event.metadata.bulkJobId === jobId || isOfJob(event);
  const isMoved = (event: JobEvent): boolean => isOfJob(event) && event.data === null;
  for (let after = from - 1; after < to; after += windowPositions) {
    const last = Math.min(after + windowPositions, to);
    const values = [after, last, jobId, Object.values(streams)];
    const [looked, ...here] = (await pool.query<JobEvent>({ ...selectJobEvents, values })).rows;
    const events = here.some(isMoved) ? await throughLog(log, { after, last }, isOwn) : here;
    const missing = last - after - (looked?.position ?? 0);
    if (missing > 0) {
      proof.fault(after + 1, `${missing} of the positions ${after + 1} to ${last} hold no event.`);
    }
    for (const event of events) proof.take(event);
  }
  return { jobId, from, to, ...proof.end() };
};

interface Window {
  readonly after: number;
  readonly last: number;
}

/** Where some of them lie in the archive: the log completes them. */
const throughLog = async (
  log: Pick<EventLog, 'readStored'>,
  window: Window,
  isOwn: (event: StoredEvent) => boolean,
): Promise<readonly JobEvent[]> => {
  const own: JobEvent[] = [];
  for (let { after } = window; after < window.last; ) {
    const page = await log.readStored({ after, upTo: window.last, limit: archivedPage });
    own.push(...page.events.filter(isOwn));
    if (page.position === after) break;
    after = page.position;
  }
  return own;
};
