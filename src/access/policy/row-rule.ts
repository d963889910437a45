/**
 * Row rules, as a role of the policy writes them:
 *
 *     accounts where region in {principal.regions}
 *     accounts where status ne closed and plan in [Business, "Enterprise Plus"]
 *
 * A projection, then conditions on fields of its rows, all of which must hold: a field, an operator of the
 * query grammar (`eq ne in lt lte gt gte prefix null`) and a value. `{principal.<attribute>}` stands for
 * the list of values that the person has of that attribute, so that it goes with `in` alone; where they
 * have none, no row is reached. Whether projection, fields and values exist is checked where projections
 * are known. Pure.
 */

/** `in` the values that the person has of an attribute. */
export interface OfPerson {
  readonly attribute: string;
}

export type RuleValue = string | readonly string[] | OfPerson;

/** Field → operator → value. */
export type RuleConditions = Readonly<Record<string, Readonly<Record<string, RuleValue>>>>;

export interface RowRule {
  readonly projection: string;
  readonly where: RuleConditions;
}

/** What is wrong with the text, for whoever wrote it. */
export class RowRuleError extends Error {
  override readonly name = 'RowRuleError';
}

const form = 'write "<projection> where <field> <operator> <value>", with "and" between conditions';
const rule = /^\s*([a-z][a-z0-9-]*)\s+where\s+(\S.*)$/s;
const token = /\s*("(?:[^"\\]|\\["\\])*"|\[[^\]]*\]|\{[^}]*\}|[^\s[\]{}",]+)/y;
const attribute = /^\{principal\.([A-Za-z][A-Za-z0-9_-]{0,63})\}$/;

const tokensOf = (text: string): readonly string[] => {
  const tokens: string[] = [];
  token.lastIndex = 0;
  while (token.lastIndex < text.trimEnd().length) {
    const at = token.lastIndex;
    const found = token.exec(text)?.[1];
    if (found === undefined) throw new RowRuleError(`cannot read "${text.slice(at).trim()}": ${form}`);
    tokens.push(found);
  }
  return tokens;
};

const plain = (text: string): string =>
  text.startsWith('"') ? text.slice(1, -1).replaceAll(/\\(["\\])/g, '$1') : text;

const item = '("(?:[^"\\\\]|\\\\["\\\\])*"|[^\\s,"](?:[^,"]*[^\\s,"])?)';
const list = new RegExp(`^\\s*${item}(?:\\s*,\\s*${item})*\\s*$`);

const listOf = (text: string): readonly string[] => {
  if (!list.test(text)) {
    throw new RowRuleError(`cannot read the list [${text}]: write [one, two, "three and four"]`);
  }
  return [...text.matchAll(new RegExp(item, 'g'))].map(([one]) => plain(one));
};

const valueIn = (operator: string, text: string): RuleValue => {
  if (text.startsWith('[')) return listOf(text.slice(1, -1));
  if (!text.startsWith('{')) return operator === 'in' ? [plain(text)] : plain(text);
  const name = attribute.exec(text)?.[1];
  if (name === undefined) {
    throw new RowRuleError(`"${text}" is no attribute of a person: write {principal.<attribute>}`);
  }
  if (operator === 'in') return { attribute: name };
  throw new RowRuleError(`${text} is a list of values: write "in ${text}" instead of "${operator} ${text}"`);
};

/** @throws RowRuleError */
export const parseRowRule = (text: string): RowRule => {
  const [, projection, conditions] = rule.exec(text) ?? [];
  if (projection === undefined || conditions === undefined) throw new RowRuleError(form);
  const tokens = tokensOf(conditions);
  const where: Record<string, Record<string, RuleValue>> = Object.create(null);
  for (let n = 0; n < tokens.length; n += 4) {
    const [field, operator, value, and] = tokens.slice(n, n + 4);
    const goesOn = and === undefined ? tokens.length === n + 3 : and === 'and' && tokens.length > n + 4;
    if (field === undefined || operator === undefined || value === undefined || !goesOn) {
      throw new RowRuleError(form);
    }
    const known = where[field] ?? Object.create(null);
    if (known[operator] !== undefined) {
      throw new RowRuleError(`${field} ${operator} stands there twice; several values go into [in]`);
    }
    where[field] = Object.assign(known, { [operator]: valueIn(operator, value) });
  }
  return { projection, where };
};

/** Names of a person's attributes that the rule asks for. */
export const valuesOfPersonIn = ({ where }: RowRule): readonly string[] =>
  Object.values(where).flatMap((conditions) =>
    Object.values(conditions).flatMap((value) =>
      typeof value === 'object' && 'attribute' in value ? value.attribute : [],
    ),
  );

/** The `where` of the query grammar that the rule comes to for a person. */
export const whereOf = (
  { where }: RowRule,
  attributes: Readonly<Record<string, readonly string[]>>,
): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(where).map(([field, conditions]) => [
      field,
      Object.fromEntries(
        Object.entries(conditions).map(([operator, value]) => [operator, resolved(value, attributes)]),
      ),
    ]),
  );

const resolved = (
  value: RuleValue,
  attributes: Readonly<Record<string, readonly string[]>>,
): string | readonly string[] => {
  if (typeof value === 'string' || !('attribute' in value)) return value;
  return Object.hasOwn(attributes, value.attribute) ? (attributes[value.attribute] ?? []) : [];
};
