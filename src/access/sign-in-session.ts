/** From a proved identity to a session: request, assertion and session in one transaction, all or none. */
import type { Db } from '../db/pool.ts';
import { inTransaction } from '../db/transaction.ts';
import type { People, SealedPerson } from './people.ts';
import type { Clock } from './ports.ts';
import type { AssertedIdentity } from './saml/identity.ts';
import type { Ledger } from './saml/ledger.ts';
import { SamlRefusal } from './saml/refusal.ts';
import type { Begun, SeenFrom, Sessions } from './sessions.ts';

/** The tool of whoever comes with our cookie. */
export const consoleTool = 'console';

export interface Proved {
  readonly said: AssertedIdentity;
  readonly sealed: SealedPerson;
  /** The provider's. */
  readonly entityId: string;
  /** undefined: the provider began the sign-in. */
  readonly requestId: string | undefined;
}

/** Whose browser it is. */
interface Proving extends Proved {
  readonly seenFrom: SeenFrom;
}

interface Deps {
  readonly pool: Db;
  readonly ledger: Ledger;
  readonly people: People;
  readonly sessions: Sessions;
  readonly clock: Clock;
}

/** @throws SamlRefusal `replay`, `request-unknown`, `name-case` or `inactive` */
export const sessionFor = (
  proved: Proving,
  { pool, ledger, people, sessions, clock }: Deps,
): Promise<Begun> => {
  const { said, sealed, entityId, requestId, seenFrom } = proved;
  return inTransaction(pool, async (tx) => {
    if (!(await ledger.use(tx, entityId, said.assertionId, said.validUntil))) {
      throw new SamlRefusal('replay', 'This assertion was used before.');
    }
    if (requestId !== undefined && !(await ledger.consume(tx, requestId))) {
      throw new SamlRefusal('request-unknown', 'This sign-in is finished already.');
    }
    if (await people.isSpelledOtherwise(tx, sealed)) {
      const text =
        'Your company’s directory spells your name in other capitals than its sign-in does. Whoever looks after it has to make them alike.';
      throw new SamlRefusal('name-case', text);
    }
    if (!(await people.signedIn(tx, sealed))) {
      throw new SamlRefusal('inactive', 'This person may not sign in any more.');
    }
    return sessions.begin(tx, {
      personId: sealed.id,
      tool: consoleTool,
      seenFrom,
      nameIdForm: said.nameIdForm,
      // A provider whose clock is ahead makes no sign-in fresher than it is.
      authenticatedAt: new Date(Math.min(said.authenticatedAt.getTime(), clock().getTime())),
      ...(said.sessionIndex === undefined ? {} : { sessionIndex: said.sessionIndex }),
      ...(said.sessionEnd === undefined ? {} : { notAfter: said.sessionEnd }),
    });
  });
};
