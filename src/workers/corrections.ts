/**
 * Corrected input for items of an ended job: each row names the item it is for, by the command's target or
 * by the item's index or line in the job. It replaces that item's own input. Rows that name none refuse the
 * whole upload, with their lines: nothing is started that may not have been meant.
 */
import { type FieldError, invalidInput, QuarterdeckError } from '../errors.ts';
import type { BulkCommand } from './asked.ts';
import { type AskedCorrection, type Retriable, told } from './asked-retry.ts';
import type { Family } from './family.ts';
import { createNames, type Match, type OpenNames } from './matching.ts';
import type { StoredOutcome } from './outcomes.ts';
import type { UploadRequest } from './request.ts';
import type { Results } from './results.ts';
import { type Field, fieldsOf } from './sources/fields.ts';
import type { Source, SourceItem } from './sources/source.ts';
import { openUpload } from './sources/upload.ts';

const errorsToldMax = 20;

const nameIn: Readonly<Record<Match, (outcome: StoredOutcome) => string | null>> = {
  target: ({ t }) => t,
  index: ({ x }) => String(x),
  line: ({ l }) => (l === undefined ? null : String(l)),
};

const namesOf = async (
  { results, jobId, asked, outcomes }: Correcting,
  family: Family,
): Promise<OpenNames> => {
  const names = createNames();
  for await (const items of results.retriable(jobId, outcomes))
    for (const retried of items) {
      const name = nameIn[asked.match](retried.outcome);
      if (name !== null && !family.isTaken(retried)) names.add(name, family.indexOf(retried));
    }
  return names.close();
};

/** Where rows name an item otherwise than by its target, a column more. */
const fieldsFor = (command: BulkCommand, match: Match): ReadonlyMap<string, Field> => {
  const fields = fieldsOf(command);
  if (match === 'target') return fields;
  if (fields.has(match))
    throw invalidInput('match', `The command has a field "${match}" of its own; match by target.`);
  return new Map([...fields, [match, { name: match, kind: 'number', required: true }]]);
};

export interface Correcting {
  readonly results: Results;
  readonly jobId: string;
  readonly command: BulkCommand;
  readonly asked: AskedCorrection;
  readonly outcomes: readonly Retriable[];
  /** Fields that the job's common input gives to every row. */
  readonly given: readonly string[];
  readonly upload: Pick<UploadRequest, 'mediaType' | 'charset'>;
  readonly content: AsyncIterable<Uint8Array>;
  readonly family: () => Promise<Family>;
}

export interface Corrected {
  readonly item: SourceItem;
  /** Index of its item in the job that was tried first. */
  readonly place: number | undefined;
}

const rowsOf = ({ command, asked, given, upload, content }: Correcting): Source => {
  const { match, map } = asked;
  const fields = fieldsFor(command, match);
  const whole = map === undefined || match === 'target' ? map : { [match]: match, ...map };
  return openUpload(upload, content, asked, { fields, map: whole, given }).items;
};

/** The rows that are for an item, without what only names it. @throws QuarterdeckError after the last row. */
export async function* correctedRows(correcting: Correcting): AsyncGenerator<readonly Corrected[]> {
  const { asked, command, outcomes } = correcting;
  const rows = rowsOf(correcting);
  const names = await namesOf(correcting, await correcting.family());
  const named = asked.match === 'target' ? command.bulk.field : asked.match;
  const errors: FieldError[] = [];
  let strangers = 0;
  for await (const items of rows) {
    const own = items.flatMap((item): Corrected[] => {
      const name = item.input[named];
      const taken = isName(name) ? names.take(String(name)) : undefined;
      if (taken !== undefined)
        return [{ item: asked.match === 'target' ? item : without(item, named), ...taken }];
      if (strangers++ < errorsToldMax)
        errors.push({ path: `line ${item.line ?? 0}`, message: notTheirs(asked.match, name, outcomes) });
      return [];
    });
    if (strangers === 0) yield own;
  }
  if (strangers > 0)
    throw new QuarterdeckError(
      'invalid_input',
      `${strangers} ${strangers === 1 ? 'row is' : 'rows are'} for no item of this job that may be tried again. Nothing was started.`,
      { errors },
    );
}

const isName = (name: unknown): name is string | number =>
  typeof name === 'string' || typeof name === 'number';

const without = (item: SourceItem, name: string): SourceItem => {
  const { [name]: _, ...input } = item.input;
  return { ...item, input };
};

const notTheirs = (match: Match, name: unknown, outcomes: readonly Retriable[]): string => {
  const said = String(name ?? '').slice(0, 100);
  if (said === '') return `It does not say by ${match} which item it corrects.`;
  const remedy = match === 'target' ? ' Where the target itself was wrong, match by line or index.' : '';
  return `No item with the ${match} "${said}" ${told(outcomes)}, or an earlier row corrects it, or a retry has it.${remedy}`;
};
