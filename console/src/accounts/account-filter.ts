/**
 * The filter of the account list in its three forms: the address bar, the API's query, and the `where`
 * of a bulk job. The words are the API's own, so the first two are the same text.
 */
export const filterWords = [
  'accountId[prefix]',
  'status',
  'contract',
  'plan',
  'monthlyCharges[gte]',
  'monthlyCharges[lte]',
] as const;

export type FilterWord = (typeof filterWords)[number];
export type AccountFilter = Readonly<Partial<Record<FilterWord, string>>>;

export const statuses = ['active', 'suspended', 'closed'] as const;
export const contracts = ['month-to-month', 'one-year', 'two-year'] as const;

export const filterOf = (search: URLSearchParams): AccountFilter => {
  const found: Partial<Record<FilterWord, string>> = {};
  for (const word of filterWords) {
    const value = search.get(word)?.trim();
    if (value) found[word] = value;
  }
  return found;
};

export const searchOf = (filter: AccountFilter): string => new URLSearchParams(filter).toString();

/** `monthlyCharges[gte]=50` → `{"monthlyCharges": {"gte": "50"}}`. */
export const whereOf = (filter: AccountFilter): Record<string, unknown> => {
  const where: Record<string, string | Record<string, string>> = {};
  for (const [word, value] of Object.entries(filter)) {
    const [, field = word, operator] = /^(\w+)\[(\w+)\]$/.exec(word) ?? [];
    if (operator === undefined) where[field] = value;
    else where[field] = { ...operators(where[field]), [operator]: value };
  }
  return where;
};

const operators = (held: string | Record<string, string> | undefined): Record<string, string> =>
  typeof held === 'object' ? held : {};

/** The filter in words, for people who are about to act on it. */
export const sentenceOf = (filter: AccountFilter): string => {
  const told = Object.entries(filter).map(([word, value]) => `${clauses[word as FilterWord]} ${value}`);
  return told.length === 0 ? 'every account' : `accounts with ${told.join(', ')}`;
};

const clauses: Readonly<Record<FilterWord, string>> = {
  'accountId[prefix]': 'an id that starts with',
  status: 'status',
  contract: 'contract',
  plan: 'plan',
  'monthlyCharges[gte]': 'monthly charges of at least',
  'monthlyCharges[lte]': 'monthly charges of at most',
};
