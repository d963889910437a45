/**
 * What the log keeps of exports, all on one reserved stream: who took a copy of what, when it was ready, and each
 * time somebody downloaded it. Of filters only what says nothing about people.
 */
import { z } from 'zod';
import { defineEvent } from '../../events/definition.ts';
import { personal } from '../../events/personal.ts';
import { escapes, exportFormats } from './request.ts';

export const exportsStream = '$exports';

const exportId = z.string();
const refs = (data: { exportId: string }): readonly string[] => [`$export-${data.exportId}`];

/** Recorded before anything is read. */
export const ExportAccepted = defineEvent({
  type: 'ExportAccepted',
  schema: z.object({
    exportId,
    projection: z.string(),
    format: z.enum(exportFormats),
    escape: z.enum(escapes).optional(),
    fields: z.array(z.string()),
    /** What was asked of personal fields reads `[personal]`. */
    where: z.record(z.string(), z.unknown()),
    requestedBy: z.string(),
    label: personal(z.string()).optional(),
    asOf: z.string().optional(),
  }),
  refs,
  subject: ({ requestedBy }) => requestedBy,
});

/**
 * `commitment` is SHA-256 in hex of the file's salt and SHA-256, both in hex and one behind the other: with the salt,
 * which whoever may download the file is shown, a file found anywhere can be held against the log; without it nothing
 * can be guessed.
 */
export const ExportCompleted = defineEvent({
  type: 'ExportCompleted',
  schema: z.object({
    exportId,
    /** The position that its rows are of. */
    position: z.int().nonnegative(),
    rows: z.int().nonnegative(),
    bytes: z.int().nonnegative(),
    commitment: z.string(),
  }),
  refs,
});

export const ExportFailed = defineEvent({
  type: 'ExportFailed',
  schema: z.object({ exportId, code: z.string() }),
  refs,
});

export const ExportCancelled = defineEvent({
  type: 'ExportCancelled',
  schema: z.object({ exportId, rows: z.int().nonnegative() }),
  refs,
});

/** Recorded before the first byte is sent: from `start` up to and without `end`. */
export const ExportDownloaded = defineEvent({
  type: 'ExportDownloaded',
  schema: z.object({
    exportId,
    projection: z.string(),
    start: z.int().nonnegative(),
    end: z.int().nonnegative(),
    bytes: z.int().nonnegative(),
  }),
  refs,
});

/** The key was destroyed: by its time, or by somebody before. */
export const ExportExpired = defineEvent({
  type: 'ExportExpired',
  schema: z.object({ exportId, early: z.boolean() }),
  refs,
});

export const exportEvents = [
  ExportAccepted,
  ExportCompleted,
  ExportFailed,
  ExportCancelled,
  ExportDownloaded,
  ExportExpired,
] as const;
