/**
 * Whom the development provider signs in: one person a role, in a group of the role's name, and the regions
 * they work in, where there are such.
 */
export interface DevelopmentUser {
  readonly email: string;
  readonly displayName: string;
  readonly groups: readonly string[];
  readonly regions: readonly string[];
  /** Persistent: the same at every sign-in, and not the address. */
  readonly nameId: string;
}

export const developmentUsers: readonly DevelopmentUser[] = (
  [
    ['support', 'Sam Support'],
    ['billing', 'Bea Billing'],
    ['ops', 'Oona Operations'],
    ['admin', 'Ada Admin'],
    ['compliance', 'Colin Compliance'],
    ['regional-support', 'Rita Regional', 'EMEA'],
  ] as const
).map(([role, displayName, ...regions]) => ({
  email: `${role}@dev.test`,
  displayName,
  groups: [role],
  regions,
  nameId: `development-${role}`,
}));
