/** One attempt at one event: the handler, its time, and what its failure means for the next attempt. */
import { createHash } from 'node:crypto';
import { permissions } from '../../access/principal.ts';
import { withLimit } from '../../db/session.ts';
import { isQuarterdeckError, QuarterdeckError } from '../../errors.ts';
import type { RecordedEvent } from '../../events/envelope.ts';
import { GiveUp, type ReactorContext, type ReactorDefinition, RetryLater } from './definition.ts';
import type { Parts } from './parts.ts';

/** `seconds`: until the next attempt; undefined: none. */
export interface Failure {
  readonly seconds: number | undefined;
  readonly message: string;
}

const messageCharactersMax = 2_000;

/** Up to a fifth sooner or later, so that what failed together does not come back together. */
const scattered = (seconds: number): number => seconds * (0.8 + Math.random() * 0.4);

export const failureOf = (
  { retrying }: Pick<ReactorDefinition, 'retrying'>,
  attempt: number,
  error: unknown,
): Failure => {
  const message = String(error instanceof Error ? error.message : error).slice(0, messageCharactersMax);
  if (error instanceof GiveUp || attempt >= retrying.attemptsMax) return { message, seconds: undefined };
  const asked = error instanceof RetryLater ? error.seconds : 0;
  const own = scattered(retrying.firstSeconds * 2 ** Math.min(attempt - 1, 30));
  return { message, seconds: Math.min(Math.max(asked, own), Math.max(retrying.secondsMax, asked)) };
};

const principalOf = ({ name, permissions: grants }: ReactorDefinition) => ({
  id: `reactor:${name}`,
  kind: 'system' as const,
  roles: [],
  permissions: permissions(grants),
  tool: 'quarterdeck',
});

/** The event's place in what its commands stand for: the same event and key, the same command. */
const keyOf = (reactor: string, event: RecordedEvent, name: string, key: string): string =>
  createHash('sha256')
    .update(JSON.stringify([reactor, event.id, name, key]))
    .digest('hex');

export const createAttempting = ({ commands }: Pick<Parts, 'commands'>) => {
  const executing =
    (definition: ReactorDefinition, event: RecordedEvent): ReactorContext['execute'] =>
    async ({ name, input, key = '', reason }) => {
      const { correlationId } = event.metadata;
      const answer = await commands.execute({
        name,
        input,
        principal: principalOf(definition),
        idempotencyKey: keyOf(definition.name, event, name, key),
        correlationId,
        causationId: event.id,
        ...(reason === undefined ? {} : { reason }),
      });
      if (answer.kind !== 'done') throw new QuarterdeckError('internal', `${name} was not carried out.`);
      return { position: answer.done.position };
    };

  /**
   * Ends with the handler, or at the latest when the time is over or `ending` says so.
   * @throws what the handler throws.
   */
  return async (
    definition: ReactorDefinition,
    event: RecordedEvent,
    attempt: number,
    ending: AbortSignal,
  ): Promise<void> => {
    const context = { idempotencyKey: event.id, attempt, execute: executing(definition, event) };
    try {
      await withLimit(ending, definition.timeoutSeconds * 1_000, (signal) =>
        definition.handle(event, { ...context, signal }),
      );
    } catch (error) {
      // A rule that said no says so again.
      if (isQuarterdeckError(error) && error.code === 'rejected') throw new GiveUp(error.message);
      throw error;
    }
  };
};
