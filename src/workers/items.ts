/**
 * An item on its way into a chunk and out of it again. It is validated on the way in, so that a row that
 * can never run is known at once, and stored as it was given: the schema's own transformations happen
 * when it is decided. Personal fields are sealed under the subject that the command names; of an invalid
 * item nothing is stored but its target, its line and what is wrong.
 */
import type { CommandDefinition } from '../commands/definition.ts';
import { validateInput } from '../commands/validate.ts';
import type { FieldError } from '../errors.ts';
import { type Codec, erased, isSealed } from '../events/codec.ts';
import type { EventData } from '../events/definition.ts';
import { jsonFault, textFault } from '../events/sound-json.ts';
import type { ColumnOf, SourceItem } from './sources/source.ts';

/** As it stands in the chunk's array; names are short because there are millions of them. */
export interface StoredItem {
  /** Target. */
  readonly t: string | null;
  /** Line. */
  readonly l?: number;
  /** Its own input, personal fields sealed. */
  readonly i?: EventData;
  /** What is wrong with it. */
  readonly e?: readonly FieldError[];
  /** Known at acceptance: it is left alone, by this code and message. */
  readonly k?: Kept;
  /** Its stream's version when a dry run decided it. */
  readonly d?: number;
  /** To be undone: its stream's version as the job left it. */
  readonly v?: number;
  /** Of a retry: its index in the job that was tried first. */
  readonly r?: number;
}

/** Why an item is skipped. */
export interface Kept {
  readonly c: string;
  readonly m: string;
}

/** An item ready to be decided, or why it cannot be. */
export type OpenItem =
  | { readonly input: EventData }
  | { readonly errors: readonly FieldError[] }
  | { readonly erased: true };

const contextOf = (command: CommandDefinition): string => `bulk ${command.name}`;

/**
 * null where it names nothing. The log keeps targets in the clear and for ever, so what the command would
 * not take as an id is none: an upload with its columns mixed up has e-mail addresses there.
 */
const targetOf = ({ input, bulk }: CommandDefinition, given: EventData, valid: boolean): string | null => {
  const field = bulk?.field ?? '';
  const target = given[field];
  if (typeof target !== 'string' || target === '') return null;
  if (valid) return target;
  const taken = textFault(target) === undefined && input.shape[field]?.safeParse(target).success;
  return taken === true ? target : null;
};

interface Intake {
  readonly command: CommandDefinition;
  /** Fields that all items have in common. */
  readonly common: EventData;
  readonly codec: Pick<Codec, 'encryptFields'>;
  readonly columnOf: ColumnOf;
}

interface Checked {
  readonly item: StoredItem;
  /** Whose personal fields are to be sealed, where it is valid and has any. */
  readonly subject?: string;
}

/**
 * Assigned where it is sound, which makes no hidden class an item (docs/decisions/0040); a member `__proto__`, which
 * is a fault, would be assigned as the prototype.
 */
const merged = (common: EventData, own: EventData, sound: boolean): EventData =>
  sound ? Object.assign({}, common, own) : { ...common, ...own };

const check = ({ command, common, columnOf }: Intake, item: SourceItem): Checked => {
  const { input, line, faults = [] } = item;
  const fault = jsonFault(input);
  const whole = isEmpty(common) ? input : merged(common, input, fault === undefined);
  const validated =
    fault === undefined ? validateInput(command, whole) : { ok: false as const, errors: [fault] };
  const t = targetOf(command, whole, validated.ok);
  if (validated.ok && faults.length === 0) {
    const stored = line === undefined ? { t, i: input } : { t, l: line, i: input };
    const sealing = command.personal.some((field) => input[field] !== undefined);
    return sealing ? { item: stored, subject: command.subject(validated.input) } : { item: stored };
  }
  const known = new Set(faults.map(({ path }) => path));
  const others = validated.ok ? [] : validated.errors.filter(({ path }) => !known.has(path));
  const e = [...faults, ...others.map((one) => explain(one, item, columnOf))];
  return { item: line === undefined ? { t, e } : { t, l: line, e } };
};

const isEmpty = (data: EventData): boolean => {
  for (const _ in data) return false;
  return true;
};

/** In the order given. Personal fields are sealed, keys made for all subjects at once. */
export const storeItems = async (
  intake: Intake,
  items: readonly SourceItem[],
): Promise<readonly StoredItem[]> => {
  const { command, codec } = intake;
  const checked = items.map((item) => check(intake, item));
  const toSeal = checked.flatMap(({ item: { i }, subject }) =>
    i === undefined || subject === undefined
      ? []
      : [{ subject, context: contextOf(command), fields: command.personal, data: i }],
  );
  if (toSeal.length === 0) return checked.map(({ item }) => item);
  const sealed = await codec.encryptFields(toSeal);
  let nth = 0;
  return checked.map(({ item, subject }) =>
    subject === undefined ? item : { ...item, i: sealed[nth++] as EventData },
  );
};

/** A blank cell is told as what it is, with the column that the reader sees. */
const explain = (error: FieldError, { input }: SourceItem, columnOf: ColumnOf): FieldError => {
  const column = columnOf(error.path);
  const value = input[error.path];
  const blank = value === undefined || (typeof value === 'string' && value.trim() === '');
  if (column === undefined || !blank) return error;
  return { path: error.path, message: `The column "${column}" is blank; ${error.message}` };
};

/** Opens what is sealed and puts the common input below; in the order given. */
export const openItems = async (
  {
    command,
    common,
    codec,
  }: Pick<Intake, 'command' | 'common'> & { readonly codec: Pick<Codec, 'decryptFields'> },
  items: readonly StoredItem[],
): Promise<readonly OpenItem[]> => {
  const opened = await codec.decryptFields(
    items.map(({ i = {} }) => ({ context: contextOf(command), data: i })),
  );
  return items.map(({ i = {}, e }, n) => {
    if (e !== undefined) return { errors: e };
    const own = opened[n] as EventData;
    // What was erased since is nobody's wish any more.
    if (Object.entries(i).some(([name, value]) => isSealed(value) && own[name] === erased))
      return { erased: true };
    const validated = validateInput(command, merged(common, own, true));
    return validated.ok ? { input: validated.input } : { errors: validated.errors };
  });
};
