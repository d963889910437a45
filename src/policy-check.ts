/**
 * What a policy's shape alone cannot say: rules name rows and fields that there are, limits commands and
 * their inputs. Between access, which knows no projections and commands, and those.
 */

import { parseRowRule, type RowRule, valuesOfPersonIn, whereOf } from './access/policy/row-rule.ts';
import type { Policy, PolicyProblem } from './access/policy.ts';
import type { PolicyCheck } from './access/policy-file.ts';
import { systemPrincipal } from './access/principal.ts';
import type { CommandDefinition } from './commands/definition.ts';
import { isQuarterdeckError } from './errors.ts';
import type { EventDefinition } from './events/definition.ts';
import { type Catalogue, createCatalogue } from './queries/catalogue.ts';
import type { ProjectionDefinition } from './queries/definition.ts';
import { filterOfWhere } from './queries/filter.ts';

type Path = PolicyProblem['path'];

const ruleFaults = (rule: RowRule, catalogue: Catalogue, told: ReadonlySet<string>): readonly string[] => {
  const known = catalogue.find(rule.projection);
  if (known === undefined) {
    const names = catalogue.all.map(({ definition }) => definition.name);
    return [`there is no projection "${rule.projection}" (projections: ${names.join(', ')})`];
  }
  if (known.definition.stream === undefined) {
    return [`rows of ${rule.projection} come from several streams, so that no rule can be told of them`];
  }
  const unknown = valuesOfPersonIn(rule).filter((name) => !told.has(name));
  if (unknown.length > 0) {
    const names = [...told].join(', ') || 'none';
    return [`no provider tells the attribute "${unknown[0]}" (attributes: ${names})`];
  }
  try {
    filterOfWhere({ shape: known.shape, principal: systemPrincipal }, whereOf(rule, {}), rule.projection);
    return [];
  } catch (error) {
    if (!isQuarterdeckError(error)) throw error;
    return (error.errors ?? []).map(({ path, message }) => `${path}: ${message}`);
  }
};

const limitFaults = (
  commands: readonly CommandDefinition[],
  name: string,
  fields: readonly string[],
): readonly { readonly path: Path; readonly message: string }[] => {
  const command = commands.find((one) => one.name === name);
  if (command === undefined) return [{ path: [], message: `there is no command "${name}"` }];
  const known = Object.keys(command.input.shape);
  return fields
    .filter((field) => !known.includes(field))
    .map((field) => ({
      path: [field],
      message: `${name} has no field "${field}" (fields: ${known.join(', ')})`,
    }));
};

/** What the engine itself asks for, beside what commands, read models and events say. */
const ofTheEngine = [
  ...['audit:read', 'audit:replay', 'audit:export', 'audit:all-fields'],
  ...['exports:run', 'exports:personal', 'exports:read-all'],
  ...[
    'bulk:read',
    'bulk:run',
    'feed:read',
    'feed:personal',
    'policy:read',
    'policy:apply',
    'sessions:read',
    'sessions:revoke',
    'tokens:introspect',
  ],
  ...['reactors:read', 'reactors:steer', 'reconciliations:read', 'reconciliations:run'],
  ...['webhooks:read', 'webhooks:manage', 'webhooks:personal'],
];

/** Every permission that something asks for. */
export const permissionsAskedFor = (
  commands: readonly CommandDefinition[],
  projections: readonly ProjectionDefinition[],
  events: readonly EventDefinition[],
): readonly string[] => {
  const all = [
    ...ofTheEngine,
    ...commands.flatMap(({ permission, mayNeed }) => [permission, ...mayNeed]),
    ...projections.flatMap(({ permission, fields }) => [
      permission,
      ...Object.values(fields).flatMap(({ internal }) => internal ?? []),
    ]),
    ...events.flatMap(({ permission, internal }) => [permission ?? [], Object.values(internal)].flat()),
  ];
  return [...new Set(all)].sort();
};

export const policyCheckOf = (
  commands: readonly CommandDefinition[],
  projections: readonly ProjectionDefinition[],
): PolicyCheck => {
  const catalogue = createCatalogue(projections);
  const narrowed = (
    path: readonly [string, string],
    { rows = [], limits = {} }: Pick<Policy['roles'][string], 'rows' | 'limits'>,
    told: ReadonlySet<string>,
  ): readonly PolicyProblem[] => [
    ...rows.flatMap((text, n) =>
      ruleFaults(parseRowRule(text), catalogue, told).map((message) => ({
        path: [...path, 'rows', n],
        message: `${path.join('.')}.rows.${n}: ${message}`,
      })),
    ),
    ...Object.entries(limits).flatMap(([command, fields]) =>
      limitFaults(commands, command, Object.keys(fields)).map(({ path: field, message }) => ({
        path: [...path, 'limits', command, ...field],
        message: `${path.join('.')}.limits.${command}: ${message}`,
      })),
    ),
  ];
  return (policy) => {
    const told = new Set(
      Object.values(policy.providers).flatMap(({ attributes = {}, scim }) => [
        ...Object.keys(attributes),
        ...Object.keys(scim?.attributes ?? {}),
      ]),
    );
    return [
      ...Object.entries(policy.roles).flatMap(([name, role]) => narrowed(['roles', name], role, told)),
      ...Object.entries(policy.tools).flatMap(([id, tool]) =>
        tool.kind === 'service' ? narrowed(['tools', id], tool, told) : [],
      ),
    ];
  };
};
