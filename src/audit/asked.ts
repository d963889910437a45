/** What was asked of the audit log, checked: each refusal names the filter and says what it takes. */
import { invalidInput } from '../errors.ts';
import { outcomes } from './index/attributes.ts';
import { wordsOf } from './index/tokens.ts';
import type { EventFilter, Order } from './request.ts';

const id = /^[!-~]{1,200}$/;
const name = /^[A-Za-z][A-Za-z0-9._-]{0,99}$/;

const patterns = {
  stream: [id, 'must be the name of a stream, such as account-7590-VHVEG'],
  about: [id, 'must be the name of a stream or the id of a person, such as account-7590-VHVEG'],
  actor: [id, 'must be an opaque actor id'],
  type: [name, 'must be the name of an event type, such as AccountSuspended'],
  command: [name, 'must be the name of a command, such as suspend-account'],
  tool: [id, 'must be the id of a tool, such as console'],
  correlation: [id, 'must be a correlation id, as events have it in their metadata'],
  bulkJob: [id, 'must be the id of a bulk job'],
  commandId: [id, 'must be the id of a command, as its answer has it'],
  session: [id, 'must be the id of a session'],
} as const satisfies Partial<Record<keyof EventFilter, readonly [RegExp, string]>>;

const requireOpaque = (filter: EventFilter): void => {
  for (const path of ['actor', 'about'] as const) {
    if (filter[path]?.includes('@') === true)
      throw invalidInput(
        path,
        `must be an opaque ${path === 'actor' ? 'actor ' : ''}id: e-mail addresses are encrypted and cannot be searched`,
      );
  }
};

/** @throws QuarterdeckError invalid_input */
export const checkFilter = (filter: EventFilter): void => {
  requireOpaque(filter);
  for (const [path, [pattern, message]] of Object.entries(patterns)) {
    const value = filter[path as keyof typeof patterns];
    if (value !== undefined && !pattern.test(value)) throw invalidInput(path, message);
  }
  const { outcome, reason } = filter;
  if (outcome !== undefined && !(outcomes as readonly string[]).includes(outcome))
    throw invalidInput('outcome', `must be one of ${outcomes.join(', ')}`);
  if (reason !== undefined && wordsOf(reason).length === 0)
    throw invalidInput('reason', 'must have a word: letters or digits');
};

/** @throws QuarterdeckError invalid_input */
export const orderOf = (order = 'oldest'): Order => {
  if (order === 'oldest' || order === 'newest') return order;
  throw invalidInput('order', 'must be oldest or newest');
};
