/**
 * Acting as whoever requested the job: looked up afresh for each chunk, so that a person who was
 * deactivated or lost the permission stops the job, and one who signed out does not.
 */
import type { Principal } from '../access/principal.ts';
import type { CommandDefinition } from '../commands/definition.ts';
import type { ActorRef, Metadata } from '../events/envelope.ts';
import type { JobRecord } from './job-record.ts';
import type { Requesters } from './ports.ts';

export const executor: ActorRef = { id: 'system', kind: 'system' };

/** undefined: they may not do this any more. */
export const permittedRequester = async (
  requesters: Requesters,
  job: JobRecord,
  command: CommandDefinition,
): Promise<Principal | undefined> => {
  const principal = await requesters.principalOf(job.requester);
  const needed = ['bulk:run', command.permission];
  return needed.every((permission) => principal?.permissions.has(permission)) ? principal : undefined;
};

interface Moment {
  readonly commandId: string;
  readonly decidedAt: string;
  readonly reason?: string | undefined;
}

/** Everything but `commandId` is alike for the items of a round, so that it travels once. */
export const metadataFor = (job: JobRecord, principal: Principal, moment: Moment): Metadata => ({
  actor: { id: principal.id, kind: principal.kind },
  executor,
  tool: job.requester.tool,
  command: job.command,
  commandId: moment.commandId,
  correlationId: job.id,
  decidedAt: moment.decidedAt,
  bulkJobId: job.id,
  ...(job.reference === null ? {} : { reference: job.reference }),
  ...(principal.email === undefined ? {} : { email: principal.email }),
  ...(principal.name === undefined ? {} : { name: principal.name }),
  ...(moment.reason === undefined ? {} : { reason: moment.reason }),
});
