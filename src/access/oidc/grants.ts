/**
 * What a person gives a tool. Tools of the policy are the company's own, so a person is not asked to
 * consent to each: the policy did. A web tool's grant ends with the session in which it was given, so that
 * signing out, here or at the identity provider, ends it everywhere; a device's outlives it, because the
 * person confirmed that device by hand.
 */
import type { Account, Grant, KoaContextWithOIDC } from 'oidc-provider';
import type { Db } from '../../db/pool.ts';
import type { People, Person } from '../people.ts';
import type { Clock } from '../ports.ts';
import * as sql from '../sql/oidc-records.ts';
import { confirmedBy, isAboutDevice } from './confirming.ts';
import type { SessionOf } from './requests.ts';
import { personScopes } from './scopes.ts';
import { hashOf } from './token-format.ts';

export interface Grants {
  /** A grant of its own for each sign-in, so that ending one ends no other. */
  give(ctx: KoaContextWithOIDC): Promise<Grant | undefined>;
  /** For oidc-provider: the person, where they are active and what `token` belongs to still stands. */
  findAccount(
    ctx: KoaContextWithOIDC,
    personId: string,
    token?: { readonly grantId?: string | undefined },
  ): Promise<Account | undefined>;
  /** What a grant was given on: a session that it ends with, and when the person last proved who they are. */
  bind(grantId: string, to: { readonly sessionId?: string; readonly authenticatedAt?: Date }): Promise<void>;
  /** Whether the grant and all that it depends on still stand. */
  stands(grantId: string): Promise<boolean>;
}

interface Deps {
  readonly pool: Db;
  readonly people: Pick<People, 'find'>;
  readonly sessionOf: SessionOf;
  readonly clock: Clock;
}

export const createGrants = ({ pool, people, sessionOf, clock }: Deps): Grants => {
  const stands = async (grantId: string): Promise<boolean> => {
    const values = [hashOf(grantId), clock()];
    return (await pool.query({ ...sql.selectStandingGrant, values })).rowCount === 1;
  };

  const bind: Grants['bind'] = async (grantId, { sessionId = null, authenticatedAt = null }) => {
    await pool.query({ ...sql.bindGrant, values: [hashOf(grantId), sessionId, authenticatedAt] });
  };

  return {
    stands,
    bind,
    give: async (ctx) => {
      const { client, provider, session: signedIn, resourceServers = {} } = ctx.oidc;
      const session = await sessionOf(ctx.req);
      if (session === undefined || session.personId !== signedIn?.accountId) return undefined;
      if (!confirmedBy(ctx, session.personId)) return undefined;
      const grant = new provider.Grant({ clientId: client?.clientId, accountId: session.personId });
      grant.addOIDCScope(personScopes.join(' '));
      for (const [resource, { scope }] of Object.entries(resourceServers))
        grant.addResourceScope(resource, scope);
      const grantId = await grant.save();
      await bind(grantId, {
        authenticatedAt: new Date(session.authenticatedAt),
        ...(isAboutDevice(ctx) ? {} : { sessionId: session.id }),
      });
      return grant;
    },
    findAccount: async (_ctx, personId, token) => {
      const person = await people.find(personId);
      if (person?.active !== true) return undefined;
      if (token?.grantId !== undefined && !(await stands(token.grantId))) return undefined;
      return accountOf(person);
    },
  };
};

export interface PersonAccount extends Account {
  readonly person: Person;
}

const accountOf = (person: Person): PersonAccount => ({
  accountId: person.id,
  person,
  claims: async () => ({
    sub: person.id,
    ...(person.email === undefined ? {} : { email: person.email }),
    ...(person.name === undefined ? {} : { name: person.name }),
  }),
});
