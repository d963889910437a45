/**
 * Bulk work on some thousand accounts, and the proof over HTTP that every item of it took effect exactly
 * once: from its results, from the whole log, and from the rows.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Answered } from '../contract/running.ts';
import type { Installation } from './installation.ts';
import { linesOf, logOf } from './logged.ts';

export const accounts = 4_000;

const ids = Array.from({ length: accounts }, (_, n) => `A-${String(n).padStart(5, '0')}`);

export interface Job {
  readonly id: string;
  readonly state: string;
  readonly total: number;
  readonly succeeded: number;
  readonly unchanged: number;
  readonly rejected: number;
  readonly failed: number;
  readonly finishedAt: string | null;
  readonly position: number;
}

const accepted = (answer: Answered): Job => {
  if (answer.status !== 202) throw new Error(`no job: ${answer.status} ${answer.text}`);
  return answer.body as unknown as Job;
};

/** Opens the accounts by uploading them. */
export const openAccounts = async (installed: Installation): Promise<void> => {
  const rows = ids.map((id) => `${id},Fiber,month-to-month,3,29.85,89.55`);
  const job = accepted(
    await installed.ask('ops', {
      path: '/internal/v1/bulk-jobs?command=open-account',
      headers: { 'content-type': 'text/csv' },
      body: ['accountId,plan,contract,tenureMonths,monthlyCharges,totalCharges', ...rows].join('\n'),
    }),
  );
  const ended = await endOf(installed, job);
  if (ended.succeeded !== accounts) throw new Error(`import: ${JSON.stringify(ended)}`);
};

/** What changes all accounts, whichever state the rounds before left them in. */
export const commandOf = (round: number): string =>
  round % 2 === 0 ? 'suspend-account' : 'reactivate-account';

export const startJob = async (installed: Installation, command: string): Promise<Job> =>
  accepted(
    await installed.insist('ops', {
      path: '/internal/v1/bulk-jobs',
      body: {
        command,
        targets: ids,
        ...(command === 'suspend-account' ? { input: { reason: 'Chaos.' } } : {}),
      },
    }),
  );

export const jobNow = async (installed: Installation, { id }: Pick<Job, 'id'>): Promise<Job> =>
  (await installed.insist('ops', { path: `/internal/v1/bulk-jobs/${id}` })).body as unknown as Job;

export const doneOf = (job: Job): number => job.succeeded + job.unchanged + job.rejected + job.failed;

export const endOf = async (installed: Installation, job: Pick<Job, 'id'>): Promise<Job> => {
  for (;;) {
    const now = await jobNow(installed, job);
    if (now.finishedAt !== null) return now;
    await sleep(50);
  }
};

/** Waits until so many items are decided; the job as it was then. */
export const reach = async (installed: Installation, job: Job, items: number): Promise<Job> => {
  for (;;) {
    const now = await jobNow(installed, job);
    if (doneOf(now) >= items || now.finishedAt !== null) return now;
  }
};

const numbers = (count: number, from = 0): readonly number[] =>
  Array.from({ length: count }, (_, n) => n + from);

const sorted = (some: readonly number[]): readonly number[] => [...some].sort((a, b) => a - b);

/** @returns how many of its events were recorded at `since` or later. */
export const expectExactlyOnce = async (installed: Installation, job: Job, since: Date): Promise<number> => {
  expect(job).toMatchObject({ state: 'completed', total: accounts, succeeded: accounts, failed: 0 });
  const answer = await installed.insist('ops', {
    path: `/internal/v1/bulk-jobs/${job.id}/results?format=ndjson`,
  });
  const results = linesOf(answer).map((line): { index: number; outcome: string } => JSON.parse(line));
  expect(sorted(results.map(({ index }) => index))).toEqual(numbers(accounts));
  expect(results.filter(({ outcome }) => outcome !== 'succeeded')).toEqual([]);

  const own = (await logOf(installed)).filter(
    ({ stream, bulkJobId }) => !stream.startsWith('$') && bulkJobId === job.id,
  );
  expect(own.map(({ stream }) => stream).sort()).toEqual(ids.map((id) => `account-${id}`));
  const { code, output } = await installed.act('bulk', 'verify', job.id);
  expect({ code, output }).toEqual({
    code: 0,
    output: expect.stringContaining('every item was decided exactly once and took effect exactly once'),
  });
  return own.filter(({ recordedAt }) => recordedAt >= since.toISOString()).length;
};

/** The rows say the same as the log. */
export const expectStatus = async (installed: Installation, job: Job, status: string): Promise<void> => {
  const answer = await installed.insist('ops', {
    path: `/internal/v1/accounts.ndjson?status=${status}&fields=accountId`,
    headers: { 'quarterdeck-min-position': String(job.position) },
  });
  expect(answer.text.trim().split('\n')).toHaveLength(accounts);
};
