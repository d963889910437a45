/**
 * How an input says whose data it is: by `subject`, as the log does, or by a field that an area knows them by. Exactly
 * one of these; whatever was given, what is appended holds the subject.
 */
import { z } from 'zod';
import type { SubjectNaming } from '../commands/definition.ts';

/** What of an area counts here. */
export interface Naming {
  readonly subjects?: Readonly<Record<string, SubjectNaming>>;
}

const subject = z
  .string()
  .regex(
    /^(?!system$|service:)[A-Za-z0-9][A-Za-z0-9._:-]{0,199}$/,
    'must name whose data it is as the log does: account-<id>, person:<hash>; keys of the engine ($…), services and the system are nobody',
  );

/** @throws Error where two areas name somebody by the same field, or one by a field that is taken. */
export const whoseFields = (areas: readonly Naming[]) => {
  const namings = new Map<string, SubjectNaming>();
  for (const [name, naming] of areas.flatMap(({ subjects }) => Object.entries(subjects ?? {}))) {
    if (namings.has(name) || ['subject', 'basis', 'statute', 'reason', 'holdId', 'matter'].includes(name))
      throw new Error(`two fields of erasures and legal holds are called "${name}"`);
    namings.set(name, naming);
  }
  const names = ['subject', ...namings.keys()];
  const inPlace = ([name, { field }]: [string, SubjectNaming]) => [
    name,
    field.optional().describe('In place of the subject.'),
  ];
  const fields = {
    subject: subject
      .optional()
      .describe(`Whose data it is, as the log names them. One of: ${names.join(', ')}.`),
    ...(Object.fromEntries([...namings].map(inPlace)) as Record<never, z.ZodType>),
  };
  const given = (input: object): readonly [string, string][] =>
    Object.entries(input).filter(([name, value]) => names.includes(name) && value !== undefined);

  return {
    fields,
    exactlyOne: (input: object, context: z.RefinementCtx): void => {
      const { length } = given(input);
      if (length === 1) return;
      const only = length === 0 ? 'is missing; give' : 'must be the only one of';
      context.addIssue({ code: 'custom', path: ['subject'], message: `${only} ${names.join(' or ')}` });
    },
    /** Of an input that was validated. */
    subjectOf: (input: object): string => {
      const [[name, value] = ['subject', '']] = given(input);
      return namings.get(name)?.subject(value) ?? value;
    },
  };
};

export type WhoseFields = ReturnType<typeof whoseFields>;
