/** What an event can be found by. Pure; the index and the comparison with the event itself both ask here. */
import type { EventData } from '../../events/definition.ts';
import type { EventFilter } from '../request.ts';
import { type Token, tokenOf } from './tokens.ts';

/** Raise it where an event would get other attributes than before: the index is then made anew. */
export const attributesVersion = 1;

/** An event as far as it is looked at: stored or readable. */
export interface Findable {
  readonly stream: string;
  readonly type: string;
  readonly data: EventData;
  readonly metadata: unknown;
}

/** Streams and people that an event is about, its own stream apart. */
export type AboutOf = (event: Findable) => readonly string[];

/** How something ended, in the words that commands and bulk items use. */
export const outcomes = [
  'succeeded',
  'unchanged',
  'rejected',
  'refused',
  'denied',
  'failed',
  'skipped',
  'cancelled',
] as const;

export type Outcome = (typeof outcomes)[number];

const isOutcome = (value: unknown): value is Outcome => (outcomes as readonly unknown[]).includes(value);

const distinct = (values: readonly unknown[]): readonly Outcome[] => [...new Set(values.filter(isOutcome))];

const ofRefusal = (code: unknown): Outcome => {
  if (code === 'rejected') return 'rejected';
  return code === 'not_permitted' ? 'denied' : 'refused';
};

const ofItems = (items: unknown): readonly Outcome[] =>
  Array.isArray(items) ? distinct(items.map((item: { outcome?: unknown }) => item.outcome)) : [];

const ofCounts = (counts: unknown): readonly Outcome[] =>
  distinct(Object.entries(counts ?? {}).flatMap(([outcome, count]) => (Number(count) > 0 ? [outcome] : [])));

/** Of events that tell of something else than a success. */
const told = new Map<string, (data: EventData) => readonly Outcome[]>([
  ['CommandRefused', ({ code }) => [ofRefusal(code)]],
  ['CommandUnchanged', () => ['unchanged']],
  ['AccessDenied', () => ['denied']],
  ['DenialsCounted', () => ['denied']],
  ['SignInRefused', () => ['denied']],
  ['TokenRefused', () => ['denied']],
  ['ReactorGaveUp', () => ['failed']],
  ['EffectNotApplied', () => ['failed']],
  ['LogFaultFound', () => ['failed']],
  ['BulkJobCancelled', () => ['cancelled']],
  ['BulkItemsDecided', ({ items }) => ofItems(items)],
  ['BulkJobFinished', ({ counts }) => ofCounts(counts)],
]);

export const outcomesOf = ({ type, data }: Pick<Findable, 'type' | 'data'>): readonly Outcome[] =>
  told.get(type)?.(data) ?? ['succeeded'];

interface Kept {
  readonly actor: { readonly id: string };
  readonly tool: string;
  readonly command?: string;
  readonly commandId: string;
  readonly correlationId: string;
  readonly sessionId?: string;
  readonly bulkJobId?: string;
}

/** Events about a job as such belong to it as well as those of its items. */
const bulkJobOf = ({ stream, data: { jobId } }: Findable, { bulkJobId }: Kept): string | undefined =>
  bulkJobId ?? (stream.startsWith('$bulk-') && typeof jobId === 'string' ? jobId : undefined);

type Values = { readonly [Name in Attribute]: readonly string[] };

/** Names of filters that are attributes of an event; `reason` is told apart. */
export const attributes = [
  'stream',
  'actor',
  'type',
  'command',
  'tool',
  'about',
  'outcome',
  'correlation',
  'bulkJob',
  'commandId',
  'session',
] as const;

export type Attribute = (typeof attributes)[number];

const optional = (value: string | undefined): readonly string[] => (value === undefined ? [] : [value]);

const valuesOf = (event: Findable, aboutOf: AboutOf): Values => {
  const metadata = event.metadata as Kept;
  return {
    stream: [event.stream],
    actor: [metadata.actor.id],
    type: [event.type],
    command: optional(metadata.command),
    tool: [metadata.tool],
    about: [...new Set([event.stream, ...aboutOf(event)])],
    outcome: outcomesOf(event),
    correlation: [metadata.correlationId],
    bulkJob: optional(bulkJobOf(event, metadata)),
    commandId: [metadata.commandId],
    session: optional(metadata.sessionId),
  };
};

export const tokensOf = (event: Findable, aboutOf: AboutOf): readonly Token[] => {
  const values = valuesOf(event, aboutOf);
  const tokens: Token[] = [];
  for (const name of attributes) for (const value of values[name]) tokens.push(tokenOf(name, value));
  return tokens;
};

export const tokensAsked = (filter: EventFilter): readonly Token[] =>
  attributes.flatMap((name) => {
    const value = filter[name];
    return value === undefined ? [] : [tokenOf(name, value)];
  });

/** Whether the event has every attribute that is asked for; its reason is not looked at. */
export const has = (event: Findable, filter: EventFilter, aboutOf: AboutOf): boolean => {
  const values = valuesOf(event, aboutOf);
  return attributes.every((name) => {
    const asked = filter[name];
    return asked === undefined || values[name].includes(asked);
  });
};
