/**
 * Provable exports as a use case: who may make one, what it covers, and that it is recorded before its first
 * line is sent. An export goes by the position of its record, from which its manifest can be made again.
 */
import { z } from 'zod';
import { metadataOf, type Origin } from '../../access/origin.ts';
import type { Db } from '../../db/pool.ts';
import { type FieldError, invalidInput, QuarterdeckError } from '../../errors.ts';
import type { ArchivedEvents } from '../../events/archived.ts';
import { positionOf, timeOf } from '../../events/asked-moment.ts';
import type { Timestamp } from '../../events/envelope.ts';
import type { EventLog } from '../../events/log.ts';
import { auditStream, EventsExported } from '../engine-events.ts';
import type { KnownValues } from '../known.ts';
import { readPosition, requireWholeEvents, requireWholeLog, sealedUpTo } from '../transparency/proofs.ts';
import type { TreeReading } from '../transparency/tree.ts';
import { createExporting, type Range } from './exporting.ts';
import { type EntryFilter, entryFilterFields } from './format.ts';

export interface ExportAsked extends Origin {
  /** As it came in the body. */
  readonly body: Readonly<Record<string, unknown>>;
}

export interface OpenedExport {
  /** Position of the event that records it. */
  readonly id: number;
  readonly format: 'ndjson' | 'csv';
  /** Of NDJSON. */
  readonly lines: AsyncIterable<string>;
  /** Of CSV: stored events by column. */
  readonly rows: AsyncIterable<Readonly<Record<string, unknown>>>;
}

export interface ProvableExports {
  /** @throws QuarterdeckError `not_permitted`, `invalid_input`, `unavailable` while it is not sealed. */
  open(asked: ExportAsked): Promise<OpenedExport>;
  /** Of an export that the same principal made. @throws QuarterdeckError `not_permitted`, `not_found` */
  manifest(asked: Origin & { readonly id: string }): Promise<AsyncIterable<string>>;
}

interface Deps {
  readonly pool: Db;
  readonly log: EventLog;
  readonly tree: TreeReading;
  readonly archived: ArchivedEvents;
  readonly known: KnownValues;
  readonly clock: () => Timestamp;
  readonly newId: () => string;
}

const text = z.string().min(1).max(512);
const moment = z.union([z.string(), z.int().positive()]);

const bodySchema = z.strictObject({
  format: z.enum(['ndjson', 'csv']).default('ndjson'),
  filter: z
    .strictObject(Object.fromEntries(entryFilterFields.map((name) => [name, text.optional()])))
    .default({}),
  from: moment.optional(),
  to: moment.optional(),
  readable: z.boolean().default(false),
});

const permission = 'audit:export';

interface Bounds {
  readonly range: Range;
  readonly times: Pick<EntryFilter, 'from' | 'to'>;
}

export const createProvableExports = ({
  pool,
  log,
  tree,
  archived,
  known,
  clock,
  newId,
}: Deps): ProvableExports => {
  const exporting = createExporting({ pool, log, tree, archived, latest: () => sealedUpTo(tree, 1) });

  const isPosition = (at: string | number): boolean => /^\d+$/.test(String(at));

  /** Bounded by time, the range holds one event more on either side, which shows where the time begins and ends. */
  const begins = async (from: string | number | undefined): Promise<{ after: number; time?: Timestamp }> => {
    if (from === undefined) return { after: 0 };
    if (isPosition(from))
      return { after: Math.max(0, (await positionOf('from', String(from), { log, clock })) - 1) };
    const time = timeOf('from', String(from));
    if (time > clock()) throw invalidInput('from', 'must not lie in the future');
    return { after: Math.max(0, (await log.positionBefore(time)) - 1), time };
  };

  const ends = async (
    to: string | number | undefined,
    head: number,
  ): Promise<{ upTo: number; time?: Timestamp }> => {
    if (to === undefined) return { upTo: head };
    if (isPosition(to)) return { upTo: await positionOf('to', String(to), { log, clock }) };
    const time = timeOf('to', String(to));
    if (time > clock())
      throw invalidInput('to', 'must not lie in the future: what is still to be recorded cannot be proven');
    return { upTo: Math.min(head, (await log.positionAt(time)) + 1), time };
  };

  const boundsOf = async (
    from: string | number | undefined,
    to: string | number | undefined,
  ): Promise<Bounds> => {
    const { position: head } = await log.head();
    const [begin, end] = await Promise.all([begins(from), ends(to, head)]);
    if (
      begin.after > end.upTo ||
      (begin.time !== undefined && end.time !== undefined && begin.time > end.time)
    )
      throw invalidInput('from', 'must not lie after "to"');
    return {
      range: { after: begin.after, upTo: end.upTo },
      times: {
        ...(begin.time === undefined ? {} : { from: begin.time }),
        ...(end.time === undefined ? {} : { to: end.time }),
      },
    };
  };

  return {
    async open({ body, ...origin }) {
      requireWholeEvents(origin, permission);
      const read = bodySchema.safeParse(body);
      if (!read.success) throw faultsOf(read.error);
      const { format, filter, from, to, readable } = read.data;
      if (readable && format === 'csv')
        throw invalidInput(
          'readable',
          'must be false with CSV, which holds events as stored; NDJSON holds both forms',
        );
      const { range, times } = await boundsOf(from, to);
      const whole = { ...present(filter), ...times } as EntryFilter;
      await known.require(whole, { within: 'filter' });
      await sealedUpTo(tree, range.upTo);
      const filtered = { format, filter: whole as Record<string, string>, ...range };
      const { position } = await log.record(
        auditStream,
        // As stored, what is personal is ciphertext.
        [EventsExported.of({ ...filtered, provable: true, ...(readable ? { personal: true } : {}) })],
        metadataOf(origin, { clock, newId }),
      );
      return {
        id: position,
        format,
        lines: exporting.lines(range, whole, readable),
        rows: exporting.rows(range, whole),
      };
    },

    async manifest({ id: text, ...origin }) {
      requireWholeLog(origin, permission);
      const id = readPosition('id', text);
      const [record] = await log.readAt([id]);
      const isTheirs =
        record?.type === EventsExported.type &&
        record.data.provable === true &&
        record.metadata.actor.id === origin.principal.id;
      if (!isTheirs) throw new QuarterdeckError('not_found', `You have made no provable export ${id}.`);
      const { filter, after, upTo } = EventsExported.schema.parse(record.data);
      return exporting.manifest({ after, upTo }, filter);
    },
  };
};

const present = (filter: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined));

const fieldsAt = (path: string): readonly string[] =>
  path === 'filter' ? entryFilterFields : Object.keys(bodySchema.shape);

const fieldErrors = (issue: z.core.$ZodIssue): readonly FieldError[] => {
  const path = issue.path.join('.');
  if (issue.code !== 'unrecognized_keys') return [{ path, message: issue.message }];
  const message = `There is no such field; the fields are ${fieldsAt(path).join(', ')}.`;
  return issue.keys.map((key) => ({ path: path === '' ? key : `${path}.${key}`, message }));
};

const faultsOf = ({ issues }: z.ZodError): QuarterdeckError =>
  new QuarterdeckError('invalid_input', 'The export cannot be made as asked.', {
    errors: issues.slice(0, 100).flatMap(fieldErrors),
  });
