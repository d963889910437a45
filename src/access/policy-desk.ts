/** What is done with the text of a policy file: looked at, applied, or proposed by a start. */
import { createHash } from 'node:crypto';
import { canonicalJson } from '../events/canonical-json.ts';
import { lineOf } from './policy/diff-lines.ts';
import { permissionProblems } from './policy/known-permissions.ts';
import type { Policy } from './policy.ts';
import { type PolicyCheck, PolicyFileError, parsePolicy } from './policy-file.ts';
import type { PolicyInForce } from './policy-in-force.ts';
import { systemPrincipal } from './principal.ts';
import { whoIs } from './recorder.ts';

export interface PolicyDesk {
  /**
   * What applying it would change, in lines to read. Stricter than applying: a permission that nothing asks for is
   * wrong here. @throws PolicyFileError
   */
  previewPolicy(text: string, fileName: string): Promise<readonly string[]>;
  /** Whether it said anything new. @throws PolicyFileError */
  applyPolicy(text: string, fileName: string): Promise<boolean>;
  /**
   * As a start does: applies it unless it says what the start before proposed, because somebody may have applied
   * another one since. What is to be told of it, in sentences. @throws PolicyFileError
   */
  proposePolicy(text: string, fileName: string): Promise<readonly string[]>;
}

interface Deps {
  readonly policy: PolicyInForce;
  readonly check: PolicyCheck | undefined;
  /** Every permission that something asks for; undefined: nobody knows. */
  readonly known: readonly string[] | undefined;
}

/** Of what it says: comments and order are no change. */
const digestOf = (policy: Policy): string => createHash('sha256').update(canonicalJson(policy)).digest('hex');

export const createPolicyDesk = ({ policy, check = () => [], known }: Deps): PolicyDesk => {
  const strict: PolicyCheck = (one) => [
    ...check(one),
    ...(known === undefined ? [] : permissionProblems(one, known)),
  ];

  const unknownIn = (text: string, fileName: string): readonly string[] => {
    try {
      parsePolicy(text, fileName, strict);
      return [];
    } catch (error) {
      if (error instanceof PolicyFileError) return error.problems;
      throw error;
    }
  };

  const keptSentence = (fileName: string): string =>
    `The policy in force (version ${policy.current().version}) was applied after ${fileName} had last been proposed; ` +
    'the file has not changed since and was not put in force again. "quarterdeck policy apply" does.';

  return {
    previewPolicy: async (text, fileName) =>
      (await policy.preview(parsePolicy(text, fileName, strict))).diff.map(lineOf),
    applyPolicy: async (text, fileName) =>
      policy.apply(parsePolicy(text, fileName, check), whoIs(systemPrincipal)),
    proposePolicy: async (text, fileName) => {
      const proposal = parsePolicy(text, fileName, check);
      const standing = await policy.propose(proposal, digestOf(proposal), whoIs(systemPrincipal));
      return [...unknownIn(text, fileName), ...(standing === 'kept' ? [keptSentence(fileName)] : [])];
    },
  };
};
