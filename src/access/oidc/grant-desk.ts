/**
 * What people gave tools, as they see it: which tools may act as them, and ending that from afar. One's own
 * need no permission; those of others are listed with `sessions:read` and ended with `sessions:revoke`. A
 * tool that acts as somebody sees and ends none of it without these permissions in its own scope.
 */
import type { Db } from '../../db/pool.ts';
import { notPermitted, QuarterdeckError } from '../../errors.ts';
import { TokenRevoked } from '../engine-events.ts';
import type { Origin } from '../origin.ts';
import type { People, SealedTexts } from '../people.ts';
import type { Clock } from '../ports.ts';
import { isSelf } from '../principal.ts';
import { type Recorder, whoIs } from '../recorder.ts';
import * as sql from '../sql/oidc-records.ts';

/** Times are ISO 8601 in UTC. */
export interface GrantView {
  readonly id: string;
  readonly personId: string;
  readonly email?: string;
  readonly name?: string;
  readonly tool: string;
  readonly givenAt: string;
  readonly expiresAt: string;
  /** The session that it ends with; null where it outlives it. */
  readonly sessionId: string | null;
}

export interface GrantsAsked extends Origin {
  /** A person's id, or `*` for everybody; what one gave oneself without it. */
  readonly person?: string;
  /** An id, from the page before. */
  readonly cursor?: string;
  readonly limit?: number;
}

export interface GrantDesk {
  /** In the order of ids. @throws QuarterdeckError `not_permitted` */
  list(asked: GrantsAsked): Promise<{ data: readonly GrantView[]; nextCursor: string | null }>;
  /** @throws QuarterdeckError `not_found`: also for what somebody else gave, unless one may end that. */
  revoke(asked: Origin & { readonly id: string }): Promise<void>;
}

interface Deps {
  readonly pool: Db;
  readonly people: Pick<People, 'unseal'>;
  readonly recorder: Recorder;
  readonly clock: Clock;
  readonly onEnded: () => void;
}

const pageMax = 500;
const pageDefault = 100;

type GrantRow = Omit<GrantView, 'email' | 'name'> & SealedTexts;

export const createGrantDesk = ({ pool, people, recorder, clock, onEnded }: Deps): GrantDesk => ({
  async list({ principal, person = principal.id, cursor, limit = pageDefault }) {
    if (!isSelf(principal, person) && !principal.permissions.has('sessions:read'))
      throw notPermitted('sessions:read');
    const most = Math.min(limit, pageMax);
    const values = [clock(), person === '*' ? null : person, cursor ?? null, most];
    const { rows } = await pool.query<GrantRow>({ ...sql.listGrants, values });
    const data = rows.map(async ({ emailSealed, nameSealed, ...grant }) => ({
      ...grant,
      ...(await people.unseal(grant.personId, { emailSealed, nameSealed })),
    }));
    return {
      data: await Promise.all(data),
      nextCursor: rows.length < most ? null : (rows.at(-1)?.id ?? null),
    };
  },
  async revoke({ principal, ip, id }) {
    const anybodys = principal.permissions.has('sessions:revoke');
    const own = isSelf(principal, principal.id) ? principal.id : '';
    const { rows } = await pool.query<{ tool: string; personId: string }>({
      ...sql.deleteGrantById,
      values: [id, anybodys ? null : own],
    });
    onEnded();
    const [ended] = rows;
    if (ended === undefined) throw new QuarterdeckError('not_found', `No tool was given ${id}.`);
    const { tool, personId } = ended;
    const event = TokenRevoked.of({ by: 'person', what: 'Grant', tool, person: personId });
    await recorder.record(event, whoIs(principal, ip));
  },
});
