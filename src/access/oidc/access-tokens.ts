/**
 * Who an access token stands for. Looked up by its hash at each request, remembered for at most a second
 * like sessions, and forgotten at once when it is revoked here or elsewhere: a token ends with its grant,
 * with the session that the grant depends on, and with its person.
 */
import type { Db } from '../../db/pool.ts';
import type { People, SealedTexts } from '../people.ts';
import type { Clock } from '../ports.ts';
import type { Attributes } from '../principal.ts';
import { createSessionCache } from '../session-cache.ts';
import { notNow } from '../sessions.ts';
import * as sql from '../sql/oidc-records.ts';
import { hashOf, isAccessToken } from './token-format.ts';

export interface AccessToken {
  /** The OIDC client. */
  readonly tool: string;
  /** Permissions that it is limited to, each within the tool's scope when it was issued. */
  readonly scope: readonly string[];
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
  /** undefined: the tool itself, a service. */
  readonly person: TokenPerson | undefined;
  /** Names what a person gave the tool, in the log; undefined of a service. */
  readonly grantId: string | undefined;
}

export interface TokenPerson {
  readonly id: string;
  readonly provider: string;
  readonly groups: readonly string[];
  readonly attributes: Attributes;
  /** When the grant was given, milliseconds since 1970; unknown where another issuer's token was exchanged. */
  readonly authenticatedAt?: number;
  readonly email?: string;
  readonly name?: string;
}

export interface AccessTokens {
  /** undefined where it was never ours, has expired or was revoked. */
  authenticate(token: string): Promise<AccessToken | undefined>;
  forgetAll(): void;
}

interface TokenRow extends SealedTexts {
  readonly tool: string;
  readonly scope: string | null;
  readonly expiresAt: string;
  readonly grantHash: string | null;
  readonly personId: string | null;
  readonly provider: string;
  readonly groups: readonly string[];
  readonly attributes: Attributes;
  readonly authenticatedAt: string | null;
}

interface Deps {
  readonly pool: Db;
  readonly people: Pick<People, 'unseal'>;
  readonly clock: Clock;
  readonly cacheMs: number;
  /** Whether revocations by other processes arrive now; while they do not, nothing is remembered. */
  readonly heard: () => boolean;
}

/** How a grant is called in the log: enough of its hash to be unique, and of no use to anybody. */
export const grantIdOf = (grantHashHex: string): string => `grant:${grantHashHex.slice(0, 32)}`;

export const createAccessTokens = ({ pool, people, clock, cacheMs, heard }: Deps): AccessTokens => {
  const cache = createSessionCache<AccessToken>(cacheMs, heard);

  const personOf = async (row: TokenRow): Promise<TokenPerson | undefined> => {
    const { personId, provider, groups, attributes, authenticatedAt, emailSealed, nameSealed } = row;
    if (personId === null) return undefined;
    return {
      id: personId,
      provider,
      groups,
      attributes,
      ...(authenticatedAt === null ? {} : { authenticatedAt: Date.parse(authenticatedAt) }),
      ...(await people.unseal(personId, { emailSealed, nameSealed })),
    };
  };

  const read = async (hash: Buffer): Promise<AccessToken | undefined> => {
    const values = [hash, clock()];
    const { rows } = await pool.query<TokenRow>({ ...sql.selectAccessToken, values }).catch(notNow);
    const [row] = rows;
    if (row === undefined) return undefined;
    return {
      tool: row.tool,
      scope: row.scope?.split(' ') ?? [],
      expiresAt: Date.parse(row.expiresAt),
      person: await personOf(row),
      grantId: row.grantHash === null ? undefined : grantIdOf(row.grantHash),
    };
  };

  return {
    authenticate: async (token) => {
      if (!isAccessToken(token)) return undefined;
      const hash = hashOf(token);
      const found = await cache.get(hash.toString('hex'), () => read(hash));
      return found !== undefined && clock().getTime() < found.expiresAt ? found : undefined;
    },
    forgetAll: cache.forgetAll,
  };
};
