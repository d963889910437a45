/**
 * Who acts, with what, and what they may do. A principal's permissions are already the effective ones
 * (a person's roles ∩ the tool's scope, or a service's grants), so that nobody downstream has to
 * intersect anything.
 */
import type { ActorKind } from '../events/envelope.ts';

/** Rows of one projection, by the JSON grammar of filters: those that one of them selects. */
export interface Narrowing {
  readonly projection: string;
  readonly anyOf: readonly Readonly<Record<string, unknown>>[];
}

/**
 * The rows that something reaches: those that one of its parts reaches. A part reaches what all of its
 * narrowings let through, and every row where it has none. No part: no row.
 */
export type Rows = readonly (readonly Narrowing[])[];

export const everyRow: Rows = [[]];
export const noRow: Rows = [];

export const isEveryRow = (rows: Rows): boolean => rows.some((part) => part.length === 0);

/** Rows that both reach. */
export const rowsOfBoth = (a: Rows, b: Rows): Rows => {
  if (isEveryRow(a)) return b;
  return isEveryRow(b) ? a : a.flatMap((one) => b.map((other) => [...one, ...other]));
};

/** Whether every row of `inner` is one of `outer`, as far as the grants tell that they come from. */
export const covers = (outer: Rows, inner: Rows): boolean =>
  isEveryRow(outer) || inner.every((part) => outer.includes(part));

/** `accounts:suspend`; a grant may end in `*` (`accounts:*`) or be `*`. */
export interface Permissions {
  /** The grants as written in the policy, for display. */
  readonly grants: readonly string[];
  has(permission: string): boolean;
  /** The rows that the permission reaches; none where it is not held. */
  rows(permission: string): Rows;
  /** As `rows`, for a command with that input: grants whose limits it does not keep do not count. */
  rowsFor(permission: string, command: string, input: Readonly<Record<string, unknown>>): Rows;
}

/** What is known of a person beside name and groups, by which rows are told (`regions`). */
export type Attributes = Readonly<Record<string, readonly string[]>>;

export interface Principal {
  /** Opaque and stable, never an e-mail address: `person:<hash>`, `service:<tool>`, `system`. */
  readonly id: string;
  readonly kind: ActorKind;
  readonly email?: string;
  readonly name?: string;
  readonly roles: readonly string[];
  /** Absent where nothing is known. */
  readonly attributes?: Attributes;
  readonly permissions: Permissions;
  /** The tool the request came through: `console` for the session cookie, else the OIDC client's id. */
  readonly tool: string;
  /** What a token is limited to within its tool's scope; absent with a session cookie. */
  readonly scope?: readonly string[];
  /** The session, or the grant that the person gave the tool. */
  readonly sessionId?: string;
  /** When they last proved who they are at the identity provider, milliseconds since 1970; people only. */
  readonly authenticatedAt?: number;
}

/** How a service is called in the log; never the id of a person. */
export const serviceId = (tool: string): string => `service:${tool}`;

/** Whether it is that person with their own session, and not a tool that acts as them. */
export const isSelf = ({ id, scope }: Principal, personId: string): boolean =>
  id === personId && scope === undefined;

/** A permission set over grants with wildcards; `scope` narrows it (the tool's scope). Reaches every row. */
export const permissions = (grants: readonly string[], scope: readonly string[] = ['*']): Permissions => {
  const granted = matcher(grants);
  const scoped = matcher(scope);
  const has = (permission: string): boolean => granted(permission) && scoped(permission);
  const rows = (permission: string): Rows => (has(permission) ? everyRow : noRow);
  return { grants, has, rows, rowsFor: rows };
};

/** What of `whole` stands in `scope` too. */
export const within = (whole: Permissions, scope: readonly string[]): Permissions => {
  const scoped = matcher(scope);
  return {
    grants: whole.grants,
    has: (permission) => scoped(permission) && whole.has(permission),
    rows: (permission) => (scoped(permission) ? whole.rows(permission) : noRow),
    rowsFor: (permission, command, input) =>
      scoped(permission) ? whole.rowsFor(permission, command, input) : noRow,
  };
};

/** What both give: rows, too, are those that both reach. Shows the grants of the first. */
export const both = (one: Permissions, other: Permissions): Permissions => ({
  grants: one.grants,
  has: (permission) => one.has(permission) && other.has(permission),
  rows: (permission) => rowsOfBoth(one.rows(permission), other.rows(permission)),
  rowsFor: (permission, command, input) =>
    rowsOfBoth(one.rowsFor(permission, command, input), other.rowsFor(permission, command, input)),
});

/** The grants that both sides give: of two patterns one holds the other, or they have nothing in common. */
export const common = (one: readonly string[], other: readonly string[]): readonly string[] => {
  const inOne = matcher(one);
  const inOther = matcher(other);
  return [...new Set([...one.filter(inOther), ...other.filter(inOne)])];
};

/** Whether the grants cover a permission. */
export const matcher = (grants: readonly string[]): ((permission: string) => boolean) => {
  const exact = new Set(grants);
  const prefixes = grants.filter((g) => g.endsWith(':*')).map((g) => g.slice(0, -1));
  if (exact.has('*')) return () => true;
  return (permission) => exact.has(permission) || prefixes.some((prefix) => permission.startsWith(prefix));
};

/** The engine itself: migrations, schedules, the demo import's own steps. Holds every permission. */
export const systemPrincipal: Principal = {
  id: 'system',
  kind: 'system',
  roles: [],
  permissions: permissions(['*']),
  tool: 'quarterdeck',
};
