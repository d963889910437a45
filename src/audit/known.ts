/**
 * Values of filters that nothing in the log could have: most often misspelt. An empty answer would be taken for the
 * news that nothing of the kind happened, so they are refused. What this process no longer knows may still stand in old
 * events (a type that was retired, a tool that was taken out of the policy): whatever the log has can be asked for.
 */
import { nearestTo, QuarterdeckError } from '../errors.ts';
import type { EventLog } from '../events/log.ts';
import type { Batches } from './reading.ts';
import type { EventFilter } from './request.ts';

/** What events may have beside what old ones have. */
export interface Vocabulary {
  readonly types: readonly string[];
  readonly commands: readonly string[];
  /** Ids of tools, as the policy in force has them and as the engine itself uses them. */
  readonly tools: () => readonly string[];
  /** Streams are named `<prefix>-<id>`; those of the engine, `$…`, need no mention. */
  readonly prefixes: readonly string[];
}

/** Filters that are looked at, by the names that an `EventFilter` has for them. */
type Looked = Pick<
  EventFilter,
  | 'type'
  | 'command'
  | 'tool'
  | 'stream'
  | 'actor'
  | 'about'
  | 'bulkJob'
  | 'commandId'
  | 'correlation'
  | 'session'
>;

/** Whether the log has an event with this one value. */
export type IsThere = (value: Looked) => Promise<boolean>;

interface Asked {
  /** For somebody who sees some of the log only: what is there for them. */
  readonly isThere?: IsThere;
  /** Where in the request the filters stand; refusals name it. */
  readonly within?: string;
}

export interface KnownValues {
  /**
   * @throws QuarterdeckError invalid_input with the nearest value that there is, or how such values begin
   */
  require(filter: Looked, asked?: Asked): Promise<void>;
}

interface Unknown {
  readonly message: string;
  /** All there are, where the message does not say them. */
  readonly known?: readonly string[];
}

type Judge = (value: string, vocabulary: Vocabulary) => Unknown | undefined;

const told = (value: string): string => JSON.stringify(value.slice(0, 100));

const oneOf =
  (what: string, knownIn: (vocabulary: Vocabulary) => readonly string[]): Judge =>
  (value, vocabulary) => {
    const known = [...new Set(knownIn(vocabulary))].sort();
    if (known.includes(value)) return undefined;
    const message = `There is no ${what} ${told(value)}, and the log has none; the nearest is ${told(nearestTo(value, known))}.`;
    return { message, known };
  };

const actors = ['person:', 'service:', 'reactor:', 'system', 'anonymous'];
const streamsOf = ({ prefixes }: Vocabulary): readonly string[] => [
  ...[...new Set(prefixes)].sort().map((prefix) => `${prefix}-`),
  '$',
];

const begins =
  (what: string, beginningsIn: (vocabulary: Vocabulary) => readonly string[]): Judge =>
  (value, vocabulary) => {
    const known = beginningsIn(vocabulary);
    const isComplete = (beginning: string) => value === beginning && /[a-z]$/.test(beginning);
    const goesOn = (beginning: string) => value.length > beginning.length && value.startsWith(beginning);
    if (known.some((beginning) => isComplete(beginning) || goesOn(beginning))) return undefined;
    const message = `Nothing in the log is ${what} ${told(value)}; such names begin with ${known.join(', ')}.`;
    return { message };
  };

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** Of a W3C trace context, which a caller may bring along. */
const traceId = /^[0-9a-f]{32}$/;

const anId =
  (what: string, where: string, ...shapes: readonly RegExp[]): Judge =>
  (value) =>
    shapes.some((shape) => shape.test(value))
      ? undefined
      : { message: `The log knows no ${what} ${told(value)}; give a UUID${where}.` };

const judges: Readonly<Record<keyof Looked, Judge>> = {
  type: oneOf('event type', ({ types }) => types),
  command: oneOf('command', ({ commands }) => commands),
  tool: oneOf('tool', ({ tools }) => tools()),
  stream: begins('in a stream', streamsOf),
  actor: begins('by an actor', () => actors),
  about: begins('about', (vocabulary) => [...streamsOf(vocabulary), ...actors]),
  bulkJob: anId('bulk job', ', the "id" of the job', uuid),
  commandId: anId('command', ', the "commandId" of its answer', uuid),
  correlation: anId('request or trace', ' or a trace id, the "correlationId" of an event', uuid, traceId),
  session: anId('session', ', the "sessionId" of an event', uuid),
};

interface Deps {
  readonly log: Pick<EventLog, 'head'>;
  readonly batches: Batches;
  readonly vocabulary: Vocabulary;
}

export const createKnownValues = ({ log, batches, vocabulary }: Deps): KnownValues => {
  const anywhere: IsThere = async (value) => {
    const { position: upTo } = await log.head();
    for await (const batch of batches({ after: 0, upTo }, value, 1, 'newest'))
      if (batch.length > 0) return true;
    return false;
  };
  return {
    async require(filter, { isThere = anywhere, within } = {}) {
      for (const [path, judge] of Object.entries(judges) as [keyof Looked, Judge][]) {
        const value = filter[path];
        const unknown = value === undefined ? undefined : judge(value, vocabulary);
        if (unknown === undefined || (await isThere({ [path]: value }))) continue;
        throw new QuarterdeckError('invalid_input', 'The input is not valid.', {
          errors: [{ path: within === undefined ? path : `${within}.${path}`, message: unknown.message }],
          ...(unknown.known === undefined ? {} : { extra: { known: unknown.known } }),
        });
      }
    },
  };
};
