/** A delivered effect as a reactor: in order a stream, and what became of each event recorded once. */
import { createHmac } from 'node:crypto';
import { metadataOf } from '../../access/origin.ts';
import { systemPrincipal } from '../../access/principal.ts';
import type { NewEvent } from '../../events/definition.ts';
import type { Metadata, RecordedEvent } from '../../events/envelope.ts';
import { emptyUnit } from '../../events/event-log.ts';
import type { EventLog } from '../../events/log.ts';
import type { Unit } from '../../events/unit.ts';
import { defineReactor, type ReactorDefinition } from '../reactors/definition.ts';
import { type Deliver, type EffectDefinition, isFor } from './definition.ts';
import { EffectApplied, EffectNotApplied, type Settled, settledStream } from './engine-events.ts';

export interface Settling {
  readonly log: Pick<EventLog, 'append'>;
  readonly clock: () => string;
  readonly newId: () => string;
  /** 32 bytes. */
  readonly secret: Buffer;
}

export const effectReactorName = (effect: string): string => `effect-${effect}`;

const reasonCharactersMax = 500;

/** What is recorded of one event, under a key that stands for that: a second time it is refused as a duplicate. */
export const settlementOf = (
  { clock, newId, secret }: Omit<Settling, 'log'>,
  effect: string,
  event: RecordedEvent,
  notApplied: string | undefined,
): Unit => {
  const about = { effect, position: event.position, stream: event.stream, eventId: event.id };
  const settled: Settled = notApplied === undefined ? 'applied' : 'not-applied';
  const recorded: NewEvent =
    notApplied === undefined
      ? EffectApplied.of(about)
      : EffectNotApplied.of({ ...about, reason: notApplied.slice(0, reasonCharactersMax) });
  const { bulkJobId, correlationId } = event.metadata;
  const stream = settledStream(settled, bulkJobId);
  const origin = { principal: systemPrincipal, correlationId, causationId: event.id };
  const metadata = {
    ...metadataOf(origin, { clock, newId }),
    ...(bulkJobId === undefined ? {} : { bulkJobId }),
  };
  const key = createHmac('sha256', secret).update(`effect\n${effect}\n${event.id}`).digest();
  return {
    ...emptyUnit,
    writes: [{ stream, base: 'any' }],
    keys: [{ key, fingerprint: key, answer: {}, firstEvent: 0 }],
    events: [{ stream, metadata, ...recorded }],
  };
};

const delivering =
  (settling: Settling, effect: EffectDefinition, deliver: Deliver): ReactorDefinition['handle'] =>
  async (event, context) => {
    if (!isFor(effect, event.metadata)) return;
    const { name } = effect;
    const applied = await deliver(event, context);
    const notApplied = applied === 'applied' ? undefined : applied.notApplied;
    const outcome = await settling.log.append(settlementOf(settling, name, event, notApplied));
    if (!outcome.accepted && outcome.cause !== 'duplicate')
      throw new Error(`what became of the effect ${name} was refused by the log: ${outcome.cause}`);
  };

export const effectReactor = (
  settling: Settling,
  effect: EffectDefinition & { readonly deliver: Deliver },
): ReactorDefinition =>
  defineReactor({
    name: effectReactorName(effect.name),
    summary: effect.summary,
    events: effect.events,
    handle: delivering(settling, effect, effect.deliver),
    sequence: 'stream',
    retrying: effect.retrying,
    timeoutSeconds: effect.timeoutSeconds,
    concurrency: effect.concurrency,
    // Given up by an operator, it has settled all the same.
    onDiscard: (event) =>
      isFor(effect, event.metadata) ? settlementOf(settling, effect.name, event, 'discarded') : undefined,
    countsFor: (metadata) => {
      const { bulkJobId, ...known } = metadata as unknown as Metadata;
      return bulkJobId !== undefined && isFor(effect, known) ? bulkJobId : undefined;
    },
  });
