/**
 * What a directory's word does to people: they are known before they first sign in, they are locked out at
 * once when they leave, and their roles follow their groups. Each is in the log before it takes effect, so
 * that nothing takes effect unrecorded; a directory that gets no answer asks again.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Tx } from '../../db/pool.ts';
import {
  AttributesOfPersonChanged,
  GroupsOfPersonChanged,
  PersonActivated,
  PersonDeactivated,
  PersonProvisioned,
} from '../engine-events.ts';
import type { People, SealedPerson } from '../people.ts';
import type { Attributes } from '../principal.ts';
import type { Recorder, Who } from '../recorder.ts';
import type { Sessions } from '../sessions.ts';
import { notifyAllSessions } from '../sql/notifications.ts';
import { deleteRecordsOf } from '../sql/oidc-records.ts';
import * as sql from '../sql/scim.ts';

export interface Effects {
  /** The person as the directory has them now. */
  provision(tx: Tx, person: SealedPerson, active: boolean): Promise<void>;
  /** Nobody may come in under this name any more, in whatever capitals; sessions and tokens end. */
  lockOut(tx: Tx, provider: string, personId: string): Promise<void>;
  /** What row rules know of them is this, as far as the policy wants it from the directory. */
  settleAttributes(tx: Tx, provider: string, personId: string, attributes: Attributes): Promise<void>;
  /** As above, but other spellings of the name stay as they are. */
  lockOutSpelling(tx: Tx, provider: string, personId: string): Promise<void>;
  /** Their groups are those that these users are in now. */
  settleGroups(tx: Tx, provider: string, userIds: readonly string[]): Promise<void>;
}

interface Deps {
  readonly people: Pick<People, 'setActive'>;
  readonly sessions: Pick<Sessions, 'revokeOf'>;
  readonly recorder: Recorder;
}

/** The directory of a provider, as the log calls it. */
export const directoryOf = (provider: string): Who => ({
  actor: { id: `service:scim-${provider}`, kind: 'service' },
  tool: 'scim',
});

export const createEffects = ({ people, sessions, recorder }: Deps): Effects => {
  const lockOutSpelling: Effects['lockOut'] = async (tx, provider, person) => {
    const { rows } = await tx.query<{ total: number }>({ ...sql.sessionsOfActive, values: [person] });
    if (rows[0] === undefined) return;
    const ended = PersonDeactivated.of({ person, sessions: rows[0].total });
    await recorder.record(ended, directoryOf(provider));
    await people.setActive(person, false, tx);
    await sessions.revokeOf(person, undefined, tx);
    // Gone, not paused: whoever comes back begins anew, and a token that was stolen meanwhile stays dead.
    await tx.query({ ...deleteRecordsOf, values: [person] });
  };

  const lockOut: Effects['lockOut'] = async (tx, provider, person) => {
    const { rows } = await tx.query<{ id: string }>({ ...sql.selectSpellings, values: [person] });
    for (const { id } of rows) await lockOutSpelling(tx, provider, id);
  };

  return {
    lockOut,
    lockOutSpelling,
    provision: async (tx, { id: person, provider, values, foldedHash }, active) => {
      type Before = { readonly wasActive: boolean | null; readonly wasProvisioned: boolean | null };
      const all = [person, provider, ...values, active, foldedHash];
      const { rows } = await tx.query<Before>({ ...sql.upsertProvisioned, values: all });
      const { wasActive = null, wasProvisioned = null } = rows[0] ?? {};
      const who = directoryOf(provider);
      if (wasProvisioned !== true) await recorder.record(PersonProvisioned.of({ person, provider }), who);
      if (active && wasActive === false) {
        await recorder.record(PersonActivated.of({ person }), who);
        await tx.query(notifyAllSessions);
      }
      if (!active) await lockOut(tx, provider, person);
    },
    settleAttributes: async (tx, provider, person, attributes) => {
      type Changed = { readonly before: Attributes };
      const values = [person, JSON.stringify(attributes)];
      const { rows } = await tx.query<Changed>({ ...sql.settleAttributes, values });
      if (rows[0] === undefined) return;
      const { before } = rows[0];
      const names = [...new Set([...Object.keys(before), ...Object.keys(attributes)])]
        .filter((name) => !isDeepStrictEqual(before[name], attributes[name]))
        .sort();
      await recorder.record(AttributesOfPersonChanged.of({ person, names }), directoryOf(provider));
      await tx.query(notifyAllSessions);
    },
    settleGroups: async (tx, provider, userIds) => {
      type Changed = { readonly person: string; readonly before: string[]; readonly after: string[] };
      const { rows } = await tx.query<Changed>({ ...sql.settleGroups, values: [userIds] });
      for (const { person, before, after } of rows) {
        const added = after.filter((group) => !before.includes(group));
        const removed = before.filter((group) => !after.includes(group));
        await recorder.record(GroupsOfPersonChanged.of({ person, added, removed }), directoryOf(provider));
      }
      if (rows.length > 0) await tx.query(notifyAllSessions);
    },
  };
};
