/**
 * What the pipeline records about commands that changed nothing: they too are somebody's acts. On the
 * reserved stream `$commands`. Never the input: command, code and size only.
 */
import { z } from 'zod';
import { defineEvent } from '../events/definition.ts';

export const commandsStream = '$commands';

const about = (data: { stream?: string | undefined }): readonly string[] =>
  data.stream === undefined ? [] : [data.stream];

export const CommandRefused = defineEvent({
  type: 'CommandRefused',
  schema: z.object({
    command: z.string(),
    /** An error code; with `rejected`, `rejection` is the rule's own. */
    code: z.string(),
    rejection: z.string().optional(),
    stream: z.string().optional(),
    /** Bytes of the input as JSON. */
    size: z.int().nonnegative(),
    /** Of somebody who reaches some rows only: dry runs that anybody else was refused are not recorded. */
    dryRun: z.boolean().optional(),
  }),
  refs: about,
});

export const CommandUnchanged = defineEvent({
  type: 'CommandUnchanged',
  schema: z.object({ command: z.string(), stream: z.string(), version: z.int().nonnegative() }),
  refs: about,
});

/** Refusals of one actor, tool, command and code within a minute, beyond those that were recorded one by one. */
export const RefusalsCounted = defineEvent({
  type: 'RefusalsCounted',
  schema: z.object({
    command: z.string(),
    code: z.string(),
    count: z.int().positive(),
    /** When the minute began. */
    minute: z.string(),
  }),
  refs: () => [],
});

export const commandEngineEvents = [CommandRefused, CommandUnchanged, RefusalsCounted];
