/**
 * What several roles grant together, or a service by itself: the union of what each grants, each with its own
 * rows and limits. A role's rows and limits narrow what that role grants and nothing of what another one does
 * (docs/decisions/0014).
 */
import { keepsLimits, type Limits } from './policy/limits.ts';
import { parseRowRule, type RowRule, whereOf } from './policy/row-rule.ts';
import type { Tool } from './policy/tools.ts';
import { type Policy, rolesIn } from './policy.ts';
import {
  type Attributes,
  matcher,
  type Narrowing,
  type Permissions,
  type Rows,
  within,
} from './principal.ts';

interface Grant {
  readonly covers: (permission: string) => boolean;
  readonly narrowings: readonly Narrowing[];
  readonly limits: Limits | undefined;
}

/** Rules on the same projection are alternatives; those on others all hold. */
const narrowingsOf = (rules: readonly RowRule[], attributes: Attributes): readonly Narrowing[] => {
  const projections = [...new Set(rules.map(({ projection }) => projection))];
  return projections.map((projection) => ({
    projection,
    anyOf: rules.filter((rule) => rule.projection === projection).map((rule) => whereOf(rule, attributes)),
  }));
};

/** `scope`: how far the tool reaches. */
export const permissionsOfRoles = (
  policy: Policy,
  roles: readonly string[],
  attributes: Attributes,
  scope: readonly string[],
): Permissions => within(permissionsOf(rolesIn(policy, roles), attributes), scope);

/** Of a service: its scope, with its own rows and limits, as a role would have them. */
export const permissionsOfService = ({ scope, rows, limits }: Service): Permissions =>
  permissionsOf([{ permissions: scope, rows, limits }], {});

type Service = Extract<Tool, { kind: 'service' }>;

const permissionsOf = (found: readonly Policy['roles'][string][], attributes: Attributes): Permissions => {
  const grants = found.map(
    ({ permissions, rows = [], limits }): Grant => ({
      covers: matcher(permissions),
      narrowings: narrowingsOf(rows.map(parseRowRule), attributes),
      limits,
    }),
  );
  const covering = (permission: string): readonly Grant[] =>
    grants.filter(({ covers }) => covers(permission));
  const known = new Map<string, Rows>();
  const rows = (permission: string): Rows => {
    const reached = known.get(permission) ?? covering(permission).map(({ narrowings }) => narrowings);
    known.set(permission, reached);
    return reached;
  };
  const limited = grants.some(({ limits }) => limits !== undefined);
  return {
    grants: [...new Set(found.flatMap(({ permissions }) => permissions))],
    has: (permission: string) => rows(permission).length > 0,
    rows,
    rowsFor: (permission: string, command: string, input: Readonly<Record<string, unknown>>) =>
      limited
        ? covering(permission)
            .filter(({ limits }) => keepsLimits(limits, command, input))
            .map(({ narrowings }) => narrowings)
        : rows(permission),
  };
};
