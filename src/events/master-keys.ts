/**
 * The key that wraps the keys of personal data, as an interface: this process's own memory holds one (local), or a
 * key service does the wrapping (docs/compliance/MASTER_KEYS.md shows how). It is asked for many keys at once.
 */
import { createHash } from 'node:crypto';
import { open, seal } from './sealing.ts';

export interface SubjectKey {
  readonly subject: string;
  /** 32 bytes. */
  readonly key: Buffer;
}

export interface WrappedKey {
  readonly subject: string;
  readonly wrapped: Buffer;
}

export interface MasterKey {
  /** Kept with every key that it wrapped; says nothing of the key itself. */
  readonly id: string;
  /** In the order given. The subject is bound to the result. */
  wrap(keys: readonly SubjectKey[]): Promise<readonly Buffer[]>;
  /** In the order given. @throws where one was not wrapped by this key for that subject. */
  unwrap(wrapped: readonly WrappedKey[]): Promise<readonly Buffer[]>;
}

/** `current` wraps; `others` (those of before, or the next one) only unwrap. */
export interface MasterKeys {
  readonly current: MasterKey;
  readonly others: readonly MasterKey[];
}

/** AES-256-GCM in this process, the subject as additional data. */
export const localMasterKey = (secret: Buffer): MasterKey => ({
  id: createHash('sha256').update('quarterdeck master key\n').update(secret).digest('hex').slice(0, 16),
  wrap: async (keys) => keys.map(({ subject, key }) => seal(secret, key, subject)),
  unwrap: async (wrapped) => wrapped.map((one) => open(secret, one.wrapped, one.subject)),
});

export const localMasterKeys = (current: Buffer, others: readonly Buffer[] = []): MasterKeys => ({
  current: localMasterKey(current),
  others: others.map(localMasterKey),
});

/** A bare secret is a local master key. */
export const mastersOf = (given: Buffer | MasterKeys): MasterKeys =>
  Buffer.isBuffer(given) ? localMasterKeys(given) : given;

interface Row extends WrappedKey {
  /** null: from before master keys had names. */
  readonly wrappedBy: string | null;
}

const unknownKey = (id: string, { current, others }: MasterKeys): Error =>
  new Error(
    `Keys of personal data are wrapped by the master key ${id}; given are ${[current, ...others].map((one) => one.id).join(', ')}.`,
  );

/** From before they had names, so whichever opens it. */
const unwrapUnnamed = async (
  { current, others }: MasterKeys,
  rows: readonly WrappedKey[],
): Promise<readonly Buffer[]> => {
  for (const master of others) {
    const keys = await master.unwrap(rows).catch(() => undefined);
    if (keys !== undefined) return keys;
  }
  return current.unwrap(rows);
};

/** Each by the key that wrapped it, one call a master key. In the order given. */
export const unwrapAll = async (master: MasterKeys, rows: readonly Row[]): Promise<readonly Buffer[]> => {
  const found = new Map<Row, Buffer>();
  for (const id of new Set(rows.map(({ wrappedBy }) => wrappedBy))) {
    const own = rows.filter(({ wrappedBy }) => wrappedBy === id);
    const named = [master.current, ...master.others].find((one) => one.id === id);
    if (named === undefined && id !== null) throw unknownKey(id, master);
    const keys = named === undefined ? await unwrapUnnamed(master, own) : await named.unwrap(own);
    for (const [n, row] of own.entries()) found.set(row, keys[n] as Buffer);
  }
  return rows.map((row) => found.get(row) as Buffer);
};
