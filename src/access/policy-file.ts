/**
 * Reads a policy from the text of its YAML file. Everything wrong with it is told at once, each with
 * the line it stands on, so that the person who wrote it can mend it in one go:
 *
 *     access-policy.yaml line 12: unknown role "opps" (roles: support, ops)
 */
import { type Document, isMap, isNode, isScalar, LineCounter, parseDocument } from 'yaml';
import type { core } from 'zod';
import { QuarterdeckError } from '../errors.ts';
import { type Policy, type PolicyProblem, policySchema, problemsIn } from './policy.ts';

export class PolicyFileError extends QuarterdeckError {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super('invalid_input', problems.join('\n'));
    this.problems = problems;
  }
}

/** What is wrong with a policy that has the right shape, for whoever knows commands and projections. */
export type PolicyCheck = (policy: Policy) => readonly PolicyProblem[];

/** @throws PolicyFileError whose message has one line a problem. */
export const parsePolicy = (
  text: string,
  fileName = 'access-policy.yaml',
  check: PolicyCheck = () => [],
): Policy => {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, merge: false });
  const fail = (problems: readonly { line: number; message: string }[]): never => {
    throw new PolicyFileError(problems.map(({ line, message }) => `${fileName} line ${line}: ${message}`));
  };
  if (document.errors.length > 0) {
    fail(document.errors.map((e) => ({ line: lines.linePos(e.pos[0]).line, message: e.message })));
  }
  const at = (problem: PolicyProblem) => ({
    line: lines.linePos(offsetOf(document, problem.path)).line,
    message: problem.message,
  });
  const parsed = policySchema.safeParse(plainValueOf(document, fileName));
  if (!parsed.success) return fail(parsed.error.issues.flatMap(problemsOf).map(at));
  const wrong = [...problemsIn(parsed.data), ...check(parsed.data)];
  return wrong.length > 0 ? fail(wrong.map(at)) : parsed.data;
};

/** Anchors may be used, but not to blow a small file up into a huge value. */
const plainValueOf = (document: Document, fileName: string): unknown => {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    throw new PolicyFileError([
      `${fileName} line 1: ${error instanceof Error ? error.message : String(error)}`,
    ]);
  }
};

const problemsOf = (issue: core.$ZodIssue): readonly PolicyProblem[] => {
  const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)));
  const where = path.length === 0 ? 'the policy' : path.join('.');
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: [...path, key], message: `unknown entry "${key}" in ${where}` }));
  }
  if (issue.code === 'invalid_key') {
    return [{ path, message: `"${path.at(-1)}": ${issue.issues[0]?.message ?? 'not a valid name'}` }];
  }
  return [{ path, message: `${where}: ${issue.message}` }];
};

/** Where in the text a path stands: the key itself, or the nearest thing around it that exists. */
const offsetOf = (document: Document, path: readonly (string | number)[]): number => {
  for (let depth = path.length; depth > 0; depth--) {
    const offset = keyOffset(document, path.slice(0, depth - 1), path[depth - 1]);
    if (offset !== undefined) return offset;
  }
  return document.contents?.range?.[0] ?? 0;
};

const keyOffset = (
  document: Document,
  parentPath: readonly (string | number)[],
  last: string | number | undefined,
): number | undefined => {
  const parent = parentPath.length === 0 ? document.contents : document.getIn(parentPath, true);
  if (isMap(parent)) {
    const pair = parent.items.find(({ key }) => String(isScalar(key) ? key.value : key) === String(last));
    return isNode(pair?.key) ? pair.key.range?.[0] : undefined;
  }
  const node = document.getIn([...parentPath, last], true);
  return isNode(node) ? node.range?.[0] : undefined;
};
