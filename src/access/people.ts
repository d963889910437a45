/**
 * People. A person is (identity provider, NameID), never an e-mail address alone: the same address from
 * another provider is somebody else. Their id is an HMAC of both, so that it is the same at each sign-in
 * and says nothing to whoever reads the log. What is personal is sealed under the person's own key.
 */
import { createHmac } from 'node:crypto';
import type { Queryable } from '../db/pool.ts';
import { erased } from '../events/codec.ts';
import type { Clock, TextCodec } from './ports.ts';
import type { Attributes } from './principal.ts';
import { notifyAllSessions } from './sql/notifications.ts';
import { selectPerson, selectProvisionedNamesake, setPersonActive, upsertPerson } from './sql/people.ts';

/** Who an assertion says it is. */
export interface Identity {
  /** The provider's id in our policy. */
  readonly provider: string;
  readonly entityId: string;
  readonly nameId: string;
  readonly email?: string;
  readonly name?: string;
  readonly groups: readonly string[];
  readonly attributes?: Attributes;
  /** The groups of whom the directory told us of are its own, and not those of an assertion. */
  readonly directoryGives?: boolean;
  /** Attributes that are the directory's too. */
  readonly directoryAttributes?: readonly string[];
}

export interface Person {
  readonly id: string;
  readonly provider: string;
  readonly email?: string;
  readonly name?: string;
  readonly groups: readonly string[];
  readonly attributes: Attributes;
  readonly active: boolean;
}

/** A person ready to be written: sealed before the transaction, which then holds no other connection. */
export interface SealedPerson {
  readonly id: string;
  readonly provider: string;
  readonly values: readonly (string | null)[];
  /** The same for every spelling of the NameID in small and capital letters. */
  readonly foldedHash: Buffer;
  /** Those that count. */
  readonly groups: readonly string[];
  readonly attributes: Attributes;
  readonly directoryGives: boolean;
  readonly directoryAttributes: readonly string[];
}

export interface People {
  idOf(entityId: string, nameId: string): string;
  seal(identity: Identity): Promise<SealedPerson>;
  /**
   * Whether a directory told us of somebody whose name is theirs but for capitals, and not of them: their
   * sign-in would pass by what the directory says.
   */
  isSpelledOtherwise(db: Queryable, person: SealedPerson): Promise<boolean>;
  /** Records a sign-in; false where the person was deactivated. */
  signedIn(db: Queryable, person: SealedPerson): Promise<boolean>;
  find(id: string): Promise<Person | undefined>;
  /** For single logout: the name that the provider knows the person by. */
  nameIdOf(id: string): Promise<string | undefined>;
  setActive(id: string, active: boolean, db?: Queryable): Promise<void>;
  unseal(id: string, sealed: SealedTexts): Promise<{ email?: string; name?: string }>;
}

export interface SealedTexts {
  readonly emailSealed: string | null;
  readonly nameSealed: string | null;
}

interface PersonRow extends SealedTexts {
  readonly id: string;
  readonly provider: string;
  readonly nameIdSealed: string;
  readonly groups: readonly string[];
  readonly attributes: Attributes;
  readonly active: boolean;
  readonly provisioned: boolean;
}

interface Deps {
  readonly db: Queryable;
  readonly codec: TextCodec;
  readonly clock: Clock;
  /** 32 bytes; whoever has it can test guesses at who a person is. */
  readonly identityKey: Buffer;
}

const context = { nameId: 'people.nameId', email: 'people.email', name: 'people.name' } as const;

export const createPeople = ({ db, codec, clock, identityKey }: Deps): People => {
  const idOf = (entityId: string, nameId: string): string => {
    const named = JSON.stringify([entityId, nameId]);
    return `person:${createHmac('sha256', identityKey).update(named).digest('hex').slice(0, 32)}`;
  };

  const foldedHash = (entityId: string, nameId: string): Buffer => {
    const named = JSON.stringify(['folded', entityId, nameId.normalize().toLowerCase()]);
    return createHmac('sha256', identityKey).update(named).digest();
  };

  const sealText = (id: string, text: string | undefined, where: string): Promise<string | null> =>
    text === undefined ? Promise.resolve(null) : codec.encryptText(id, text, where);

  const open = async (id: string, sealed: string | null, where: string): Promise<string | undefined> => {
    const text = sealed === null ? erased : await codec.decryptText(id, sealed, where);
    return text === erased ? undefined : text;
  };

  const row = async (id: string): Promise<PersonRow | undefined> =>
    (await db.query<PersonRow>({ ...selectPerson, values: [id] })).rows[0];

  const unseal = async (id: string, sealed: SealedTexts) => {
    const email = await open(id, sealed.emailSealed, context.email);
    const name = await open(id, sealed.nameSealed, context.name);
    return { ...(email === undefined ? {} : { email }), ...(name === undefined ? {} : { name }) };
  };

  return {
    idOf,
    unseal,
    seal: async ({ provider, entityId, nameId, email, name, attributes = {}, ...said }) => {
      const id = idOf(entityId, nameId);
      const { directoryGives = false, directoryAttributes = [] } = said;
      const known = directoryGives ? await row(id) : undefined;
      const groups = known?.provisioned === true ? known.groups : said.groups;
      const values = [
        await sealText(id, nameId, context.nameId),
        await sealText(id, email, context.email),
        await sealText(id, name, context.name),
      ];
      return {
        id,
        provider,
        values,
        foldedHash: foldedHash(entityId, nameId),
        groups,
        attributes,
        directoryGives,
        directoryAttributes,
      };
    },
    isSpelledOtherwise: async (tx, { id, provider, foldedHash: folded }) =>
      (await tx.query({ ...selectProvisionedNamesake, values: [id, provider, folded] })).rowCount === 1,
    signedIn: async (tx, person) => {
      const { id, provider, values, groups, directoryGives, directoryAttributes } = person;
      const known = JSON.stringify(person.attributes);
      const own = [directoryGives, directoryAttributes, person.foldedHash];
      const { rows } = await tx.query<{ active: boolean; rights_changed: boolean }>({
        ...upsertPerson,
        values: [id, provider, ...values, groups, clock(), known, ...own],
      });
      // Their other sessions carry the old groups and attributes in every process's memory.
      if (rows[0]?.rights_changed === true) await tx.query(notifyAllSessions);
      return rows[0]?.active === true;
    },
    find: async (id) => {
      const found = await row(id);
      if (found === undefined) return undefined;
      const { provider, groups, attributes, active } = found;
      return { id, provider, groups, attributes, active, ...(await unseal(id, found)) };
    },
    nameIdOf: async (id) => {
      const found = await row(id);
      return found && open(id, found.nameIdSealed, context.nameId);
    },
    setActive: async (id, active, on = db) => {
      await on.query({ ...setPersonActive, values: [id, active] });
      await on.query(notifyAllSessions);
    },
  };
};
