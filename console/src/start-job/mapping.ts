/** Which column fills which input field: guessed from the names, corrected by people. Pure. */
import type { Field } from '../form/schema.ts';

/** Input field → column; a field without one is left out of every row. */
export type Mapping = Readonly<Record<string, string>>;

/** `customerID` for `accountId`: what other systems call the same things. */
const alsoCalled: Readonly<Record<string, readonly string[]>> = {
  accountid: ['customerid', 'account', 'customer', 'id'],
  tenuremonths: ['tenure'],
  plan: ['internetservice', 'service', 'tier'],
  owneremail: ['email'],
  monthlycharges: ['monthly'],
  totalcharges: ['total'],
};

export const guessMapping = (fields: readonly Field[], columns: readonly string[]): Mapping => {
  const byPlainName = new Map(columns.map((column) => [plain(column), column]));
  const found: Record<string, string> = {};
  for (const { name } of fields) {
    const names = [plain(name), ...(alsoCalled[plain(name)] ?? [])];
    const column = names.map((one) => byPlainName.get(one)).find((one) => one !== undefined);
    if (column !== undefined) found[name] = column;
  }
  return found;
};

export const missing = (fields: readonly Field[], mapping: Mapping): readonly string[] =>
  fields.filter(({ name, required }) => required && !mapping[name]).map(({ name }) => name);

const plain = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, '');
