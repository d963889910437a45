/** The users of a provider's directory: what SCIM may ask of them, and what it does to people here. */
import { createHmac } from 'node:crypto';
import type { Db, Queryable, Tx } from '../../db/pool.ts';
import type { People, SealedPerson } from '../people.ts';
import type { Clock, NewId, TextCodec } from '../ports.ts';
import type { Attributes } from '../principal.ts';
import * as sql from '../sql/scim.ts';
import type { Effects } from './effects.ts';
import { missing, ScimFault } from './fault.ts';
import type { Filter } from './filter.ts';
import { type Change, changedUser } from './patch.ts';
import type { InTurn } from './turns.ts';
import { nameOf, type ScimUser } from './user.ts';

/** A provider whose directory may tell us of people. */
export interface Directory {
  readonly provider: string;
  /** Of its assertions: with the NameID it makes a person. */
  readonly entityId: string;
  readonly nameId: 'userName' | 'externalId';
  /** Whether its groups give roles, rather than those of each assertion. */
  readonly givesGroups: boolean;
  /** Names of attributes of people, each with the path of the user's attribute that holds it. */
  readonly attributes: Readonly<Record<string, string>>;
}

export interface StoredUser {
  readonly id: string;
  readonly user: ScimUser;
  readonly createdAt: string;
  readonly changedAt: string;
  readonly groups: readonly { readonly id: string; readonly displayName: string }[];
}

export interface Page<T> {
  readonly total: number;
  readonly data: readonly T[];
}

export interface Window {
  readonly limit: number;
  readonly offset: number;
}

export interface Users {
  create(directory: Directory, user: ScimUser): Promise<StoredUser>;
  replace(directory: Directory, id: string, user: ScimUser): Promise<StoredUser>;
  patch(directory: Directory, id: string, changes: readonly Change[]): Promise<StoredUser>;
  remove(directory: Directory, id: string): Promise<void>;
  find(directory: Directory, id: string): Promise<StoredUser>;
  list(directory: Directory, filter: Filter, window: Window): Promise<Page<StoredUser>>;
}

interface Deps {
  readonly pool: Db;
  readonly people: Pick<People, 'idOf' | 'seal'>;
  readonly codec: TextCodec;
  readonly identityKey: Buffer;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly effects: Effects;
  readonly inTurn: InTurn;
}

interface UserRow {
  readonly id: string;
  readonly personId: string;
  readonly sealed: string;
  readonly active: boolean;
  readonly createdAt: string;
  readonly changedAt: string;
}

const context = 'scim_users.sealed';

export const pathsOf = ({ attributes }: Directory): readonly string[] => Object.values(attributes);

/** All that the policy maps, also what the user lacks: that gives no row, whatever an assertion says. */
const attributesOf = ({ attributes }: Directory, { told = {} }: ScimUser): Attributes =>
  Object.fromEntries(Object.entries(attributes).map(([name, path]) => [name, told[path] ?? []]));

export const createUsers = ({
  pool,
  people,
  codec,
  identityKey,
  clock,
  newId,
  effects,
  inTurn,
}: Deps): Users => {
  /** A user name is the same in any case (RFC 7643 section 4.1.1). */
  const hashOf = (what: string, text: string | undefined): Buffer | null =>
    text === undefined ? null : createHmac('sha256', identityKey).update(`${what} ${text}`).digest();
  const userNameHash = (name: string | undefined) => hashOf('scim userName', name?.toLowerCase());
  const externalHash = (id: string | undefined) => hashOf('scim externalId', id);

  const rowOf = async (db: Queryable, { provider }: Directory, id: string): Promise<UserRow> => {
    const row = (await db.query<UserRow>({ ...sql.selectUser, values: [provider, id] })).rows[0];
    if (row === undefined) throw missing('user');
    return row;
  };

  const stored = async (db: Queryable, row: UserRow): Promise<StoredUser> => {
    const { id, active, createdAt, changedAt } = row;
    const kept = JSON.parse(await codec.decryptText(row.personId, row.sealed, context)) as ScimUser;
    const { rows: groups } = await db.query({ ...sql.groupsOfUser, values: [id] });
    return { id, user: { ...kept, active }, createdAt, changedAt, groups };
  };

  const personOf = (directory: Directory, user: ScimUser): string => {
    const nameId = directory.nameId === 'userName' ? user.userName : user.externalId;
    if (nameId === undefined)
      throw new ScimFault(400, 'externalId: is required for this provider', 'invalidValue');
    return nameId;
  };

  /** Somebody who comes in under another spelling would stay when the directory says that this one left. */
  const requireOwnSpelling = async (
    tx: Tx,
    { id, provider, foldedHash }: SealedPerson,
    before: UserRow | undefined,
  ): Promise<void> => {
    const spellings = [id, ...(before === undefined ? [] : [before.personId])];
    const values = [provider, foldedHash, spellings];
    if ((await tx.query({ ...sql.selectNamesake, values })).rowCount === 0) return;
    const detail =
      'Somebody has signed in whose NameID is this one in other capitals. Send it as the assertions of the identity provider spell it: see docs/SCIM.md.';
    throw new ScimFault(409, detail, 'uniqueness');
  };

  const write = async (
    tx: Tx,
    directory: Directory,
    user: ScimUser,
    { id, before }: { readonly id: string; readonly before?: UserRow },
  ): Promise<StoredUser> => {
    const { provider, entityId } = directory;
    const nameId = personOf(directory, user);
    const name = nameOf(user);
    const person = await people.seal({
      provider,
      entityId,
      nameId,
      groups: [],
      ...(user.email === undefined ? {} : { email: user.email }),
      ...(name === undefined ? {} : { name }),
    });
    const named = userNameHash(user.userName);
    const taken = await tx.query({ ...sql.userTaken, values: [provider, named, person.id, id] });
    if (taken.rows.length > 0)
      throw new ScimFault(409, 'There is a user of that name already.', 'uniqueness');
    if (user.active) await requireOwnSpelling(tx, person, before);
    await effects.provision(tx, person, user.active);
    const { active, ...kept } = user;
    const sealed = await codec.encryptText(person.id, JSON.stringify(kept), context);
    const external = externalHash(user.externalId);
    const values = [id, provider, person.id, named, external, sealed, active, clock()];
    await tx.query({ ...sql.upsertUser, values });
    await effects.settleAttributes(tx, provider, person.id, attributesOf(directory, user));
    if (directory.givesGroups) await effects.settleGroups(tx, provider, [id]);
    return stored(tx, await rowOf(tx, directory, id));
  };

  /** Under another NameID it is another person: the one that it was may not come in any more. */
  const rewrite = async (
    tx: Tx,
    directory: Directory,
    before: UserRow,
    user: ScimUser,
  ): Promise<StoredUser> => {
    const written = await write(tx, directory, user, { id: before.id, before });
    if (people.idOf(directory.entityId, personOf(directory, user)) !== before.personId)
      await effects.lockOutSpelling(tx, directory.provider, before.personId);
    return written;
  };

  return {
    create: (directory, user) =>
      inTurn(directory.provider, (tx) => write(tx, directory, user, { id: newId() })),
    replace: (directory, id, user) =>
      inTurn(directory.provider, async (tx) => rewrite(tx, directory, await rowOf(tx, directory, id), user)),
    patch: (directory, id, changes) =>
      inTurn(directory.provider, async (tx) => {
        const before = await rowOf(tx, directory, id);
        return rewrite(
          tx,
          directory,
          before,
          changedUser((await stored(tx, before)).user, changes, pathsOf(directory)),
        );
      }),
    remove: (directory, id) =>
      inTurn(directory.provider, async (tx) => {
        const { personId } = await rowOf(tx, directory, id);
        await effects.lockOut(tx, directory.provider, personId);
        await tx.query({ ...sql.deleteUser, values: [directory.provider, id] });
      }),
    find: async (directory, id) => stored(pool, await rowOf(pool, directory, id)),
    list: async ({ provider }, filter, { limit, offset }) => {
      const wanted = [
        provider,
        userNameHash(filter.get('username')),
        externalHash(filter.get('externalid')),
        filter.get('id') ?? null,
      ];
      const { rows: counted } = await pool.query<{ total: number }>({ ...sql.countUsers, values: wanted });
      const { rows } = await pool.query<UserRow>({ ...sql.listUsers, values: [...wanted, limit, offset] });
      return { total: counted[0]?.total ?? 0, data: await Promise.all(rows.map((row) => stored(pool, row))) };
    },
  };
};
