/**
 * Accepting a job: read what is asked, freeze its items into chunks, and make it visible together with
 * its first event and its idempotency key in one transaction. Until then there is no job; whatever goes
 * wrong before leaves nothing.
 */
import { createHash } from 'node:crypto';
import type { Origin } from '../access/origin.ts';
import type { Tx } from '../db/pool.ts';
import type { EventData } from '../events/definition.ts';
import type { BulkCommand } from './asked.ts';
import {
  type AskedByUpload,
  bulkCommand,
  readBody,
  readFrom,
  readUploadQuery,
  requireCommonInput,
  requireNeeds,
} from './asked.ts';
import type { Conduct } from './conduct.ts';
import { type StoredItem, storeItems } from './items.ts';
import type { Written } from './job-record.ts';
import type { Parts } from './parts.ts';
import { planFrom } from './preview/starting.ts';
import { createPublishing, type Publishing } from './publishing.ts';
import type { Accepted, Accepting, BulkJob, JobRequest, UploadRequest } from './request.ts';
import { fieldsOf } from './sources/fields.ts';
import type { ColumnOf, ReadAs, Source } from './sources/source.ts';
import { filterSource, targetsSource } from './sources/targets.ts';
import { bounded, notEmpty, openUpload, sourceNames } from './sources/upload.ts';

/** A job to be, with its items still to come. */
export interface Plan {
  readonly origin: Origin;
  readonly command: BulkCommand;
  readonly source: BulkJob['source'];
  readonly dryRun: boolean;
  readonly written: Written;
  readonly reference: string | undefined;
  readonly expectedCount: number | undefined;
  readonly conduct: Conduct;
  readonly retryOf?: string;
  /** The dry run that is run for real. */
  readonly from?: string;
  readonly undoOf?: string;
  readonly idempotencyKey: string | undefined;
  /** Asked once it is known that this is no repetition. @throws QuarterdeckError where the job may not begin. */
  readonly mayBegin?: () => Promise<void>;
  readonly items: AsyncIterable<readonly StoredItem[]>;
  /** With a filter, once the items were read: where the rows were read. */
  readonly frozenAt: () => number | undefined;
  /** With an upload, once its items were read. */
  readonly readAs?: () => ReadAs;
  /** All that a repetition with the same idempotency key must ask; known once the items were read. */
  readonly fingerprint: () => unknown;
  /** The fingerprint is known already, so a repetition can be told before anything is read. */
  readonly knownAhead: boolean;
  /** Otherwise: whether it is known by now, so that a repetition can be told although the plan was refused. */
  readonly wasReadWhole?: () => boolean;
  /** In the transaction that publishes it, behind the append lock. @throws QuarterdeckError where it may not. */
  readonly mayPublish?: (tx: Tx) => Promise<void>;
}

export interface AcceptingInside extends Accepting {
  /** Items that are stored already (a retry of another job's). */
  fromPlan(plan: Plan): Promise<Accepted>;
}

const nothing = (): undefined => undefined;

/** Passes an upload on; afterwards what it was, in short. */
export const digested = (
  content: AsyncIterable<Uint8Array>,
): { content: AsyncIterable<Uint8Array>; digest: () => string; wasReadWhole: () => boolean } => {
  const hash = createHash('sha256');
  let digest: string | undefined;
  let whole = false;
  const pass = async function* () {
    for await (const bytes of content) {
      hash.update(bytes);
      yield bytes;
    }
    whole = true;
  };
  return {
    content: pass(),
    wasReadWhole: () => whole,
    digest: () => {
      digest ??= hash.digest('hex');
      return digest;
    },
  };
};

const writtenOf = (
  label: string | undefined,
  input: EventData,
  reason: string | undefined,
  where?: EventData,
): Written => ({
  ...(label === undefined ? {} : { label }),
  ...(Object.keys(input).length === 0 ? {} : { input }),
  ...(reason === undefined ? {} : { reason }),
  ...(where === undefined ? {} : { where }),
});

export const createAccepting = (parts: Parts): AcceptingInside => {
  const publishing: Publishing = createPublishing(parts);

  const commandFor = async (origin: Origin, name: string): Promise<BulkCommand> => {
    const command = bulkCommand(parts.catalogue, name);
    await parts.require(origin, command.permission);
    return command;
  };

  async function* stored(command: BulkCommand, common: EventData, source: Source, columnOf: ColumnOf) {
    for await (const items of source)
      yield await storeItems({ command, common, codec: parts.codec, columnOf }, items);
  }

  const fromBody = async (request: JobRequest): Promise<Accepted> => {
    await parts.require(request, 'bulk:run');
    const from = readFrom(request.body);
    if (from !== undefined) return publishing.publish(await planFrom(parts, request, from));
    const asked = readBody(request.body);
    const command = await commandFor(request, asked.command);
    requireCommonInput(command, asked.input, 'ids');
    await parts.requireFresh(request, command);
    requireNeeds(command, { ...request, input: asked.input, now: parts.clock() }, false);
    const { field } = command.bulk;
    const filter =
      asked.where === undefined ? undefined : filterSource(parts.selecting, request, field, asked.where);
    const source = filter?.source ?? targetsSource(field, asked.targets ?? []);
    return publishing.publish({
      origin: request,
      command,
      source: filter === undefined ? 'targets' : 'where',
      dryRun: asked.dryRun,
      written: writtenOf(asked.label, asked.input, request.reason, asked.where),
      reference: request.reference,
      expectedCount: asked.expectedCount,
      conduct: asked,
      idempotencyKey: request.idempotencyKey,
      items: stored(command, asked.input, source, nothing),
      frozenAt: () => filter?.position(),
      fingerprint: () => ({ bulk: asked, reason: request.reason ?? null }),
      knownAhead: true,
    });
  };

  const fromUpload = async (request: UploadRequest): Promise<Accepted> => {
    await parts.require(request, 'bulk:run');
    const asked = readUploadQuery(request.query);
    const command = await commandFor(request, asked.command);
    requireCommonInput(command, asked.input, 'rows');
    await parts.requireFresh(request, command);
    requireNeeds(command, { ...request, input: asked.input, now: parts.clock() }, true);
    const { content, digest } = digested(bounded(request.content));
    const wanted = { fields: fieldsOf(command), map: asked.map, given: Object.keys(asked.input) };
    const upload = openUpload(request, content, asked, wanted);
    return publishing.publish({
      origin: request,
      command,
      source: sourceNames[request.mediaType],
      dryRun: asked.dryRun,
      written: writtenOf(asked.label, asked.input, request.reason),
      reference: request.reference,
      expectedCount: asked.expectedCount,
      conduct: asked,
      idempotencyKey: request.idempotencyKey,
      items: stored(
        command,
        asked.input,
        asked.expectedCount === 0 ? upload.items : notEmpty(upload.items),
        columnOf(request, command, asked),
      ),
      frozenAt: nothing,
      readAs: upload.readAs,
      fingerprint: () => ({ bulk: asked, content: digest(), reason: request.reason ?? null }),
      knownAhead: false,
    });
  };

  return { fromBody, fromUpload, fromPlan: publishing.publish };
};

const columnOf = ({ mediaType }: UploadRequest, command: BulkCommand, { map }: AskedByUpload): ColumnOf => {
  const fields = fieldsOf(command);
  if (sourceNames[mediaType] === 'ndjson') return nothing;
  return (field) => (fields.has(field) ? (map === undefined ? field : map[field]) : undefined);
};
