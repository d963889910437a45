/** Looking at jobs and steering them: permissions first, then the work of the files beside this one. */
import type { Origin } from '../access/origin.ts';
import { invalidInput, nearestTo } from '../errors.ts';
import type { AcceptingInside } from './accept.ts';
import { readCursor, writeCursor } from './job-cursor.ts';
import { type JobRecord, readsWords, requesterShown, viewOf } from './job-record.ts';
import type { Parts } from './parts.ts';
import { createPreviews } from './preview/reading.ts';
import {
  type BulkJob,
  type BulkJobs,
  type ItemResult,
  jobStates,
  type ListRequest,
  type ResultsRequest,
  type SteerRequest,
} from './request.ts';
import { createResults, readIndex, readOutcome, requireResults } from './results.ts';
import { createRetry } from './retry.ts';
import type { Steering } from './steering.ts';
import { planUndo } from './undo/starting.ts';

const bounded = (limit: number | undefined, usual: number, max: number): number => {
  const wanted = limit ?? usual;
  if (Number.isInteger(wanted) && wanted >= 1 && wanted <= max) return wanted;
  throw invalidInput('limit', `Give a whole number from 1 to ${max}.`);
};

const requireStates = (states: readonly string[] | undefined): void => {
  const unknown = states?.find((state) => !(jobStates as readonly string[]).includes(state));
  if (unknown !== undefined) throw invalidInput('state', `Give states of ${jobStates.join(', ')}.`);
};

export const createJobs = (parts: Parts, accepting: AcceptingInside, steering: Steering): BulkJobs => {
  const { store, log } = parts;
  const results = createResults(parts.pool);
  const readPreview = createPreviews(parts);

  const shownTo = (job: JobRecord, { principal }: Origin): BulkJob =>
    viewOf(job, readsWords(job, parts.catalogue.find(job.command)?.permission, principal));

  const look = async (origin: Origin, id: string): Promise<BulkJob> => {
    await parts.require(origin, 'bulk:read');
    return shownTo(await store.get(id, requesterShown(origin.principal, 'bulk:read')), origin);
  };

  const lookAtResults = async (request: ResultsRequest): Promise<BulkJob> => {
    const job = await look(request, request.id);
    requireResults({ resultsExpiredAt: job.resultsExpiredAt ?? null });
    return job;
  };

  const steered = async (
    step: (request: SteerRequest) => Promise<void>,
    request: SteerRequest,
  ): Promise<BulkJob> => {
    await step(request);
    return shownTo(await store.get(request.id), request);
  };

  /** A job of a command that was retired since is found by it as before. */
  const requireCommand = async (command: string | undefined, requester: string | undefined) => {
    if (command === undefined || parts.catalogue.find(command) !== undefined) return;
    const any = await store.list({ states: undefined, command, requester, before: undefined, limit: 1 });
    if (any.length > 0) return;
    const nearest = nearestTo(
      command,
      parts.catalogue.all.map(({ name }) => name),
    );
    throw invalidInput(
      'command',
      `There is no command ${JSON.stringify(command.slice(0, 100))}; the nearest is "${nearest}".`,
    );
  };

  const list = async (request: ListRequest) => {
    await parts.require(request, 'bulk:read');
    requireStates(request.states);
    const limit = bounded(request.limit, 50, 200);
    const before = request.cursor === undefined ? undefined : readCursor(request.cursor);
    const { position } = await log.head();
    const { states, command } = request;
    const requester = requesterShown(request.principal, 'bulk:read');
    const found = await store.list({ states, command, requester, before, limit: limit + 1 });
    if (found.length === 0) await requireCommand(command, requester);
    const data = found.map((job) => shownTo(job, request));
    const page = data.slice(0, limit);
    const last = page.at(-1);
    return {
      data: page,
      nextCursor: data.length > limit && last !== undefined ? writeCursor(last) : null,
      position,
    };
  };

  const page = async (request: ResultsRequest) => {
    const { position } = await lookAtResults(request);
    const limit = bounded(request.limit, 100, 1_000);
    const found = await results.page(
      request.id,
      readOutcome(request.outcome),
      readIndex(request.cursor),
      limit + 1,
    );
    await lookAtResults(request);
    const data = found.slice(0, limit);
    return { data, nextCursor: found.length > limit ? String(data.at(-1)?.index) : null, position };
  };

  const allResults = async (request: ResultsRequest): Promise<AsyncIterable<readonly ItemResult[]>> => {
    const outcome = readOutcome(request.outcome);
    await lookAtResults(request);
    return wholly(results.all(request.id, outcome), () => lookAtResults(request));
  };

  return {
    list,
    get: (request) => look(request, request.id),
    results: page,
    async preview({ id, ...origin }) {
      await parts.require(origin, 'bulk:read');
      const job = await store.get(id, requesterShown(origin.principal, 'bulk:read'));
      return readPreview(job, origin.principal);
    },
    allResults,
    pause: (request) => steered(steering.pause, request),
    resume: (request) => steered(steering.resume, request),
    cancel: (request) => steered(steering.cancel, request),
    retryFailed: createRetry(parts, accepting, results),
    undo: async (request) => accepting.fromPlan(await planUndo(parts, request)),
  };
};

/** A stream over results that expired meanwhile is cut: it may lack some. */
async function* wholly<T>(items: AsyncIterable<T>, check: () => Promise<unknown>): AsyncGenerator<T> {
  yield* items;
  await check();
}
