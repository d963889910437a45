/**
 * Permissions that a policy grants and that nothing asks for: most often misspelt. They grant nothing, so that a
 * start goes on with them; whoever checks or applies a policy is told the line and what they may have meant.
 */
import { nearestTo } from '../../errors.ts';
import type { Policy, PolicyProblem } from '../policy.ts';

const isKnown = (granted: string, known: readonly string[]): boolean => {
  if (granted === '*' || known.includes(granted)) return true;
  return granted.endsWith(':*') && known.some((one) => one.startsWith(granted.slice(0, -1)));
};

/** Wildcards are compared with wildcards. */
const nearest = (granted: string, known: readonly string[]): string => {
  const areas = known.map((one) => `${one.slice(0, one.lastIndexOf(':'))}:*`);
  const candidates = granted.endsWith(':*') ? [...new Set(areas)] : known;
  return nearestTo(granted, candidates);
};

export const permissionProblems = (policy: Policy, known: readonly string[]): readonly PolicyProblem[] => {
  const unknownIn = (path: readonly string[], granted: readonly string[]): readonly PolicyProblem[] =>
    granted.flatMap((one, n) =>
      isKnown(one, known)
        ? []
        : [
            {
              path: [...path, n],
              message: `${path.join('.')}.${n}: nothing asks for "${one}"; the nearest is "${nearest(one, known)}"`,
            },
          ],
    );
  return [
    ...Object.entries(policy.roles).flatMap(([name, { permissions }]) =>
      unknownIn(['roles', name, 'permissions'], permissions),
    ),
    ...Object.entries(policy.tools).flatMap(([id, { scope }]) => unknownIn(['tools', id, 'scope'], scope)),
  ];
};
