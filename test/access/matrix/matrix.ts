/**
 * The sample policy as tables that a person reviews: which role holds which permission, and which role may
 * call which route of the OpenAPI document. Computed from the policy file and the document alone.
 */
import { readFileSync } from 'node:fs';
import { type Policy, rolesIn } from '../../../src/access/policy.ts';
import { parsePolicy } from '../../../src/access/policy-file.ts';
import { matcher } from '../../../src/access/principal.ts';
import { areas } from '../../../src/domain/index.ts';

export interface Described {
  readonly method: string;
  readonly path: string;
  readonly operationId: string;
  readonly 'x-permission'?: string;
  /** It tells of all rows: whoever reaches some of them only is refused. */
  readonly 'x-every-row'?: true;
  /** Empty where the route stands outside the session. */
  readonly security?: readonly object[];
}

export interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Omit<Described, 'method' | 'path'>>>>>;
}

export const operationsIn = ({ paths }: Document): readonly Described[] =>
  Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ ...operation, method, path })),
  );

/** Behind the session: whoever is not signed in gets 401. */
export const isClosed = ({ path, security }: Described): boolean =>
  path.startsWith('/internal') && security === undefined;

/** Not for people at all: a directory comes with a token of its own. */
export const isDirectorys = ({ path }: Described): boolean => path.startsWith('/scim/');

export const policyFile = new URL('../../../access-policy.yaml', import.meta.url);
export const samplePolicy = (): Policy => parsePolicy(readFileSync(policyFile, 'utf8'));

/** Which no route asks for: an input, a field or an act of the command line does. */
const besideRoutes = ['billing:credit-large', 'audit:erase', 'policy:apply'];

const permissionsAsked = (operations: readonly Described[]): readonly string[] => {
  const ofRoutes = operations.flatMap((operation) => operation['x-permission'] ?? []);
  const ofFields = areas.flatMap(({ projections }) =>
    projections.flatMap(({ fields }) => Object.values(fields).flatMap(({ internal }) => internal ?? [])),
  );
  return [...new Set([...ofRoutes, ...ofFields, ...besideRoutes])].sort();
};

/**
 * `yes`; `rows`: for the rows that the role reaches; `limits`: within its limits on the command; `-`: refused,
 * which a route tells with 403.
 */
export const cellOf = (
  policy: Policy,
  role: string,
  permission: string | undefined,
  { command, everyRow = false }: { readonly command?: string | undefined; readonly everyRow?: boolean } = {},
): string => {
  const [found] = rolesIn(policy, [role]);
  if (permission === undefined) return 'yes';
  if (found === undefined || !matcher(found.permissions)(permission)) return '-';
  if (everyRow && found.rows !== undefined) return '-';
  const limited = command !== undefined && found.limits !== undefined && Object.hasOwn(found.limits, command);
  const parts = [...(found.rows === undefined ? [] : ['rows']), ...(limited ? ['limits'] : [])];
  return parts.length === 0 ? 'yes' : parts.join('+');
};

export const commandOf = ({ path }: Pick<Described, 'path'>): string | undefined =>
  /\/v1\/commands\/(.+)$/.exec(path)?.[1];

export const cellOfRoute = (policy: Policy, role: string, operation: Described): string =>
  cellOf(policy, role, operation['x-permission'], {
    command: commandOf(operation),
    everyRow: operation['x-every-row'] === true,
  });

const tableOf = (head: readonly string[], rows: readonly (readonly string[])[]): string => {
  const all = [head, ...rows];
  const widths = head.map((_, n) => Math.max(...all.map((row) => row[n]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, n) => cell.padEnd(widths[n] ?? 0))
      .join('  ')
      .trimEnd();
  return `${all.map(line).join('\n')}\n`;
};

/** What `rows` and `limits` stand for. */
const narrowingsOf = (policy: Policy): string =>
  Object.entries(policy.roles)
    .flatMap(([role, { rows = [], limits = {} }]) => [
      ...rows.map((rule) => `rows of ${role}: ${rule}`),
      ...Object.entries(limits).map(
        ([command, fields]) => `limits of ${role}: ${command} ${JSON.stringify(fields)}`,
      ),
    ])
    .map((line) => `${line}\n`)
    .join('');

export const rolesByPermission = (operations: readonly Described[]): string => {
  const policy = samplePolicy();
  const roles = Object.keys(policy.roles);
  const rows = permissionsAsked(operations).map((permission) => [
    permission,
    ...roles.map((role) => cellOf(policy, role, permission)),
  ]);
  return `${tableOf(['permission', ...roles], rows)}\n${narrowingsOf(policy)}`;
};

export const rolesByRoute = (operations: readonly Described[]): string => {
  const policy = samplePolicy();
  const roles = Object.keys(policy.roles);
  const rows = operations
    .map((operation) => {
      const route = `${operation.method.toUpperCase()} ${operation.path}`;
      const permission = operation['x-permission'];
      if (isDirectorys(operation)) return [route, '401', 'a directory’s token', ...roles.map(() => '-')];
      if (!isClosed(operation)) return [route, 'open', '', ...roles.map(() => 'open')];
      const cells = roles.map((role) => cellOfRoute(policy, role, operation));
      return [route, '401', permission ?? 'any role', ...cells];
    })
    .sort(([a = ''], [b = '']) => (a < b ? -1 : 1));
  return tableOf(['route', 'not signed in', 'permission', ...roles], rows);
};
