/** What OpenAPI says about a projection: list, one row, exports, with a parameter for every filter. */
import type { ErrorCode } from '../../errors.ts';
import type { FieldNotes, ProjectionDefinition } from '../../queries/definition.ts';
import type { Answer, JsonSchema, Operation, Parameter } from '../route.ts';
import { minPosition, path, query } from './parts.ts';
import { json, jsonSchemaOf, object, pageOf, text, whole } from './schemas.ts';

const codes: readonly ErrorCode[] = [
  'malformed_request',
  'not_permitted',
  'not_found',
  'invalid_input',
  'snapshot_building',
  'projection_behind',
];

const asOf = query(
  'asOf',
  text,
  'A time or a position: the answer as it was then. It says which position it used.',
);
const snapshot = query(
  'snapshot',
  text,
  'The name of a moment that is kept (`quarterdeck replay`), in place of `asOf`. 404 where there is none, 503 `snapshot_building` until it is whole.',
);
const fields = query('fields', text, 'Only these fields, separated by commas.');
const sort = query('sort', text, 'A field; `-field` for descending.');
const where = query(
  'where',
  text,
  'The filters as JSON: `{"status":"active","monthlyCharges":{"gte":"50.00"}}`.',
);

export const operationsOfProjection = (definition: ProjectionDefinition) => {
  const row = rowSchema(definition);
  const shared = { tag: definition.name, method: 'get', permission: definition.permission, codes } as const;
  const base = `/internal/v1/${definition.name}`;
  const name = pascalCase(definition.name);
  const filters = [...filtersOf(definition, row), where, sort, fields, asOf, snapshot];
  return {
    list: {
      ...shared,
      path: base,
      operationId: `list${name}`,
      summary: definition.summary,
      parameters: [
        ...filters,
        query('limit', whole, 'Rows on a page.'),
        query('cursor', text, 'From `nextCursor`; opaque.'),
        minPosition,
      ],
      answers: [page('A page of rows.', json(pageOf(row)))],
      notes: { 'x-key': definition.keyField },
    },
    csv: {
      ...shared,
      path: `${base}.csv`,
      operationId: `export${name}Csv`,
      summary: `${definition.summary}: all rows as CSV`,
      description:
        "RFC 4180. A text that a spreadsheet would run as a formula has a `'` before it; take NDJSON for text byte for byte.",
      parameters: [...filters, minPosition],
      answers: [page('Every row.', { 'text/csv': { schema: text } })],
    },
    ndjson: {
      ...shared,
      path: `${base}.ndjson`,
      operationId: `export${name}Ndjson`,
      summary: `${definition.summary}: all rows, one JSON object a line`,
      parameters: [...filters, minPosition],
      answers: [page('Every row.', { 'application/x-ndjson': { schema: row } })],
    },
    get: {
      ...shared,
      path: `${base}/{id}`,
      operationId: `get${name}Row`,
      summary: `${definition.summary}: one row`,
      parameters: [path('id', `The row’s \`${definition.keyField}\`.`), fields, asOf, snapshot, minPosition],
      answers: [
        {
          status: 200,
          description: 'The row.',
          content: json(object({ data: row, position: whole })),
          headers:
            definition.stream === undefined ? ['Quarterdeck-Position'] : ['ETag', 'Quarterdeck-Position'],
        },
      ],
      codes,
    },
  } as const satisfies Record<string, Operation>;
};

const page = (description: string, content: Answer['content'] & object): Answer => ({
  status: 200,
  description,
  content,
  headers: ['Quarterdeck-Position'],
});

type Properties = Readonly<Record<string, JsonSchema>>;

/** The row with our notes on its fields; internal ones are not required, for they may be left out. */
const rowSchema = ({ schema, fields: notes }: ProjectionDefinition): JsonSchema => {
  const {
    properties,
    required = [],
    ...rest
  } = jsonSchemaOf(schema, 'output') as JsonSchema & {
    properties: Properties;
    required?: readonly string[];
  };
  const noted = Object.entries(properties).map(([name, field]) => [
    name,
    { ...field, ...notesOf(notes[name]) },
  ]);
  return {
    ...rest,
    additionalProperties: true,
    properties: Object.fromEntries(noted),
    required: required.filter((name) => notes[name]?.internal === undefined),
  };
};

const notesOf = (notes: FieldNotes | undefined): JsonSchema => ({
  ...(notes?.description === undefined ? {} : { description: notes.description }),
  ...(notes?.internal === undefined ? {} : { 'x-internal': notes.internal }),
  ...(notes?.personal === true ? { 'x-personal': true } : {}),
  ...(notes?.recordReads === true ? { 'x-reads-recorded': true } : {}),
  ...(notes?.money === true ? { 'x-money': true } : {}),
});

const operators = ['ne', 'in', 'lt', 'lte', 'gt', 'gte', 'prefix', 'null'] as const;

/** `field` and `field[op]` of every field that holds one value; an object is not filtered by. */
const filtersOf = (definition: ProjectionDefinition, row: JsonSchema): readonly Parameter[] =>
  Object.entries((row as { properties: Properties }).properties).flatMap(([name, field]) => {
    if (isNested(field)) return [];
    const internal = definition.fields[name]?.internal;
    const needs = internal === undefined ? '' : ` Needs ${internal}.`;
    return [
      query(name, text, `Equal to.${needs}`),
      ...operators.map((operator) => query(`${name}[${operator}]`, text, `${meanings[operator]}${needs}`)),
    ];
  });

const meanings: Readonly<Record<(typeof operators)[number], string>> = {
  ne: 'Not equal to.',
  in: 'One of, separated by commas.',
  lt: 'Less than.',
  lte: 'At most.',
  gt: 'More than.',
  gte: 'At least.',
  prefix: 'Begins with.',
  null: '`true`: has no value; `false`: has one.',
};

const isNested = (field: JsonSchema): boolean => {
  const { type, anyOf } = field as { type?: unknown; anyOf?: readonly JsonSchema[] };
  return type === 'object' || type === 'array' || (anyOf?.some(isNested) ?? false);
};

const pascalCase = (name: string): string =>
  name.replaceAll(/(^|-)([a-z0-9])/g, (_, __, letter: string) => letter.toUpperCase());
