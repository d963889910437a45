/**
 * What the principal may do with a command and this very input: limits of roles are on the input, so that a
 * grant counts only where the input keeps its role's limits, and reaches only that role's rows.
 */
import { everyRow, isEveryRow, type Permissions, type Rows, rowsOfBoth } from '../access/principal.ts';
import { QuarterdeckError } from '../errors.ts';
import type { EventData } from '../events/definition.ts';
import type { CommandDefinition } from './definition.ts';

/** The rows it may touch, where they are not all; or the permission that is missing or does not go so far. */
export type Permitted = { readonly rows?: Rows } | { readonly missing: string; readonly limited: boolean };

export const permittedFor = (
  permissions: Permissions,
  command: CommandDefinition,
  input: EventData,
): Permitted => {
  let rows = everyRow;
  for (const permission of [command.permission, ...command.alsoNeeds(input)]) {
    const reached = permissions.rowsFor(permission, command.name, input);
    if (reached.length === 0) return { missing: permission, limited: permissions.has(permission) };
    rows = rowsOfBoth(rows, reached);
  }
  if (isEveryRow(rows)) return {};
  return command.needs.everyRow === true ? { missing: command.permission, limited: true } : { rows };
};

export const beyondLimits = (command: string, permission: string): QuarterdeckError =>
  new QuarterdeckError('not_permitted', beyondLimitsMessage(command), { extra: { permission } });

export const beyondLimitsMessage = (command: string): string =>
  `Your roles allow ${command} within limits that this input goes beyond.`;
