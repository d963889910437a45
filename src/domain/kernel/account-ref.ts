/** How anything names the account it is about: as the account's stream. */

export const accountRef = (accountId: string): string => `account-${accountId}`;

/** Whose personal data stands in whatever carries an account's id. */
export const accountSubject = ({ accountId }: { readonly accountId: string }): string =>
  accountRef(accountId);

/** Whoever reaches some accounts only reaches what belongs to those. */
export const belongsToAccount = [{ projection: 'accounts', field: 'accountId' }] as const;
