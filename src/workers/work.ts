/**
 * A chunk in hand: what is left to decide of it, grouped by stream, because the items of one target are
 * decided in input order and form one unit.
 */
import type { Principal, Rows } from '../access/principal.ts';
import type { CommandDefinition } from '../commands/definition.ts';
import { beyondLimitsMessage, permittedFor } from '../commands/permitting.ts';
import type { EventData } from '../events/definition.ts';
import type { OpenItem, StoredItem } from './items.ts';
import type { JobRecord } from './job-record.ts';
import type { StoredOutcome } from './outcomes.ts';

export interface Work {
  readonly job: JobRecord;
  readonly command: CommandDefinition;
  readonly principal: Principal;
  readonly chunk: number;
  readonly lease: string;
  /** Rounds committed so far; raised by each. */
  rounds: number;
}

/** An item whose input is valid and permitted. */
export interface Item {
  readonly index: number;
  readonly stored: StoredItem;
  readonly input: EventData;
  readonly reason: string | undefined;
  /** The rows that the requester reaches with it; absent: every row. */
  readonly rows?: Rows;
}

export interface Group {
  readonly stream: string;
  readonly items: readonly Item[];
  /** How often its unit met a conflict. */
  conflicts: number;
}

export interface Sorted {
  readonly groups: readonly Group[];
  /** Decided without asking the decider. */
  readonly settled: readonly StoredOutcome[];
}

export const outcomeOf = (
  { index, stored }: { readonly index: number; readonly stored: StoredItem },
  outcome: Omit<StoredOutcome, 'x' | 't' | 'l'>,
): StoredOutcome => ({
  x: index,
  t: stored.t,
  ...(stored.l === undefined ? {} : { l: stored.l }),
  ...outcome,
});

/** `decided` holds the indexes that earlier rounds decided. */
export const sortItems = (
  work: Work,
  stored: readonly StoredItem[],
  opened: readonly OpenItem[],
  firstIndex: number,
  decided: ReadonlySet<number>,
): Sorted => {
  const groups = new Map<string, Item[]>();
  const settled: StoredOutcome[] = [];
  stored.forEach((one, n) => {
    const place = { index: firstIndex + n, stored: one };
    if (decided.has(place.index)) return;
    const item = admitItem(work, place, opened[n] as OpenItem);
    if ('o' in item) {
      settled.push(item);
      return;
    }
    const stream = work.command.stream.of(work.command.id(item.input));
    const group = groups.get(stream);
    if (group === undefined) groups.set(stream, [item]);
    else group.push(item);
  });
  return { groups: [...groups].map(([stream, items]) => ({ stream, items, conflicts: 0 })), settled };
};

/** The stages of the pipeline before deciding: validate, authorise, demand a reason. */
const admitItem = (
  { job, command, principal }: Work,
  place: { readonly index: number; readonly stored: StoredItem },
  opened: OpenItem,
): Item | StoredOutcome => {
  if (place.stored.k !== undefined) return outcomeOf(place, { o: 'skipped', ...place.stored.k });
  if ('erased' in opened)
    return outcomeOf(place, { o: 'skipped', c: 'erased', m: 'Its personal data was erased.' });
  if ('errors' in opened) {
    const m = opened.errors
      .map(({ path, message }) => (path === '' ? message : `${path}: ${message}`))
      .join(' ');
    return outcomeOf(place, { o: 'rejected', c: 'invalid_input', m, e: opened.errors });
  }
  const { input } = opened;
  const permitted = permittedFor(principal.permissions, command, input);
  if ('missing' in permitted) {
    const { missing, limited } = permitted;
    const m = limited ? beyondLimitsMessage(command.name) : `This needs the permission ${missing}.`;
    return outcomeOf(place, { o: 'rejected', c: 'not_permitted', m });
  }
  const own = input.reason;
  const reason = typeof own === 'string' ? own : job.written.reason;
  if (command.needs.reason === true && reason === undefined) {
    return outcomeOf(place, { o: 'rejected', c: 'reason_required', m: 'This command needs a reason.' });
  }
  const { index, stored } = place;
  return { index, stored, input, reason, ...permitted };
};
