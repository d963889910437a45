/**
 * Erasing and holding, as commands like any other: permitted, with a reason and a fresh sign-in, in the log, in the
 * catalogue. What destroys the key is done in the transaction in which SubjectErased is appended: erasing.ts.
 */
import { z } from 'zod';
import { type CommandDefinition, defineCommand, reject } from '../commands/definition.ts';
import { legalBases } from './bases.ts';
import { LegalHoldLifted, LegalHoldPlaced, SubjectErased } from './events.ts';
import { allHolds, erasures, heldBy, legalHolds } from './state.ts';

const subject = z
  .string()
  .regex(
    /^(?!system$|service:)[A-Za-z0-9][A-Za-z0-9._:-]{0,199}$/,
    'must name whose data it is as the log does: account-<id>, person:<hash>; keys of the engine ($…), services and the system are nobody',
  );
const holdId = z
  .string()
  .regex(
    /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$/,
    'must be 1 to 64 of A–Z a–z 0–9 . _ -, and not begin with a dot',
  );
const line = (most: number) => z.string().trim().min(1).max(most);

const needs = { reason: true, freshSignInMinutes: 15, everyRow: true } as const;

const sinceErased = 'What was encrypted under the key that is destroyed cannot be read again by anybody.';

const eraseSubject = defineCommand({
  name: 'erase-subject',
  summary: 'Destroy the key of somebody’s personal data, for ever, and scrub every copy.',
  input: z.object({
    subject,
    basis: z.enum(legalBases),
    /** Which law it is, where the basis is `other`. Nothing personal: it stays in the log in the clear. */
    statute: line(200).optional(),
    reason: line(1_000).optional(),
  }),
  stream: erasures,
  id: ({ subject: whose }) => whose,
  reads: { holds: { stream: legalHolds, id: () => allHolds } },
  permission: 'compliance:erase',
  needs,
  irreversible: sinceErased,
  decide: ({ subject: whose, basis, statute }, { erased }, { read }) => {
    if (erased) return [];
    if (basis === 'other' && statute === undefined)
      return reject('statute_required', 'With the basis "other", give the law in the field statute.');
    const hold = heldBy(read.holds, whose);
    if (hold !== undefined)
      return reject('legal_hold', `The legal hold ${hold} keeps this data: lift it first (lift-legal-hold).`);
    return [SubjectErased.of({ subject: whose, basis, ...(statute === undefined ? {} : { statute }) })];
  },
});

const placeLegalHold = defineCommand({
  name: 'place-legal-hold',
  summary: 'Keep somebody’s personal data from being erased, for a legal matter.',
  input: z.object({ holdId, subject, matter: line(200), reason: line(1_000).optional() }),
  stream: legalHolds,
  id: () => allHolds,
  reads: { erasure: { stream: erasures, id: ({ subject: whose }) => whose } },
  permission: 'compliance:hold',
  needs,
  inverse: {
    command: 'lift-legal-hold',
    input: ({ holdId: id }, _before, { reason }) => ({
      holdId: id,
      ...(reason === undefined ? {} : { reason }),
    }),
  },
  decide: ({ holdId: id, subject: whose, matter }, { holds }, { read }) => {
    if (read.erasure.erased)
      return reject('subject_erased', 'This data was erased: there is nothing to hold.');
    const known = holds[id];
    if (known === undefined) return [LegalHoldPlaced.of({ holdId: id, subject: whose, matter })];
    if (known.active && known.subject === whose) return [];
    return reject('hold_exists', 'A legal hold of that id was placed before: give another holdId.');
  },
});

const liftLegalHold = defineCommand({
  name: 'lift-legal-hold',
  summary: 'End a legal hold: the data may be erased again, unless another hold keeps it.',
  input: z.object({ holdId, reason: line(1_000).optional() }),
  stream: legalHolds,
  id: () => allHolds,
  permission: 'compliance:hold',
  needs,
  irreversible: 'A hold that was lifted is not placed again under its id: place another.',
  decide: ({ holdId: id }, { holds }) => {
    const hold = holds[id];
    if (hold === undefined) return reject('not_found', `There is no legal hold ${id}.`);
    return hold.active ? [LegalHoldLifted.of({ holdId: id, subject: hold.subject })] : [];
  },
});

export const complianceCommands: readonly CommandDefinition[] = [eraseSubject, placeLegalHold, liftLegalHold];
