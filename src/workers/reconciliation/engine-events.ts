/** What the log keeps of reconciliations: that one was made, and what came of it. On the stream `$reconciliation`. */
import { z } from 'zod';
import { defineEvent } from '../../events/definition.ts';

export const reconciliationStream = '$reconciliation';

export const ReconciliationFinished = defineEvent({
  type: 'ReconciliationFinished',
  schema: z.object({
    name: z.string(),
    run: z.string(),
    compared: z.int(),
    differing: z.int(),
    /** It could not be finished. */
    failed: z.boolean(),
  }),
  refs: () => [],
});

export const reconciliationEvents = [ReconciliationFinished] as const;
