/**
 * Erasing and holding, as commands like any other: permitted, with a reason and a fresh sign-in, in the log, in the
 * catalogue. What destroys the key is done in the transaction in which SubjectErased is appended: erasing.ts.
 */
import { z } from 'zod';
import { type CommandDefinition, defineCommand, reject } from '../commands/definition.ts';
import { legalBases } from './bases.ts';
import { LegalHoldLifted, LegalHoldPlaced, SubjectErased } from './events.ts';
import { allHolds, erasures, heldBy, legalHolds } from './state.ts';
import type { WhoseFields } from './whose.ts';

const holdId = z
  .string()
  .regex(
    /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$/,
    'must be 1 to 64 of A–Z a–z 0–9 . _ -, and not begin with a dot',
  );
const line = (most: number) => z.string().trim().min(1).max(most);

const needs = { reason: true, freshSignInMinutes: 15, everyRow: true } as const;

const sinceErased = 'What was encrypted under the key that is destroyed cannot be read again by anybody.';

const eraseSubject = ({ fields, exactlyOne, subjectOf }: WhoseFields) =>
  defineCommand({
    name: 'erase-subject',
    summary: 'Destroy the key of somebody’s personal data, for ever, and scrub every copy.',
    input: z
      .object({
        ...fields,
        basis: z.enum(legalBases),
        /** Which law it is, where the basis is `other`. Nothing personal: it stays in the log in the clear. */
        statute: line(200).optional(),
        reason: line(1_000).optional(),
      })
      .superRefine(exactlyOne),
    stream: erasures,
    id: subjectOf,
    reads: { holds: { stream: legalHolds, id: () => allHolds } },
    permission: 'compliance:erase',
    needs,
    irreversible: sinceErased,
    decide: (input, { erased }, { read }) => {
      if (erased) return [];
      const { basis, statute } = input;
      const subject = subjectOf(input);
      if (basis === 'other' && statute === undefined)
        return reject('statute_required', 'With the basis "other", give the law in the field statute.');
      const hold = heldBy(read.holds, subject);
      if (hold !== undefined)
        return reject(
          'legal_hold',
          `The legal hold ${hold} keeps this data: lift it first (lift-legal-hold).`,
        );
      return [SubjectErased.of({ subject, basis, ...(statute === undefined ? {} : { statute }) })];
    },
  });

const placeLegalHold = ({ fields, exactlyOne, subjectOf }: WhoseFields) =>
  defineCommand({
    name: 'place-legal-hold',
    summary: 'Keep somebody’s personal data from being erased, for a legal matter.',
    input: z
      .object({ holdId, ...fields, matter: line(200), reason: line(1_000).optional() })
      .superRefine(exactlyOne),
    stream: legalHolds,
    id: () => allHolds,
    reads: { erasure: { stream: erasures, id: subjectOf } },
    permission: 'compliance:hold',
    needs,
    inverse: {
      command: 'lift-legal-hold',
      input: ({ holdId: id }, _before, { reason }) => ({
        holdId: id,
        ...(reason === undefined ? {} : { reason }),
      }),
    },
    decide: (input, { holds }, { read }) => {
      const { holdId: id, matter } = input;
      const subject = subjectOf(input);
      if (read.erasure.erased)
        return reject('subject_erased', 'This data was erased: there is nothing to hold.');
      const known = holds[id];
      if (known === undefined) return [LegalHoldPlaced.of({ holdId: id, subject, matter })];
      if (known.active && known.subject === subject) return [];
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

export const complianceCommandsFor = (whose: WhoseFields): readonly CommandDefinition[] => [
  eraseSubject(whose),
  placeLegalHold(whose),
  liftLegalHold,
];
