/** A preview as callers see it, and what they send to run it for real. */
import type { Outcome } from '../request.ts';

/** One operation of a JSON Patch (RFC 6902). */
export interface PatchOperation {
  readonly op: string;
  readonly path: string;
  readonly from?: string;
  readonly value?: unknown;
}

/** An item of a dry run with what would become of it. */
export interface PreviewedItem {
  readonly index: number;
  readonly line?: number;
  readonly target: string | null;
  readonly wouldAppend: readonly string[];
  /** Absent where the caller may not see it, or its personal data was erased. */
  readonly diff?: readonly PatchOperation[];
  /** Former values of what the diff replaces or removes, by path. */
  readonly before?: Readonly<Record<string, unknown>>;
  /** Paths whose former value, or in an undo whose new one too, is personal and not shown. */
  readonly withheld?: readonly string[];
}

/** What a dry run found so far; counts by outcome are on the job. */
export interface Preview {
  readonly id: string;
  readonly command: string;
  /** The command that takes it back; null where none does: then `irreversible` says why. */
  readonly inverse: string | null;
  readonly irreversible: string | null;
  readonly wouldAppend: readonly { readonly type: string; readonly count: number }[];
  readonly codes: readonly { readonly outcome: Outcome; readonly code: string; readonly count: number }[];
  /** At most 100 of the items that something would happen to, spread over the job. */
  readonly sample: readonly PreviewedItem[];
  /** Diffs are for who holds the command's permission or `audit:replay`, for every row unless the job is theirs. */
  readonly diffsShown: boolean;
  readonly position: number;
}
