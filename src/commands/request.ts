/**
 * A command as it reaches the pipeline, and what the pipeline answers. Nothing here knows HTTP: whoever
 * calls (the API, a reactor, a script) builds a request and gets an answer or a `QuarterdeckError`.
 */
import type { Origin } from '../access/origin.ts';
import type { Principal } from '../access/principal.ts';
import type { EventData } from '../events/definition.ts';

export interface CommandRequest extends Origin {
  readonly name: string;
  /** As parsed from the body; validated by the pipeline. */
  readonly input: unknown;
  readonly idempotencyKey?: string;
  /** From `If-Match`: the version the primary stream must have; 0: it must not exist. */
  readonly ifMatch?: number;
  readonly reason?: string;
  readonly reference?: string;
  readonly dryRun?: boolean;
}

export interface EventSummary {
  readonly type: string;
  readonly version: number;
  readonly position: number;
}

export interface CommandDone {
  readonly commandId: string;
  readonly stream: string;
  /** The stream's version after the command. */
  readonly version: number;
  /** The stream's last event; what `Quarterdeck-Min-Position` is given to read one's own write. */
  readonly position: number;
  /** Empty where nothing had to change. */
  readonly events: readonly EventSummary[];
}

export interface DryRunDone {
  readonly dryRun: true;
  readonly events: readonly { readonly type: string; readonly data: EventData }[];
  /** JSON Patch (RFC 6902) from the state before to the state after. */
  readonly diff: readonly object[];
}

export type CommandAnswer =
  | { readonly kind: 'done'; readonly done: CommandDone; readonly replayed: boolean }
  | { readonly kind: 'dry-run'; readonly dryRun: DryRunDone };

export interface CatalogueEntry {
  readonly name: string;
  readonly summary: string;
  /** JSON Schema (draft 2020-12) of the input. */
  readonly input: object;
  readonly permission: string;
  readonly permitted: boolean;
  readonly bulk: { readonly field: string } | null;
  readonly approval: boolean;
  /** A sign-in may be no older than this; null where any will do. */
  readonly freshSignInMinutes: number | null;
  readonly reasonRequired: boolean;
  readonly inverse: string | null;
  /** Why nothing takes it back; null where `inverse` does. */
  readonly irreversible: string | null;
}

export interface Commands {
  /** @throws QuarterdeckError with the codes of the HTTP contract. */
  execute(request: CommandRequest): Promise<CommandAnswer>;
  catalogue(principal: Principal): readonly CatalogueEntry[];
}
