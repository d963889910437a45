/**
 * A job as the database holds it, opened, and as callers see it. What people wrote (label, filter, common
 * input, reason) is sealed under the requester's key as one text; once that key is gone it is gone too.
 */

import { isEveryRow, type Principal } from '../access/principal.ts';
import type { Queryable } from '../db/pool.ts';
import { QuarterdeckError } from '../errors.ts';
import { type Codec, erased } from '../events/codec.ts';
import type { EventData } from '../events/definition.ts';
import type { ActorKind } from '../events/envelope.ts';
import { priorityOf } from './conduct.ts';
import type { Requester } from './ports.ts';
import { type BulkJob, type JobState, type Outcome, outcomes } from './request.ts';
import { type JobRow, listJobs, selectJobs } from './sql/jobs.ts';

export interface Written {
  readonly label?: string;
  readonly where?: EventData;
  readonly input?: EventData;
  readonly reason?: string;
  /** The requester's, when they asked. */
  readonly name?: string;
  readonly email?: string;
}

export interface JobRecord extends Omit<JobRow, 'state' | 'counts' | 'sealed'> {
  readonly state: JobState;
  readonly requester: Requester;
  readonly written: Written;
  readonly counts: Readonly<Record<Outcome, number>>;
}

/** The requester's, as they are sealed with what they wrote. */
export const namesOf = ({
  name,
  email,
}: Pick<Written, 'name' | 'email'>): Pick<Written, 'name' | 'email'> => ({
  ...(name === undefined ? {} : { name }),
  ...(email === undefined ? {} : { email }),
});

export type TextCodec = Pick<Codec, 'encryptText' | 'decryptText'>;

const writtenContext = 'bulk job';

export const sealWritten = (codec: TextCodec, requesterId: string, written: Written): Promise<string> =>
  codec.encryptText(requesterId, JSON.stringify(written), writtenContext);

export interface ListOptions {
  readonly states: readonly string[] | undefined;
  readonly command: string | undefined;
  /** Only jobs of this requester. */
  readonly requester: string | undefined;
  readonly before: { readonly requestedAt: string; readonly id: string } | undefined;
  readonly limit: number;
}

export interface JobStore {
  /** In the order given; unknown ids are left out. */
  find(ids: readonly string[]): Promise<readonly JobRecord[]>;
  /** `requester`: a job of anybody else is not there. @throws QuarterdeckError `not_found`. */
  get(id: string, requester?: string): Promise<JobRecord>;
  list(options: ListOptions): Promise<readonly JobRecord[]>;
}

/**
 * Whose jobs alone somebody may see: a job may be about any row, so that whoever reaches some rows only is
 * shown what they asked for themselves. undefined: everybody's.
 */
export const requesterShown = ({ id, permissions }: Principal, permission: string): string | undefined =>
  isEveryRow(permissions.rows(permission)) ? undefined : id;

/**
 * What a job that goes on from another takes over of the words that somebody gave it: one's own. Somebody else's reason
 * would be on record as given by whoever goes on, under a key that outlives theirs.
 */
export const ownWords = (
  { requesterId, written: { label, reason } }: Pick<JobRecord, 'requesterId' | 'written'>,
  { id }: Principal,
): Pick<Written, 'label' | 'reason'> =>
  requesterId === id
    ? { ...(label === undefined ? {} : { label }), ...(reason === undefined ? {} : { reason }) }
    : {};

export const createJobStore = (db: Queryable, codec: TextCodec): JobStore => {
  const open = async (row: JobRow): Promise<JobRecord> => {
    const text = await codec.decryptText(row.requesterId, row.sealed, writtenContext);
    return {
      ...row,
      state: row.state as JobState,
      written: text === erased ? {} : (JSON.parse(text) as Written),
      requester: {
        id: row.requesterId,
        kind: row.requesterKind as ActorKind,
        tool: row.tool,
        scope: row.scope,
      },
      counts: Object.fromEntries(outcomes.map((o) => [o, row.counts[o] ?? 0])) as Record<Outcome, number>,
    };
  };
  const find = async (ids: readonly string[]): Promise<readonly JobRecord[]> => {
    const { rows } = await db.query<JobRow>({ ...selectJobs, values: [ids] });
    const byId = new Map(rows.map((row) => [row.id, row]));
    return Promise.all(ids.flatMap((id) => byId.get(id) ?? []).map(open));
  };
  return {
    find,
    async get(id, requester) {
      const [job] = await find([id]);
      if (job === undefined || (requester !== undefined && job.requesterId !== requester))
        throw new QuarterdeckError('not_found', `There is no bulk job "${id.slice(0, 100)}".`);
      return job;
    },
    async list({ states, command, requester, before, limit }) {
      const values = [
        states ?? null,
        command ?? null,
        before?.requestedAt ?? null,
        before?.id ?? null,
        limit,
        requester ?? null,
      ];
      const { rows } = await db.query<JobRow>({ ...listJobs, values });
      return Promise.all(rows.map(open));
    },
  };
};

export const decidedOf = (counts: Readonly<Record<Outcome, number>>): number =>
  outcomes.reduce((sum, outcome) => sum + counts[outcome], 0);

const rateOf = ({ finishedAt, secondsRun, secondsSince, rateBase, counts }: JobRecord): number | null => {
  const decided = decidedOf(counts) - counts.cancelled;
  const [items, seconds] = finishedAt === null ? [decided - rateBase, secondsSince] : [decided, secondsRun];
  return seconds === null || seconds <= 0 || items <= 0 ? null : Math.round((items / seconds) * 10) / 10;
};

const effectsOf = ({ expected, applied, notApplied }: NonNullable<JobRow['effects']>) => ({
  pending: Math.max(0, expected - applied - notApplied),
  applied,
  notApplied,
});

/** The job's own; else the one that its items share, where the command has such a field. */
const reasonIn = ({ reason, input }: Written): string | undefined =>
  reason ?? (typeof input?.reason === 'string' ? input.reason : undefined);

const whereOnly = ({ where }: Written): Written =>
  where === undefined ? {} : { where: withoutValues(where) };

/** Shows every field of the log, and so whatever of a job stands there. */
const allFields = 'audit:all-fields';

/**
 * Who is shown what people wrote for a job: whoever asked for it, who may run its command, and who may see every
 * field of the log. A filter may name people, and a reason tell of them.
 */
export const readsWords = (
  { requesterId }: Pick<JobRecord, 'requesterId'>,
  permission: string | undefined,
  { id, permissions }: Principal,
): boolean =>
  requesterId === id ||
  permissions.has(allFields) ||
  (permission !== undefined && permissions.has(permission));

/** Of a filter that is not shown: which fields it asks for. */
export const withoutValues = (where: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.keys(where).map((field) => [field, '[not shown]']));

/** `words`: what people wrote is shown. */
export const viewOf = (job: JobRecord, words = true): BulkJob => {
  const ratePerSecond = rateOf(job);
  const running = job.state === 'running' && ratePerSecond !== null;
  const { where, label, name, email }: Written = words ? job.written : whereOnly(job.written);
  const reason = words ? reasonIn(job.written) : undefined;
  return {
    id: job.id,
    command: job.command,
    label: label ?? null,
    state: job.state,
    dryRun: job.dryRun,
    requestedBy: {
      id: job.requester.id,
      kind: job.requester.kind,
      ...(name === undefined ? {} : { name }),
      ...(email === undefined ? {} : { email }),
    },
    requestedAt: job.requestedAt,
    startedAt: job.startedAt,
    finishedAt: job.finishedAt,
    total: job.total,
    ...job.counts,
    ratePerSecond,
    etaSeconds: running ? Math.ceil((job.total - decidedOf(job.counts)) / ratePerSecond) : null,
    position: job.position,
    source: job.source as BulkJob['source'],
    ...(job.effects === null ? {} : { effects: effectsOf(job.effects) }),
    ...(job.pausedReason === null ? {} : { pausedReason: job.pausedReason }),
    ...(where === undefined ? {} : { where }),
    ...(reason === undefined ? {} : { reason }),
    ...(job.frozenAt === null ? {} : { frozenAt: job.frozenAt }),
    ...(job.readAs === null ? {} : { readAs: job.readAs }),
    ...(job.retryOf === null ? {} : { retryOf: job.retryOf }),
    priority: priorityOf(job.weight),
    ...(job.startAt === null ? {} : { startAt: job.startAt }),
    ...(job.maxRate === null ? {} : { maxRate: job.maxRate }),
    ...(job.maxFailureRatio === null ? {} : { maxFailureRatio: job.maxFailureRatio }),
    ...(job.resultsExpiredAt === null ? {} : { resultsExpiredAt: job.resultsExpiredAt }),
    ...(job.fromJob === null ? {} : { from: job.fromJob }),
    ...(job.undoOf === null ? {} : { undoOf: job.undoOf }),
    ...(job.undoneBy === null ? {} : { undoneBy: job.undoneBy }),
  };
};
