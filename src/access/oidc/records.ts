/**
 * Where oidc-provider keeps what it makes: PostgreSQL, found by hashes, sealed. A token itself is kept
 * nowhere. What may be used once is used once in whichever process it arrives: whoever comes second with
 * a code or a refresh token ends all that was given under its grant (RFC 9700, section 4.14.2).
 */
import { createHmac } from 'node:crypto';
import { type Adapter, type AdapterFactory, type AdapterPayload, errors } from 'oidc-provider';
import type { Db } from '../../db/pool.ts';
import { erased } from '../../events/codec.ts';
import type { Clock, TextCodec } from '../ports.ts';
import * as sql from '../sql/oidc-records.ts';
import { hashOf } from './token-format.ts';

/** The subject whose key seals records; it is nobody's personal key. */
export const recordsSubject = '$oidc';

interface Deps {
  readonly pool: Db;
  readonly codec: TextCodec;
  readonly clock: Clock;
  /** 32 bytes: the key of the HMAC of codes that people type. */
  readonly userCodeKey: Buffer;
  /** What a tool is as a client, by the policy in force. */
  readonly clientOf: (id: string) => AdapterPayload | undefined;
  /** Access tokens may have ended. */
  readonly onEnded: () => void;
}

interface Row {
  readonly payloadSealed: string;
  readonly consumedAt: string | null;
}

/** Found by themselves alone, so they need not be kept even sealed. */
const neverKept = new Set(['AccessToken', 'ClientCredentials', 'RefreshToken', 'AuthorizationCode']);

export const createRecords = (deps: Deps): AdapterFactory => {
  const clients = clientsAdapter(deps.clientOf);
  return (kind) => (kind === 'Client' ? clients : recordsOf(kind, deps));
};

const recordsOf = (kind: string, { pool, codec, clock, userCodeKey, onEnded }: Deps): Adapter => {
  const context = `oidc.${kind}`;
  const userCodeHash = (code: string) => createHmac('sha256', userCodeKey).update(code).digest();
  const hashOrNull = (text: unknown) => (typeof text === 'string' ? hashOf(text) : null);

  const valuesOf = async (id: string, payload: AdapterPayload, expiresIn: number): Promise<unknown[]> => {
    const { jti: _, ...withoutToken } = payload;
    const kept = neverKept.has(kind) ? withoutToken : payload;
    const now = clock();
    return [
      kind,
      hashOf(id),
      kind === 'Grant' ? hashOf(id) : hashOrNull(payload.grantId),
      hashOrNull(payload.uid),
      payload.userCode === undefined ? null : userCodeHash(payload.userCode),
      payload.accountId ?? null,
      payload.clientId ?? null,
      payload.scope ?? null,
      await codec.encryptText(recordsSubject, JSON.stringify(kept), context),
      now,
      new Date(now.getTime() + expiresIn * 1_000),
    ];
  };

  const find = async (statement: { name: string; text: string }, hash: Buffer, id?: string) => {
    const [row] = (await pool.query<Row>({ ...statement, values: [kind, hash] })).rows;
    const text = row && (await codec.decryptText(recordsSubject, row.payloadSealed, context));
    if (row === undefined || text === undefined || text === erased) return undefined;
    const payload = JSON.parse(text) as AdapterPayload;
    return {
      ...payload,
      ...(id === undefined ? {} : { jti: id }),
      ...(row.consumedAt === null ? {} : { consumed: Math.floor(Date.parse(row.consumedAt) / 1_000) }),
    };
  };

  const remove = async (statement: { name: string; text: string }, values: unknown[]): Promise<void> => {
    await pool.query({ ...statement, values });
    onEnded();
  };

  return {
    upsert: async (id, payload, expiresIn) => {
      const values = await valuesOf(id, payload, expiresIn);
      if (kind !== 'ReplayDetection') {
        await pool.query({ ...sql.upsertRecord, values });
        return;
      }
      const { rowCount } = await pool.query({ ...sql.insertRecordOnce, values });
      if (rowCount === 0) throw new errors.InvalidClientAuth('a client assertion was used twice');
    },
    find: (id) => find(sql.selectRecord, hashOf(id), id),
    findByUid: (uid) => find(sql.selectRecordByUid, hashOf(uid)),
    findByUserCode: (code) => find(sql.selectRecordByUserCode, userCodeHash(code)),
    consume: async (id) => {
      const hash = hashOf(id);
      const { rowCount } = await pool.query({ ...sql.consumeRecord, values: [kind, hash, clock()] });
      if (rowCount === 1) return;
      await remove(sql.deleteGrantOf, [kind, hash]);
      throw new errors.InvalidGrant('used twice at the same time');
    },
    destroy: (id) => remove(sql.deleteRecord, [kind, hashOf(id)]),
    revokeByGrantId: (grantId) => remove(sql.deleteGrant, [hashOf(grantId)]),
  };
};

/** Clients are tools of the policy; nothing of them is written. */
const clientsAdapter = (clientOf: Deps['clientOf']): Adapter => {
  const nothing = async () => undefined;
  return {
    find: async (id) => clientOf(id),
    findByUid: nothing,
    findByUserCode: nothing,
    upsert: nothing,
    consume: nothing,
    destroy: nothing,
    revokeByGrantId: nothing,
  };
};
