/**
 * What the log keeps of reactors: events that were given up, pauses, and what operators did about them. On the
 * reserved stream `$reactors`. What is handled as it should be leaves no trace here.
 */
import { z } from 'zod';
import { defineEvent } from '../../events/definition.ts';

export const reactorsStream = '$reactors';

const reactor = z.string();
const none = (): readonly string[] => [];

/** An event became a dead letter: `position`, of `stream`. */
export const ReactorGaveUp = defineEvent({
  type: 'ReactorGaveUp',
  schema: z.object({
    reactor,
    position: z.int(),
    eventType: z.string(),
    stream: z.string(),
    attempts: z.int(),
  }),
  refs: ({ stream }) => [stream],
});

/** `failures`: so many in a row, after which it paused itself; absent where somebody paused it. */
export const ReactorPaused = defineEvent({
  type: 'ReactorPaused',
  schema: z.object({ reactor, failures: z.int().optional() }),
  refs: none,
});

export const ReactorResumed = defineEvent({
  type: 'ReactorResumed',
  schema: z.object({ reactor }),
  refs: none,
});

/** `positions`: of the events, the lowest thousand of `count`. */
const some = z.object({ reactor, count: z.int(), positions: z.array(z.int()) });

export const DeadLettersRetried = defineEvent({
  type: 'DeadLettersRetried',
  schema: some,
  refs: none,
});

/** They will not be handled. */
export const DeadLettersDiscarded = defineEvent({
  type: 'DeadLettersDiscarded',
  schema: some,
  refs: none,
});

/** An event was handed over once more, whatever had become of it. */
export const DeliveryRepeated = defineEvent({
  type: 'DeliveryRepeated',
  schema: z.object({ reactor, position: z.int() }),
  refs: none,
});

export const reactorEvents = [
  ReactorGaveUp,
  ReactorPaused,
  ReactorResumed,
  DeadLettersRetried,
  DeadLettersDiscarded,
  DeliveryRepeated,
] as const;
