/**
 * SCIM 2.0 (RFC 7643, RFC 7644): a provider's directory tells us who works there, who left and who is in
 * which group. Each directory has a token of its own and sees only its own people.
 */
import type { Db } from '../../db/pool.ts';
import type { Denials } from '../denials.ts';
import type { People } from '../people.ts';
import { scimRulesOf } from '../policy.ts';
import type { PolicyInForce } from '../policy-in-force.ts';
import type { Clock, NewId, TextCodec } from '../ports.ts';
import { anonymous, type Recorder } from '../recorder.ts';
import type { Sessions } from '../sessions.ts';
import { createEffects, directoryOf } from './effects.ts';
import { ScimFault } from './fault.ts';
import { createGroups, type Groups } from './groups.ts';
import { scimTokens } from './tokens.ts';
import { createTurns } from './turns.ts';
import { createUsers, type Directory, type Users } from './users.ts';

export interface Scim {
  /** @throws ScimFault 401 for a token that we do not know, 403 where the policy has no `scim` for its provider */
  directoryFor(request: ScimRequest): Directory;
  readonly users: Users;
  readonly groups: Groups;
}

export interface ScimRequest {
  readonly authorization: string | undefined;
  readonly method: string;
  readonly path: string;
  readonly ip: string;
}

/** What the process knows of its directories. */
export interface ScimOptions {
  /** `provider:hash`, the SHA-256 of the token in hex. */
  readonly tokens: readonly string[];
  /** undefined where we know no such identity provider. */
  readonly entityIdOf: (provider: string) => string | undefined;
}

export interface ScimParts {
  readonly pool: Db;
  readonly codec: TextCodec;
  readonly identityKey: Buffer;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly people: People;
  readonly sessions: Sessions;
  readonly recorder: Recorder;
  readonly denials: Denials;
  readonly policy: PolicyInForce;
}

/** @throws Error where a token is not written as it should */
export const createScim = (parts: ScimParts, { tokens, entityIdOf }: ScimOptions): Scim => {
  const { pool, denials, policy } = parts;
  const known = scimTokens(tokens);
  const shared = { ...parts, effects: createEffects(parts), inTurn: createTurns(pool) };
  return {
    directoryFor: ({ authorization, method, path, ip }) => {
      const provider = known.providerOf(authorization);
      if (provider === undefined) {
        void denials.note({
          code: 'not_authenticated',
          who: anonymous(ip),
          method,
          path,
          detail: 'scim token',
        });
        throw new ScimFault(401, 'Send the directory’s token: Authorization: Bearer …');
      }
      const rules = scimRulesOf(policy.current().policy, provider);
      const entityId = entityIdOf(provider);
      if (rules === undefined || entityId === undefined) {
        const detail = rules === undefined ? 'scim is not in the policy' : 'provider unknown';
        void denials.note({
          code: 'not_permitted',
          who: { ...directoryOf(provider), ip },
          method,
          path,
          detail,
        });
        throw new ScimFault(403, `The access policy takes no word from the directory of ${provider}.`);
      }
      const { nameId, groups, attributes = {} } = rules;
      return { provider, entityId, nameId, attributes, givesGroups: groups === 'directory' };
    },
    users: createUsers(shared),
    groups: createGroups(shared),
  };
};
