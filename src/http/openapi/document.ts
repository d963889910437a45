/**
 * The OpenAPI 3.1 document, made from the same route list that express serves. Each operation names
 * every status it may answer with; problems of one status share a response, whose codes are listed.
 */
import type { ErrorCode } from '../../errors.ts';
import { problemKinds } from '../problem.ts';
import type { Answer, Operation, Parameter, Route } from '../route.ts';
import { openOperations } from './fixed.ts';
import { headers, schemas, traceparent } from './parts.ts';
import { ref } from './schemas.ts';
import { allScimOperations } from './scim.ts';

export interface OpenApiDocument {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly servers: readonly { readonly url: string }[];
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, object>>>>;
  readonly components: object;
  readonly security: readonly object[];
}

/** `https`: then the session cookie has the `__Host-` prefix. */
export interface DocumentOptions {
  readonly version: string;
  readonly publicUrl: string;
  readonly sessionCookie: string;
}

/** What any route behind the session may answer, whatever it does. */
const always: readonly ErrorCode[] = [
  'not_authenticated',
  'network_refused',
  'customer_credential_refused',
  'too_many_requests',
  'internal',
  'unavailable',
];

export const documentOf = (routes: readonly Route[], options: DocumentOptions): OpenApiDocument => {
  const operations = operationsOf(routes);
  return {
    openapi: '3.1.1',
    info: {
      title: 'Quarterdeck internal API',
      version: options.version,
      description:
        'Commands in, an append-only log, projections out. Every error is a problem document (RFC 9457) with a stable `code`.',
    },
    servers: [{ url: options.publicUrl }],
    tags: [
      ...new Set([...operations, ...allScimOperations, ...openOperations].map((operation) => operation.tag)),
    ].map((name) => ({
      name,
    })),
    paths: pathsOf(operations),
    components: {
      schemas,
      headers,
      securitySchemes: {
        session: { type: 'apiKey', in: 'cookie', name: options.sessionCookie },
        directory: { type: 'http', scheme: 'bearer' },
        token: {
          type: 'openIdConnect',
          openIdConnectUrl: `${options.publicUrl}/auth/oidc/.well-known/openid-configuration`,
        },
      },
    },
    security: [{ session: [] }, { token: [] }],
  };
};

/** Every operation behind the session, as the document tells them. */
export const operationsOf = (routes: readonly Route[]): readonly Operation[] =>
  routes.flatMap((route): readonly Operation[] => route.describes ?? [route]);

const pathsOf = (operations: readonly Operation[]): OpenApiDocument['paths'] => {
  const paths: Record<string, Record<string, object>> = {};
  const add = (operation: Operation, extra: object, codes: readonly ErrorCode[]) => {
    const item = paths[operation.path] ?? {};
    item[operation.method] = { ...operationObject(operation, codes), ...extra };
    paths[operation.path] = item;
  };
  for (const operation of operations) add(operation, {}, always);
  for (const operation of allScimOperations) add(operation, { security: [{ directory: [] }] }, []);
  for (const operation of openOperations) add(operation, { security: [] }, ['network_refused', 'internal']);
  return paths;
};

const operationObject = (operation: Operation, codes: readonly ErrorCode[]): object => ({
  operationId: operation.operationId,
  tags: [operation.tag],
  summary: operation.summary,
  ...(operation.description === undefined ? {} : { description: operation.description }),
  parameters: [...(operation.parameters ?? []), traceparent].map(parameterObject),
  ...(operation.body === undefined ? {} : { requestBody: operation.body }),
  responses: responsesOf(operation, [...new Set([...codes, ...operation.codes])]),
  ...(operation.permission === undefined ? {} : { 'x-permission': operation.permission }),
  ...operation.notes,
});

const parameterObject = ({ name, in: place, description, schema, required, example }: Parameter): object => ({
  name,
  in: place,
  description,
  required: required ?? false,
  schema,
  ...(example === undefined ? {} : { example }),
});

/** An answer of the operation's own wins over problems of the same status (`/readyz`). */
const responsesOf = (operation: Operation, codes: readonly ErrorCode[]): object => {
  const responses: Record<string, object> = {};
  for (const [status, group] of Object.entries(byStatus(codes))) responses[status] = problemResponse(group);
  for (const answer of operation.answers) responses[String(answer.status)] = answerObject(answer);
  return responses;
};

const answerObject = (answer: Answer): object => ({
  description: answer.description,
  ...(answer.content === undefined ? {} : { content: answer.content }),
  ...(answer.headers === undefined ? {} : { headers: headerRefs(answer.headers) }),
});

const headerRefs = (names: readonly string[]): object =>
  Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));

const byStatus = (codes: readonly ErrorCode[]): Readonly<Record<string, readonly ErrorCode[]>> => {
  const groups: Record<string, ErrorCode[]> = {};
  for (const code of codes) {
    const status = String(problemKinds[code].status);
    groups[status] = [...(groups[status] ?? []), code];
  }
  return groups;
};

const retried: readonly ErrorCode[] = [
  'unavailable',
  'snapshot_building',
  'too_many_requests',
  'projection_behind',
];

const problemResponse = (codes: readonly ErrorCode[]): object => ({
  description: codes.map((code) => `\`${code}\`: ${problemKinds[code].title}`).join('; '),
  content: {
    'application/problem+json': {
      schema: { allOf: [ref('Problem'), { type: 'object', properties: { code: { enum: codes } } }] },
    },
  },
  ...(codes.some((code) => retried.includes(code)) ? { headers: headerRefs(['Retry-After']) } : {}),
});
