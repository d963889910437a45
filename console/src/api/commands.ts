/**
 * The catalogue of commands, and running one. Forms, bulk starts and previews are all built from what
 * the catalogue says; the console knows no command by heart.
 */
import { queryOptions } from '@tanstack/react-query';
import type { InputSchema } from '../form/schema.ts';
import { call, get } from './client.ts';
import type { Change } from './types.ts';

export interface Command {
  readonly name: string;
  readonly summary: string;
  readonly input: InputSchema;
  readonly permitted: boolean;
  /** The input field that a bulk target fills; undefined where the command does not run in bulk. */
  readonly bulkField: string | undefined;
  readonly needsReason: boolean;
  readonly needsApproval: boolean;
  /** The command that takes it back; undefined where nothing does: then `irreversible` says why. */
  readonly inverse: string | undefined;
  readonly irreversible: string | undefined;
}

interface CatalogueEntry {
  readonly name: string;
  readonly summary: string;
  readonly input: InputSchema;
  readonly permitted: boolean;
  readonly bulk: { readonly field: string } | null;
  readonly approval: boolean;
  readonly reasonRequired: boolean;
  readonly inverse?: string | null;
  readonly irreversible?: string | null;
}

export const commandsQuery = queryOptions({
  queryKey: ['commands'],
  queryFn: async ({ signal }) =>
    (await get<{ readonly data: readonly CatalogueEntry[] }>('/commands', { signal })).data.map(commandOf),
  staleTime: 5 * 60_000,
});

export interface CommandAnswer {
  readonly commandId?: string;
  readonly position?: number;
  readonly events?: readonly { readonly type: string; readonly version: number; readonly position: number }[];
  readonly approvalId?: string;
  readonly diff?: readonly Change[];
}

export interface Run {
  readonly command: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly idempotencyKey: string;
  readonly reason?: string;
  readonly reference?: string;
  readonly dryRun?: boolean;
}

export const runCommand = async (run: Run): Promise<CommandAnswer> => {
  const answer = await call<CommandAnswer>(`/commands/${run.command}`, {
    method: 'POST',
    body: run.input,
    query: { dryRun: run.dryRun === true ? true : undefined },
    headers: {
      ...(run.dryRun === true ? {} : { 'idempotency-key': run.idempotencyKey }),
      ...(run.reason ? { 'quarterdeck-reason': encodeURIComponent(run.reason) } : {}),
      ...(run.reference ? { 'quarterdeck-reference': encodeURIComponent(run.reference) } : {}),
    },
  });
  return answer.body;
};

const commandOf = (entry: CatalogueEntry): Command => ({
  name: entry.name,
  summary: entry.summary,
  input: entry.input,
  permitted: entry.permitted,
  bulkField: entry.bulk?.field,
  needsReason: entry.reasonRequired,
  needsApproval: entry.approval,
  inverse: entry.inverse ?? undefined,
  irreversible: entry.irreversible ?? undefined,
});
