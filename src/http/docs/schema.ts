/** JSON Schemas in words: the fields of an object as a table, a type as a few words. */
import type { JsonSchema } from '../route.ts';
import { type Html, html, prose } from './html.ts';

interface Known {
  readonly type?: string | readonly string[];
  readonly $ref?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly items?: JsonSchema;
  readonly format?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly 'x-personal'?: boolean;
  readonly 'x-internal'?: string;
}

/** `string or null`, `one of a, b`, `list of Event`. */
export const typeOf = (schema: JsonSchema): string => {
  const known = schema as Known;
  if (known.$ref !== undefined) return known.$ref.split('/').at(-1) ?? '';
  if (known.const !== undefined) return String(known.const);
  if (known.enum !== undefined) return `one of ${known.enum.join(', ')}`;
  const either = known.anyOf ?? known.oneOf;
  if (either !== undefined) return either.map(typeOf).join(' or ');
  if (known.type === 'array')
    return `list of ${known.items === undefined ? 'anything' : typeOf(known.items)}`;
  const type = typeof known.type === 'string' ? known.type : (known.type?.join(' or ') ?? 'anything');
  return [known.format ?? type, boundsOf(known)].filter((part) => part !== '').join(', ');
};

const boundsOf = ({ minimum, maximum, minLength, maxLength }: Known): string => {
  const most = maximum === undefined || maximum >= Number.MAX_SAFE_INTEGER ? undefined : `at most ${maximum}`;
  const numbers = [minimum === undefined ? undefined : `from ${minimum}`, most];
  const lengths = [
    minLength === undefined ? undefined : `${minLength}+ characters`,
    maxLength === undefined ? undefined : `up to ${maxLength} characters`,
  ];
  return [...numbers, ...lengths].filter((bound) => bound !== undefined).join(', ');
};

/** A table of the fields; undefined where the schema has none. */
export const fieldTable = (schema: JsonSchema): Html | undefined => {
  const { properties, required = [] } = schema as Known;
  if (properties === undefined || Object.keys(properties).length === 0) return undefined;
  const rows = Object.entries(properties).map(([name, field]) =>
    fieldRow(name, field, required.includes(name)),
  );
  return html`<div class="scroll"><table><thead><tr><th>Field</th><th>Type</th><th></th></tr></thead><tbody>${rows}</tbody></table></div>`;
};

const fieldRow = (name: string, schema: JsonSchema, isRequired: boolean): Html => {
  const { description, 'x-personal': personal, 'x-internal': internal, default: fallback } = schema as Known;
  const notes = [
    personal === true ? html`<span class="badge">personal</span>` : undefined,
    internal === undefined ? undefined : html`<span class="badge warn">${internal}</span>`,
    fallback === undefined ? undefined : html`<span class="badge">default ${JSON.stringify(fallback)}</span>`,
  ];
  const mark = isRequired ? html` <span class="required" title="required">•</span>` : undefined;
  return html`<tr><td><code>${name}</code>${mark}</td><td class="type">${typeOf(schema)}</td><td>${notes}${description === undefined ? undefined : prose(description)}</td></tr>`;
};
