/**
 * What became of delivered effects, event by event. Those of a bulk job stand on two streams of its own, so that
 * how many there are is the version of a stream: nothing is counted elsewhere.
 */
import { z } from 'zod';
import { defineEvent } from '../../events/definition.ts';

export type Settled = 'applied' | 'not-applied';

/** Of no job: one for all. */
export const settledStream = (settled: Settled, jobId: string | undefined): string =>
  jobId === undefined ? '$effects' : `$effects-${settled}-${jobId}`;

/** `position` and `stream` of the event whose effect it is. */
const about = {
  effect: z.string(),
  position: z.int(),
  stream: z.string(),
  eventId: z.string(),
};

export const EffectApplied = defineEvent({
  type: 'EffectApplied',
  schema: z.object(about),
  refs: ({ stream }) => [stream],
});

/** `reason`: in the product's words, without personal data; `discarded` where an operator gave it up. */
export const EffectNotApplied = defineEvent({
  type: 'EffectNotApplied',
  schema: z.object({ ...about, reason: z.string() }),
  refs: ({ stream }) => [stream],
});

export const effectEvents = [EffectApplied, EffectNotApplied] as const;
