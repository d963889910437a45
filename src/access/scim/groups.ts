/** The groups of a provider's directory, and who is in them. */
import { z } from 'zod';
import type { Db, Queryable, Tx } from '../../db/pool.ts';
import type { Clock, NewId } from '../ports.ts';
import * as sql from '../sql/scim.ts';
import type { Effects } from './effects.ts';
import { invalid, missing, ScimFault } from './fault.ts';
import type { Filter } from './filter.ts';
import type { Change } from './patch.ts';
import type { InTurn } from './turns.ts';
import { lowerCased, textOf } from './user.ts';
import type { Directory, Page, Window } from './users.ts';

export interface ScimGroup {
  readonly displayName: string;
  readonly externalId?: string | undefined;
}

export interface StoredGroup {
  readonly id: string;
  readonly group: ScimGroup;
  readonly createdAt: string;
  readonly changedAt: string;
  /** Ids of users; undefined where nobody asked for them. */
  readonly members: readonly string[] | undefined;
}

export interface GroupWithMembers extends ScimGroup {
  readonly members: readonly string[];
}

export interface Groups {
  create(directory: Directory, group: GroupWithMembers): Promise<StoredGroup>;
  replace(directory: Directory, id: string, group: GroupWithMembers): Promise<StoredGroup>;
  patch(directory: Directory, id: string, changes: readonly Change[]): Promise<void>;
  remove(directory: Directory, id: string): Promise<void>;
  find(directory: Directory, id: string, withMembers: boolean): Promise<StoredGroup>;
  list(
    directory: Directory,
    filter: Filter,
    window: Window & { readonly withMembers: boolean },
  ): Promise<Page<StoredGroup>>;
}

interface Deps {
  readonly pool: Db;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly effects: Effects;
  readonly inTurn: InTurn;
}

interface GroupRow {
  readonly id: string;
  readonly displayName: string;
  readonly externalId: string | null;
  readonly createdAt: string;
  readonly changedAt: string;
}

const membersMax = 100_000;
const member = z.array(z.object({ value: z.string().min(1).max(100) })).max(membersMax);

/** @throws ScimFault `invalidValue` */
export const membersOf = (value: unknown): readonly string[] => {
  const parsed = member.safeParse(lowerCased(value ?? []));
  if (!parsed.success) throw invalid('invalidValue', 'members: a list of {value: the id of a user}');
  return [...new Set(parsed.data.map(({ value: id }) => id))];
};

const displayNameOf = (value: unknown): string => {
  const name = textOf(value, 'displayName');
  if (name === undefined) throw invalid('invalidValue', 'displayName: is required');
  return name;
};

/** @throws ScimFault `invalidValue` */
export const groupOf = (body: unknown): GroupWithMembers => {
  const given = lowerCased(body) as Record<string, unknown> | null;
  return {
    displayName: displayNameOf(given?.displayname),
    externalId: textOf(given?.externalid, 'externalId'),
    members: membersOf(given?.members),
  };
};

export const createGroups = ({ pool, clock, newId, effects, inTurn }: Deps): Groups => {
  const rowOf = async (db: Queryable, { provider }: Directory, id: string): Promise<GroupRow> => {
    const row = (await db.query<GroupRow>({ ...sql.selectGroup, values: [provider, id] })).rows[0];
    if (row === undefined) throw missing('group');
    return row;
  };

  const membersIn = async (db: Queryable, id: string): Promise<readonly string[]> =>
    (await db.query<{ id: string }>({ ...sql.membersOfGroup, values: [id] })).rows.map((row) => row.id);

  const stored = async (db: Queryable, row: GroupRow, withMembers: boolean): Promise<StoredGroup> => {
    const { id, displayName, externalId, createdAt, changedAt } = row;
    const members = withMembers ? await membersIn(db, id) : undefined;
    return { id, group: { displayName, externalId: externalId ?? undefined }, createdAt, changedAt, members };
  };

  const write = async (tx: Tx, { provider }: Directory, id: string, group: ScimGroup): Promise<void> => {
    const { displayName, externalId = null } = group;
    const taken = await tx.query({ ...sql.groupTaken, values: [provider, displayName, id] });
    if (taken.rows.length > 0)
      throw new ScimFault(409, 'There is a group of that name already.', 'uniqueness');
    await tx.query({ ...sql.upsertGroup, values: [id, provider, displayName, externalId, clock()] });
  };

  const add = async (
    tx: Tx,
    { provider }: Directory,
    id: string,
    users: readonly string[],
  ): Promise<void> => {
    const { rows } = await tx.query({ ...sql.usersAmong, values: [provider, users] });
    if (rows.length < users.length) throw invalid('invalidValue', 'members: one of them is no user here');
    await tx.query({ ...sql.addMembers, values: [id, users] });
  };

  const take = (tx: Tx, id: string, users: readonly string[]) =>
    tx.query({ ...sql.removeMembers, values: [id, users] });

  /** Whoever was in it or is now has other groups. */
  const changing = async (
    tx: Tx,
    directory: Directory,
    id: string,
    work: () => Promise<void>,
  ): Promise<void> => {
    const before = await membersIn(tx, id);
    await work();
    const touched = [...new Set([...before, ...(await membersIn(tx, id))])];
    if (directory.givesGroups) await effects.settleGroups(tx, directory.provider, touched);
  };

  const replaceMembers = async (tx: Tx, directory: Directory, id: string, users: readonly string[]) => {
    await take(tx, id, await membersIn(tx, id));
    await add(tx, directory, id, users);
  };

  const put = (directory: Directory, id: string, { members, ...group }: GroupWithMembers, isNew: boolean) =>
    inTurn(directory.provider, async (tx) => {
      if (!isNew) await rowOf(tx, directory, id);
      await changing(tx, directory, id, async () => {
        await write(tx, directory, id, group);
        await replaceMembers(tx, directory, id, members);
      });
      return stored(tx, await rowOf(tx, directory, id), true);
    });

  const applyTo = async (
    tx: Tx,
    directory: Directory,
    id: string,
    { op, path, value }: Change,
  ): Promise<void> => {
    const { displayName, externalId } = await rowOf(tx, directory, id);
    const one = /^members\[value eq "([^"]{1,100})"\]$/.exec(path)?.[1];
    if (one !== undefined && op === 'remove') await take(tx, id, [one]);
    else if (path === 'members' && op === 'add') await add(tx, directory, id, membersOf(asList(value)));
    else if (path === 'members' && op === 'replace')
      await replaceMembers(tx, directory, id, membersOf(asList(value)));
    else if (path === 'members')
      await take(tx, id, value === undefined ? await membersIn(tx, id) : membersOf(asList(value)));
    else if (path === 'displayname')
      await write(tx, directory, id, {
        displayName: displayNameOf(value),
        externalId: externalId ?? undefined,
      });
    else if (path === 'externalid')
      await write(tx, directory, id, { displayName, externalId: textOf(value, 'externalId') });
  };

  return {
    create: (directory, group) => put(directory, newId(), group, true),
    replace: (directory, id, group) => put(directory, id, group, false),
    patch: (directory, id, changes) =>
      inTurn(directory.provider, async (tx) => {
        await rowOf(tx, directory, id);
        await changing(tx, directory, id, async () => {
          for (const change of changes) await applyTo(tx, directory, id, change);
        });
      }),
    remove: (directory, id) =>
      inTurn(directory.provider, async (tx) => {
        await rowOf(tx, directory, id);
        const before = await membersIn(tx, id);
        await tx.query({ ...sql.deleteGroup, values: [directory.provider, id] });
        if (directory.givesGroups) await effects.settleGroups(tx, directory.provider, before);
      }),
    find: async (directory, id, withMembers) => stored(pool, await rowOf(pool, directory, id), withMembers),
    list: async ({ provider }, filter, { limit, offset, withMembers }) => {
      const names = ['displayname', 'externalid', 'id', 'members'] as const;
      const wanted = [provider, ...names.map((name) => filter.get(name) ?? null)];
      const { rows: counted } = await pool.query<{ total: number }>({ ...sql.countGroups, values: wanted });
      const { rows } = await pool.query<GroupRow>({ ...sql.listGroups, values: [...wanted, limit, offset] });
      const data = await Promise.all(rows.map((row) => stored(pool, row, withMembers)));
      return { total: counted[0]?.total ?? 0, data };
    },
  };
};

const asList = (value: unknown): unknown => (Array.isArray(value) || value === undefined ? value : [value]);
